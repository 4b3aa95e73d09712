"""Products by vendors and staff, from the draft to the deletion."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.domain.ids import Prefix, new_id
from models import VendorStatus
from models.repositories import audit
from tests.integration.api.conftest import Person, World
from tests.integration.api.selling import OPTIONS, Seller, pointers, quoted, usd, variant


@pytest.fixture
async def seller(world: World) -> Seller:
    return await Seller.new(world)


@pytest.fixture
async def staff(world: World) -> Seller:
    return Seller(world, await world.person("staff"), "")


async def seen(world: World, product_id: str) -> int:
    """The status that somebody without a token gets."""
    return (await world.client.get(f"/v1/products/{product_id}")).status_code


async def test_product_goes_from_draft_to_sale_to_deletion_and_back(
    world: World, seller: Seller
) -> None:
    body = {"name": "Écharpe d'été", "options": OPTIONS, "variants": [variant()]}
    key = new_id(Prefix.EVENT)
    made = await seller.call("POST", "/products", body, Idempotency_Key=key)
    again = await seller.call("POST", "/products", body, Idempotency_Key=key)
    assert made.status_code == 201, made.text
    product = made.json()
    path = f"/products/{product['id']}"

    assert (again.content, again.headers["Idempotency-Replayed"]) == (made.content, "true")
    assert (made.headers["ETag"], again.headers["ETag"]) == ('"1"', '"1"')
    assert made.headers["Location"] == f"/v1{path}"
    assert (product["status"], product["slug"][:14]) == ("draft", "echarpe-d-ete")
    assert product["variants"][0]["title"] == "black, M"
    assert await seen(world, product["id"]) == 404

    published = await seller.call("POST", f"{path}/publish", If_Match='"1"')
    shown = (await world.client.get(f"/v1{path}")).json()
    assert (published.status_code, published.headers["ETag"]) == (200, '"2"')
    assert shown["variants"][0]["price"] == usd(1999)
    assert shown["options"] == OPTIONS
    assert "approval" not in shown

    gone = await seller.call("DELETE", path)
    assert (gone.status_code, await seen(world, product["id"])) == (204, 404)
    assert (await seller.call("PATCH", path, {"name": "New"})).status_code == 404
    assert (await seller.call("GET", path)).status_code == 404

    back = await seller.call("POST", f"{path}/restore")
    twice = await seller.call("POST", f"{path}/restore")
    assert (back.json()["status"], back.headers["ETag"]) == ("draft", '"4"')
    assert twice.status_code == 404
    entries = await audit.list_entries(world.database, limit=9, target=product["id"])
    assert [(entry.action, entry.actor) for entry in entries] == [
        (f"product.{deed}", f"vendor:{seller.person.user_id}")
        for deed in ("restored", "deleted", "changed", "created")
    ]


async def test_product_asked_for_at_once_with_one_key_is_made_once(seller: Seller) -> None:
    body = {"name": "Twin", "variants": [variant()]}
    key = new_id(Prefix.EVENT)

    answers = await asyncio.gather(
        *(seller.call("POST", "/products", body, Idempotency_Key=key) for _ in range(4))
    )

    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    drafts = await seller.call("GET", "/products?status=draft")
    assert len(drafts.json()["data"]) == 1


async def test_change_from_an_old_version_changes_nothing(world: World, seller: Seller) -> None:
    product = await seller.product()
    path = f"/products/{product['id']}"
    tag = (await seller.call("GET", path)).headers["ETag"]

    first = await seller.call("PATCH", path, {"name": "First"}, If_Match=tag)
    second = await seller.call("PATCH", path, {"name": "Second"}, If_Match=tag)
    deleted = await seller.call("DELETE", path, If_Match=tag)
    same = await seller.call("PATCH", path, {"name": "First"})

    assert (first.status_code, second.status_code, deleted.status_code) == (200, 412, 412)
    assert first.headers["ETag"] == same.headers["ETag"] != tag
    assert (await world.client.get(f"/v1{path}")).json()["name"] == "First"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": "A\u0000"}, ["/name"]),
        ({"name": "A", "slug": "Not A Slug"}, ["/slug"]),
        ({"name": "A", "status": "archived"}, ["/status"]),
        ({"name": "A", "vendor_id": new_id(Prefix.VENDOR)}, ["/vendor_id"]),
        ({"name": "A", "category_ids": [new_id(Prefix.CATEGORY)]}, ["/category_ids/0"]),
        (
            {"name": "A", "options": [*OPTIONS, {"name": "size", "values": ["S", "S"]}]},
            ["/options/2/name", "/options/2/values/1"],
        ),
        (
            {"name": "A", "options": OPTIONS, "variants": [variant(attributes={"size": "XS"})]},
            ["/variants/0/attributes", "/variants/0/attributes/size"],
        ),
        (
            {"name": "A", "options": OPTIONS, "variants": [variant(), variant()]},
            ["/variants/1/attributes"],
        ),
        (
            {"name": "A", "variants": [variant(prices=[usd(5)])]},
            ["/variants/0/prices"],
        ),
        ({"name": "A", "variants": [variant(price=usd(-1))]}, ["/variants/0/price/amount"]),
        ({"name": "A", "variants": [variant(sku="a b")]}, ["/variants/0/sku"]),
    ],
)
async def test_product_at_fault_is_not_made(
    seller: Seller, body: dict[str, Any], wrong: list[str]
) -> None:
    answer = await seller.call("POST", "/products", body)

    assert pointers(answer) == wrong
    drafts = await seller.call("GET", "/products?status=draft")
    assert drafts.json()["data"] == []


async def test_staff_name_the_vendor_and_slugs_stay_their_own(
    seller: Seller, staff: Seller
) -> None:
    body = {"name": "Shared name", "slug": new_id(Prefix.PRODUCT).replace("_", "-")}

    nameless = await staff.call("POST", "/products", body)
    made = await staff.call("POST", "/products", {**body, "vendor_id": seller.vendor_id})
    taken = await seller.call("POST", "/products", body)
    renamed = await seller.product(slug=None)
    clash = await seller.call("PATCH", f"/products/{renamed['id']}", {"slug": body["slug"]})

    assert pointers(nameless) == ["/vendor_id"]
    assert (made.status_code, made.json()["vendor_id"]) == (201, seller.vendor_id)
    assert [(one.status_code, one.json()["title"]) for one in (taken, clash)] == [
        (409, taken.json()["title"])
    ] * 2


async def test_states_have_only_their_moves(world: World, seller: Seller) -> None:
    product = await seller.product(status="draft")
    path = f"/products/{product['id']}"

    answers = [
        await seller.call("POST", f"{path}/{move}")
        for move in ("archive", "archive", "publish", "unpublish")
    ]
    patched = await seller.call("PATCH", path, {"status": "published"})

    assert [one.json()["status"] for one in answers] == [
        "archived",
        "archived",
        "published",
        "draft",
    ]
    assert [one.headers["ETag"] for one in answers] == ['"2"', '"2"', '"3"', '"4"']
    assert (patched.status_code, await seen(world, product["id"])) == (200, 200)


async def test_vendor_publishes_only_what_staff_have_approved(world: World, staff: Seller) -> None:
    seller = await Seller.new(world, products_need_approval=True)
    refused = await seller.call("POST", "/products", {"name": "A", "status": "published"})
    product = await seller.product(status="draft")
    id_, path = product["id"], f"/products/{product['id']}"
    early = await seller.call("POST", f"{path}/publish")
    assert [(one.status_code, one.json()["allowed"]) for one in (refused, early)] == [
        (409, ["archived"])
    ] * 2

    asked = await seller.call("POST", f"{path}/submit")
    queue = await staff.call("GET", f"/products?approval=requested&vendor_id={seller.vendor_id}")
    rejected = await staff.call("POST", f"/admin{path}/reject", {"reason": "blurred"})
    assert asked.json()["approval"] == "requested"
    assert [one["id"] for one in queue.json()["data"]] == [id_]
    assert (rejected.json()["approval"], rejected.json()["approval_reason"]) == (
        "rejected",
        "blurred",
    )

    await seller.call("POST", f"{path}/submit")
    approved = await staff.call("POST", f"/admin{path}/approve")
    published = await seller.call("POST", f"{path}/publish")
    priced = await seller.call(
        "PATCH", f"/variants/{product['variants'][0]['id']}", {"price": usd(2500)}
    )
    assert (approved.json()["approval"], published.json()["status"]) == ("approved", "published")
    assert (priced.json()["price"], await seen(world, id_)) == (usd(2500), 200)

    renamed = await seller.call("PATCH", path, {"name": "Something else"})
    assert (renamed.json()["status"], renamed.json()["approval"]) == ("draft", "requested")
    assert await seen(world, id_) == 404
    by_staff = await staff.call("POST", f"{path}/publish")
    assert (by_staff.json()["status"], by_staff.json()["approval"]) == ("published", "approved")
    another = variant(attributes={"color": "red", "size": "M"})
    await seller.call("POST", f"{path}/variants", another)
    assert await seen(world, id_) == 404


async def test_rejected_product_waits_though_its_vendor_needs_no_approval_any_more(
    world: World, seller: Seller, staff: Seller
) -> None:
    product = await seller.product()
    path = f"/products/{product['id']}"

    asked = await seller.call("POST", f"{path}/submit")
    await staff.call("POST", f"/admin{path}/reject", {"reason": "no"})
    refused = await seller.call("POST", f"{path}/publish")
    by_staff = await staff.call("POST", f"{path}/publish")

    assert (asked.json()["status"], refused.status_code) == ("draft", 409)
    assert (by_staff.json()["approval"], await seen(world, product["id"])) == ("approved", 200)


async def test_approval_moves_only_when_somebody_asked(seller: Seller, staff: Seller) -> None:
    product = await seller.product()
    path = f"/admin/products/{product['id']}"

    unasked = await staff.call("POST", f"{path}/reject", {"reason": "no"})
    stale = await staff.call("POST", f"{path}/approve", If_Match='"7"')
    by_vendor = await seller.call("POST", f"{path}/approve")
    approved = await staff.call("POST", f"{path}/approve")
    again = await staff.call("POST", f"{path}/approve")

    assert [one.status_code for one in (unasked, stale, by_vendor)] == [409, 412, 403]
    assert approved.headers["ETag"] == again.headers["ETag"] == '"2"'


@pytest.mark.parametrize("status", [VendorStatus.SUSPENDED, VendorStatus.PENDING])
async def test_vendor_that_is_not_active_sells_nothing(
    world: World, seller: Seller, status: VendorStatus
) -> None:
    product = await seller.product()
    sku = product["variants"][0]["sku"]
    await seller.stock_up(sku)
    assert (await quoted(world, sku)).status_code == 200

    await seller.suspend(status)

    assert await seen(world, product["id"]) == 404
    listed = await world.client.get(f"/v1/products?vendor_id={seller.vendor_id}")
    assert listed.json()["data"] == []
    assert pointers(await quoted(world, sku)) == ["/items/0/sku"]
    own = await seller.call("GET", f"/products/{product['id']}")
    assert (own.json()["status"], own.json()["on_sale"]) == ("published", False)


async def test_lists_show_what_is_not_on_sale_to_its_vendor_and_staff_alone(
    world: World, seller: Seller, staff: Seller, customer: Person
) -> None:
    drafts = [await seller.product(status="draft", variants=[]) for _ in range(2)]
    await seller.product()
    other = await Seller.new(world)
    path = f"/products?status=draft&vendor_id={seller.vendor_id}&limit=1"

    first = (await seller.call("GET", path)).json()
    rest = (await staff.call("GET", path)).json()
    second = (await seller.call("GET", f"{path}&cursor={first['next_cursor']}")).json()
    hidden = [
        await other.call("GET", path),
        await world.client.get(f"/v1{path}"),
        await world.client.get(f"/v1{path}", headers=customer.headers),
    ]
    await seller.call("DELETE", f"/products/{drafts[0]['id']}")
    deleted = (await seller.call("GET", "/products?status=deleted")).json()

    assert [one["id"] for one in first["data"] + second["data"]] == [one["id"] for one in drafts]
    assert (rest["data"], second["next_cursor"]) == (first["data"], None)
    assert [(one.status_code, one.json()["data"]) for one in hidden] == [(200, [])] * 3
    assert [one["id"] for one in deleted["data"]] == [drafts[0]["id"]]


async def test_variants_keep_to_the_options(world: World, seller: Seller) -> None:
    product = await seller.product()
    path, first = f"/products/{product['id']}", product["variants"][0]
    red = variant(attributes={"color": "red", "size": "L", "ean": "4006381333931"})

    made = await seller.call("POST", f"{path}/variants", red, If_Match='"1"')
    stale = await seller.call("POST", f"{path}/variants", variant(), If_Match='"1"')
    twin = await seller.call("POST", f"{path}/variants", variant())
    taken = await seller.call("POST", f"{path}/variants", {**red, "sku": first["sku"]})
    fewer = await seller.call("PATCH", path, {"options": OPTIONS[:1]})
    other = await seller.call(
        "PATCH", path, {"options": [{"name": "color", "values": ["black"]}, OPTIONS[1]]}
    )

    assert (made.status_code, made.headers["ETag"]) == (201, '"2"')
    assert made.headers["Location"] == f"/v1/variants/{made.json()['id']}"
    assert made.json()["title"] == "red, L"
    assert stale.status_code == 412
    assert pointers(twin) == ["/attributes"]
    assert pointers(taken) == ["/attributes"]
    assert fewer.status_code == 200
    assert pointers(other) == ["/options"]


async def test_sku_of_another_product_is_a_conflict(seller: Seller) -> None:
    first, second = await seller.product(), await seller.product(variants=[])
    sku = first["variants"][0]["sku"]

    taken = await seller.call(
        "POST", f"/products/{second['id']}/variants", variant(sku=sku), Idempotency_Key=sku
    )
    again = await seller.call(
        "POST", f"/products/{second['id']}/variants", variant(sku=sku), Idempotency_Key=sku
    )

    assert (taken.status_code, taken.json()["type"].rpartition("/")[2]) == (409, "conflict")
    assert again.content == taken.content
    shown = await seller.call("GET", f"/products/{second['id']}")
    assert (shown.json()["variants"], shown.headers["ETag"]) == ([], '"1"')


async def test_withdrawn_variant_is_not_sold_and_gives_its_values_free(
    world: World, seller: Seller
) -> None:
    product = await seller.product()
    one = product["variants"][0]
    path = f"/variants/{one['id']}"
    await seller.stock_up(one["sku"])

    withdrawn = await seller.call("PATCH", path, {"status": "withdrawn"}, If_Match='"1"')
    assert (withdrawn.json()["status"], withdrawn.headers["ETag"]) == ("withdrawn", '"2"')
    assert pointers(await quoted(world, one["sku"])) == ["/items/0/sku"]
    twin = await seller.call("POST", f"/products/{product['id']}/variants", variant())
    back = await seller.call("PATCH", path, {"status": "active"})
    assert (twin.status_code, pointers(back)) == (201, ["/attributes"])
    assert pointers(await seller.call("PATCH", path, {"sku": "NEW"})) == ["/sku"]
    assert pointers(await seller.call("PATCH", path, {"title": None})) == ["/title"]
