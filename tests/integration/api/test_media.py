"""A picture's way from its promise to the page of its product, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from tests.eventually import eventually
from tests.hostile_files import POLYGLOTS, REFUSED, SCRIPT, photo, picture
from tests.integration.api.conftest import Person, World
from tests.integration.api.selling import Seller

_PRODUCT_OF = text("SELECT product_id FROM variants WHERE sku = :sku")
_VERSION = text("SELECT version FROM products WHERE id = :id")
_ENTRIES = text("SELECT action, actor FROM audit_log WHERE target = :target ORDER BY id")
_ROWS = text("SELECT count(*) AS number FROM product_media WHERE id = :id")

pytestmark = pytest.mark.usefixtures("workers")


class Desk:
    """Somebody who manages the pictures of one product."""

    def __init__(self, world: World, person: Person, product_id: str) -> None:
        self.world, self.person, self.product_id = world, person, product_id

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.person.headers | more.pop("headers", {})
        return await self.world.client.request(method, path, headers=headers, **more)

    async def promised(self, **wanted: Any) -> dict[str, Any]:
        response = await self.call(
            "POST",
            f"/v1/products/{self.product_id}/media",
            json={"content_type": "image/jpeg", "alt": "A thing"} | wanted,
        )
        assert response.status_code == 201, response.text
        answer: dict[str, Any] = response.json()
        assert response.headers["location"] == f"/v1/media/{answer['media']['id']}"
        return answer

    async def upload(self, promise: dict[str, Any], body: bytes) -> httpx.Response:
        """Without an account: the link is enough."""
        link = promise["upload"]
        return await self.world.client.request(
            link["method"], _here(link["url"]), headers=link["headers"], content=body
        )

    async def settled(self, media_id: str) -> dict[str, Any]:
        async def read() -> dict[str, Any]:
            answer: dict[str, Any] = (await self.call("GET", f"/v1/media/{media_id}")).json()
            return answer

        return await eventually(read, lambda found: found["status"] in {"ready", "rejected"})

    async def shown(self) -> list[dict[str, Any]]:
        """The pictures that everybody sees."""
        found = await self.world.client.get(f"/v1/products/{self.product_id}")
        pictures: list[dict[str, Any]] = found.json()["media"]
        return pictures

    async def version(self) -> int:
        rows = await self.world.database.statement(_VERSION, {"id": self.product_id})
        return int(rows[0]["version"])


def _here(url: str) -> str:
    """The path of an address: the application of the test has no port."""
    return httpx.URL(url).raw_path.decode()


@pytest.fixture
async def desk(world: World) -> Desk:
    shelf = await world.shop.stock_up(1)
    rows = await world.database.statement(_PRODUCT_OF, {"sku": shelf.sku})
    return Desk(world, await world.person("staff"), rows[0]["product_id"])


async def test_uploaded_photo_is_shown_without_what_it_tells_of_its_maker(desk: Desk) -> None:
    promise = await desk.promised()
    media_id = promise["media"]["id"]
    assert (promise["media"]["status"], promise["media"]["url"]) == ("awaiting_upload", None)
    assert await desk.shown() == []
    before = await desk.version()

    uploaded = await desk.upload(promise, photo())

    assert uploaded.status_code == 204, uploaded.text
    found = await desk.settled(media_id)
    assert (found["status"], found["width"], found["height"]) == ("ready", 320, 640)
    assert [(one["id"], one["url"], one["alt"]) for one in await desk.shown()] == [
        (media_id, found["url"], "A thing")
    ]
    assert await desk.version() == before + 1
    full = await desk.world.client.get(_here(found["url"]))
    assert (full.status_code, len(full.content)) == (200, found["size_bytes"])
    assert full.headers["content-type"] == "image/jpeg"
    assert full.headers["x-content-type-options"] == "nosniff"
    assert full.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "immutable" in full.headers["cache-control"]
    (shown,) = await desk.shown()
    assert (shown["width"], shown["height"], shown["thumbnails"]) == (320, 640, found["thumbnails"])
    assert list(found["thumbnails"]) == ["160"]
    small = await desk.world.client.get(_here(found["thumbnails"]["160"]))
    assert small.headers["content-type"] == "image/webp"


async def test_complete_answers_with_the_picture_that_was_made(desk: Desk) -> None:
    promise = await desk.promised(content_type="image/png", size_bytes=len(picture("PNG")))
    path = f"/v1/media/{promise['media']['id']}/complete"
    too_early = await desk.call("POST", path)
    await desk.upload(promise, picture("PNG"))

    completed = await desk.call("POST", path)
    again = await desk.call("POST", path)

    assert too_early.status_code == 409
    assert too_early.json()["state"] == "awaiting_upload"
    assert completed.status_code == 200, completed.text
    assert completed.json()["status"] == "ready"
    assert again.json() == completed.json()


@pytest.mark.parametrize("what", ["nothing", "page", "bomb of pixels", "truncated"])
async def test_hostile_upload_is_refused_with_its_reason_and_leaves_no_file(
    desk: Desk, what: str
) -> None:
    content_type, make, reason = REFUSED[what]
    promise = await desk.promised(content_type=content_type)

    await desk.upload(promise, make())

    found = await desk.settled(promise["media"]["id"])
    assert found["status"] == "rejected"
    assert reason in found["reason"]
    assert found["url"] is None
    assert await desk.shown() == []
    await eventually(lambda: files_of(desk, promise), lambda files: files == [])


async def files_of(desk: Desk, promise: dict[str, Any]) -> list[str]:
    """The names of all files of a picture, the upload too."""
    media_id, objects = promise["media"]["id"], desk.world.resources.objects
    folders = (f"uploads/media/{media_id}/", f"public/media/{media_id}/")
    found: list[str] = []
    for folder in folders:
        found += [key async for key in objects.list(folder)]
    return sorted(PurePosixPath(key).name for key in found)


async def test_polyglot_is_shown_as_its_pixels_only(desk: Desk) -> None:
    content_type, make = POLYGLOTS["jpeg and page"]
    promise = await desk.promised(content_type=content_type)

    await desk.upload(promise, make())

    found = await desk.settled(promise["media"]["id"])
    full = await desk.world.client.get(_here(found["url"]))
    assert full.status_code == 200
    assert SCRIPT not in full.content


async def test_upload_of_another_type_or_size_is_refused_at_once(desk: Desk) -> None:
    promise = await desk.promised(size_bytes=10)
    other_type = promise | {
        "upload": promise["upload"] | {"headers": {"Content-Type": "text/html"}}
    }

    as_page = await desk.upload(other_type, b"<html>")
    too_large = await desk.upload(promise, b"x" * 11)

    assert as_page.status_code == 422
    assert as_page.json()["errors"][0]["pointer"] == "/header/content-type"
    assert too_large.status_code == 413
    assert await files_of(desk, promise) == []


async def test_link_takes_more_than_other_bodies_and_only_once(desk: Desk) -> None:
    promise = await desk.promised()
    large = picture(size=(1400, 1400), kind="JPEG") + bytes(2 * 1024 * 1024)

    first = await desk.upload(promise, large)
    second = await desk.upload(promise, picture())

    assert first.status_code == 204
    assert second.status_code == 409
    assert (await desk.settled(promise["media"]["id"]))["width"] == 1400


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (("max_bytes=20971520", "max_bytes=99971520"), 400),
        (("image%2Fjpeg", "text%2Fhtml"), 400),
        (("expires=", "expires=9"), 400),
        (("signature=", "signature=A"), 400),
        (("?", "?x=1&"), 400),
        (("/picture", "/other"), 400),
        (("/picture", "/..%2f..%2fpublic%2fx"), 404),
        (("/picture", "/%2e%2e/picture"), 404),
    ],
)
async def test_changed_link_uploads_nothing(
    desk: Desk, change: tuple[str, str], status: int
) -> None:
    promise = await desk.promised()
    url = promise["upload"]["url"]
    forged = url.replace(*change)
    assert forged != url

    response = await desk.upload(
        promise | {"upload": promise["upload"] | {"url": forged}}, picture()
    )

    assert response.status_code == status, response.text
    assert await files_of(desk, promise) == []


async def test_private_file_is_not_read_without_its_link(desk: Desk) -> None:
    promise = await desk.promised()
    key = f"exports/{promise['media']['id']}/file.csv"
    await desk.world.resources.objects.put(key, b"secret", content_type="text/csv")

    without = await desk.call("GET", f"/v1/objects/{key}")
    with_that_of_the_upload = await desk.call("GET", _here(promise["upload"]["url"]))

    assert (without.status_code, with_that_of_the_upload.status_code) == (400, 400)
    assert without.json()["type"].endswith("/invalid-signature")


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"content_type": "image/svg+xml"}, "/content_type"),
        ({"content_type": "text/html"}, "/content_type"),
        ({"size_bytes": 20 * 1024 * 1024 + 1}, "/size_bytes"),
        ({"size_bytes": 0}, "/size_bytes"),
        ({"filename": "photo.html"}, "/filename"),
        ({"filename": "photo.jpg.php"}, "/filename"),
        ({"alt": "x" * 501}, "/alt"),
        ({"alt": "a\x00b"}, "/alt"),
        ({"url": "https://elsewhere.example"}, "/url"),
    ],
)
async def test_impossible_promise_is_refused(
    desk: Desk, wanted: dict[str, Any], pointer: str
) -> None:
    response = await desk.call(
        "POST",
        f"/v1/products/{desk.product_id}/media",
        json={"content_type": "image/jpeg"} | wanted,
    )

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_same_key_promises_the_same_picture(desk: Desk) -> None:
    path = f"/v1/products/{desk.product_id}/media"
    headers = {"Idempotency-Key": new_id(Prefix.EVENT)}

    first = await desk.call("POST", path, json={"content_type": "image/png"}, headers=headers)
    again = await desk.call("POST", path, json={"content_type": "image/png"}, headers=headers)
    other = await desk.call("POST", path, json={"content_type": "image/gif"}, headers=headers)

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 422
    listed = (await desk.call("GET", path)).json()["data"]
    assert [one["id"] for one in listed] == [first.json()["media"]["id"]]


async def test_words_and_place_change_for_whoever_has_seen_them(desk: Desk) -> None:
    first, second = await desk.promised(), await desk.promised()
    for promise in (first, second):
        await desk.upload(promise, picture())
        await desk.settled(promise["media"]["id"])
    path = f"/v1/media/{first['media']['id']}"
    seen = (await desk.call("GET", path)).headers["etag"]
    before = await desk.version()

    changed = await desk.call(
        "PATCH", path, json={"alt": "From behind", "position": 5}, headers={"If-Match": seen}
    )
    stale = await desk.call("PATCH", path, json={"alt": "x"}, headers={"If-Match": seen})

    assert changed.status_code == 200
    assert stale.status_code == 412
    assert await desk.version() == before + 1
    assert [one["alt"] for one in await desk.shown()] == ["A thing", "From behind"]
    entries = await desk.world.database.statement(_ENTRIES, {"target": first["media"]["id"]})
    assert [(row["action"], row["actor"]) for row in entries] == [
        ("media.added", f"staff:{desk.person.user_id}"),
        ("media.changed", f"staff:{desk.person.user_id}"),
    ]


async def test_removed_picture_disappears_and_its_files_with_it(desk: Desk) -> None:
    promise = await desk.promised()
    media_id = promise["media"]["id"]
    await desk.upload(promise, picture(size=(1000, 500)))
    await desk.settled(media_id)
    before = await desk.version()
    await eventually(
        lambda: files_of(desk, promise),
        lambda files: files == ["full.jpg", "w160.webp", "w480.webp", "w960.webp"],
    )

    removed = await desk.call("DELETE", f"/v1/media/{media_id}")

    assert removed.status_code == 204
    assert await desk.version() == before + 1
    assert await desk.shown() == []
    assert (await desk.call("GET", f"/v1/media/{media_id}")).status_code == 404
    assert (await desk.call("DELETE", f"/v1/media/{media_id}")).status_code == 404
    await eventually(lambda: files_of(desk, promise), lambda files: files == [])

    async def rows() -> int:
        found = await desk.world.database.statement(_ROWS, {"id": media_id})
        return int(found[0]["number"])

    await eventually(rows, lambda number: number == 0)


async def test_product_has_only_so_many_pictures(desk: Desk) -> None:
    most = desk.world.resources.settings.media.max_per_product
    statement = text(
        "INSERT INTO product_media (id, product_id, url, alt, position)"
        " SELECT 'med_' || :id || n, :product_id, '', '', n FROM generate_series(1, :most) n"
    )
    await desk.world.database.statement(
        text(f"{statement} RETURNING id"),
        {"id": new_id(Prefix.EVENT), "product_id": desk.product_id, "most": most},
    )

    response = await desk.call(
        "POST", f"/v1/products/{desk.product_id}/media", json={"content_type": "image/png"}
    )

    assert response.status_code == 409
    assert str(most) in response.json()["detail"]


async def test_link_has_the_time_that_the_settings_say(desk: Desk) -> None:
    expires = datetime.fromisoformat((await desk.promised())["upload"]["expires_at"])

    left = (expires - datetime.now(UTC)).total_seconds()
    wanted = desk.world.resources.settings.objects.upload_seconds
    assert wanted - 60 < left <= wanted


async def test_picture_that_a_vendor_adds_is_looked_at_by_staff_again(world: World) -> None:
    seller = await Seller.new(world, products_need_approval=True)
    staff = Seller(world, await world.person("staff"), "")
    product = await staff.product(vendor_id=seller.vendor_id)
    desk = Desk(world, seller.person, product["id"])
    promise = await desk.promised()
    seen = await world.client.get(f"/v1/products/{product['id']}")

    await desk.upload(promise, photo())
    await desk.settled(promise["media"]["id"])

    own = (await seller.call("GET", f"/products/{product['id']}")).json()
    assert (product["approval"], seen.status_code) == ("approved", 200)
    assert (own["status"], own["approval"], own["on_sale"]) == ("draft", "requested", False)
