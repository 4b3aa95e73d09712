"""The tree of categories by staff, and what readers see of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from core.domain.ids import Prefix, new_id
from models.repositories import audit
from tests.integration.api.conftest import World
from tests.integration.api.selling import Seller, pointers


@pytest.fixture
async def staff(world: World) -> Seller:
    return Seller(world, await world.person("staff"), "")


async def make(staff: Seller, key: str = "", **body: Any) -> httpx.Response:
    return await staff.call(
        "POST", "/admin/categories", body, Idempotency_Key=key or new_id(Prefix.EVENT)
    )


async def chain(staff: Seller, length: int) -> list[dict[str, Any]]:
    """Categories, each below the one before."""
    made: list[dict[str, Any]] = []
    for _ in range(length):
        answer = await make(
            staff, name=new_id(Prefix.CATEGORY), parent_id=made[-1]["id"] if made else None
        )
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    return made


async def shown(world: World) -> dict[str, dict[str, Any]]:
    """All categories that readers see, by id."""
    found: dict[str, dict[str, Any]] = {}
    cursor = ""
    while True:
        page = (await world.client.get(f"/v1/categories?limit=100{cursor}")).json()
        found |= {one["id"]: one for one in page["data"]}
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_category_moves_with_all_that_is_below_it(world: World, staff: Seller) -> None:
    top, middle, leaf = await chain(staff, 3)
    (elsewhere,) = await chain(staff, 1)

    moved = await staff.call(
        "PATCH",
        f"/admin/categories/{middle['id']}",
        {"parent_id": elsewhere["id"], "position": 4, "reason": "spring"},
        If_Match='"1"',
    )

    assert (moved.status_code, moved.headers["ETag"], moved.json()["position"]) == (200, '"2"', 4)
    tree = await shown(world)
    assert tree[leaf["id"]]["path"] == f"{elsewhere['slug']}/{middle['slug']}/{leaf['slug']}"
    assert tree[top["id"]]["path"] == top["slug"]
    entries = await audit.list_entries(world.database, limit=9, target=middle["id"])
    assert [(entry.action, entry.reason) for entry in entries] == [
        ("category.changed", "spring"),
        ("category.created", ""),
    ]
    assert entries[0].before == {"parent_id": top["id"], "position": 0}


async def test_category_is_never_below_itself(staff: Seller) -> None:
    top, middle, leaf = await chain(staff, 3)

    answers = [
        await staff.call("PATCH", f"/admin/categories/{top['id']}", {"parent_id": below["id"]})
        for below in (top, middle, leaf)
    ]

    assert [pointers(answer) for answer in answers] == [["/parent_id"]] * 3


async def test_two_moves_at_once_make_no_circle(staff: Seller) -> None:
    first, second = await chain(staff, 1), await chain(staff, 1)
    one, other = first[0]["id"], second[0]["id"]

    answers = await asyncio.gather(
        staff.call("PATCH", f"/admin/categories/{one}", {"parent_id": other}),
        staff.call("PATCH", f"/admin/categories/{other}", {"parent_id": one}),
    )

    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_category_is_not_deeper_than_the_tree_may_be(staff: Seller) -> None:
    deep = await chain(staff, 19)
    pair = await chain(staff, 2)

    too_deep = await staff.call(
        "PATCH", f"/admin/categories/{pair[0]['id']}", {"parent_id": deep[-1]["id"]}
    )
    deepest = await staff.call(
        "PATCH", f"/admin/categories/{pair[1]['id']}", {"parent_id": deep[-1]["id"]}
    )

    assert (pointers(too_deep), deepest.status_code) == (["/parent_id"], 200)
    assert deepest.json()["path"].count("/") == 19


async def test_deleted_category_is_hidden_until_it_is_restored(world: World, staff: Seller) -> None:
    seller = await Seller.new(world)
    top, leaf = await chain(staff, 2)
    product = await seller.product(category_ids=[leaf["id"]])
    product_path = f"/v1/products/{product['id']}"
    path = f"/admin/categories/{leaf['id']}"
    listed = await world.client.get(f"/v1/products?category_id={top['id']}")
    assert [one["id"] for one in listed.json()["data"]] == [product["id"]]

    refused = await staff.call("DELETE", f"/admin/categories/{top['id']}")
    stale = await staff.call("DELETE", path, If_Match='"9"')
    gone = await staff.call("DELETE", path, If_Match='"1"')
    assert [one.status_code for one in (refused, stale, gone)] == [409, 412, 204]
    assert leaf["id"] not in await shown(world)
    assert (await world.client.get(product_path)).json()["category_ids"] == []
    unknown = await seller.call(
        "PATCH", f"/products/{product['id']}", {"category_ids": [top["id"], leaf["id"]]}
    )
    assert pointers(unknown) == ["/category_ids/1"]

    await staff.call("DELETE", f"/admin/categories/{top['id']}")
    orphan = await staff.call("POST", f"{path}/restore")
    await staff.call("POST", f"/admin/categories/{top['id']}/restore")
    back = await staff.call("POST", f"{path}/restore")
    again = await staff.call("POST", f"{path}/restore")
    assert [one.status_code for one in (orphan, back, again)] == [409, 200, 404]
    assert (await world.client.get(product_path)).json()["category_ids"] == [leaf["id"]]


async def test_category_is_made_once_and_slugs_stay_its_own(staff: Seller) -> None:
    key, slug = new_id(Prefix.EVENT), new_id(Prefix.CATEGORY).replace("_", "-")

    made = await make(staff, key, name="Bags", slug=slug)
    again = await make(staff, key, name="Bags", slug=slug)
    taken = await make(staff, name="Bags", slug=slug)
    nowhere = await make(staff, name="Bags", parent_id=new_id(Prefix.CATEGORY))
    nameless = await staff.call("PATCH", f"/admin/categories/{made.json()['id']}", {"name": None})

    assert again.content == made.content
    assert made.headers["Location"] == f"/v1/admin/categories/{made.json()['id']}"
    assert (taken.status_code, pointers(nowhere), pointers(nameless)) == (
        409,
        ["/parent_id"],
        ["/name"],
    )
    read = await staff.call("GET", f"/admin/categories/{made.json()['id']}")
    assert (read.json(), read.headers["ETag"]) == (made.json(), '"1"')
