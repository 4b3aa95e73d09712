"""Many products or orders at once: what fits is changed and audited, the rest is told."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from tests.eventually import eventually
from tests.imports import Seller, catalogue_of, list_of, open_vendor
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import Shelf

_IDS = text("SELECT id FROM products WHERE vendor_id = :vendor_id ORDER BY id")

pytestmark = pytest.mark.usefixtures("workers")


@pytest.fixture(scope="module")
async def staff(world: World) -> Person:
    return await world.person("staff")


async def send(world: World, person: Person, path: str, body: dict[str, Any]) -> Any:
    headers = person.headers | {"Idempotency-Key": new_id(Prefix.EVENT)}
    return await world.client.post(f"/v1{path}", json=body, headers=headers)


async def ended(world: World, person: Person, path: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        answer = await world.client.get(path, headers=person.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return await eventually(look, lambda job: job["ended_at"] is not None, within_seconds=60)


async def done(world: World, person: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await send(world, person, path, body)
    assert answer.status_code in {201, 202}, answer.text
    return await ended(world, person, answer.headers["location"])


async def stocked(world: World, staff: Person, *, careful: bool = False) -> Seller:
    seller = await open_vendor(world.database, careful=careful)
    body = list_of(seller, 3).replace(",published,", ",draft,")
    await done(world, staff, "/imports/products", {"csv": body})
    return seller


async def audited(world: World, staff: Person, action: str, actor: str) -> int:
    answer = await world.client.get(
        "/v1/admin/audit-log",
        params={"action": action, "actor": actor, "limit": 100},
        headers=staff.headers,
    )
    return len(answer.json()["data"])


async def bought(world: World, person: Person, shelf: Shelf) -> dict[str, Any]:
    answer = await send(world, person, "/checkouts", checkout_body(shelf))
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def test_products_that_fit_are_published_and_repriced(world: World, staff: Person) -> None:
    seller = await stocked(world, staff)
    fits = {"filter": {"vendor_id": seller.id}, "reason": "the season begins"}

    published = await done(world, staff, "/bulk-actions/products", {"action": "publish", **fits})
    price = {"currency": "USD", "basis_points": -1500}
    cheaper = {"action": "change_prices", "price": price, **fits}
    repriced = await done(world, staff, "/bulk-actions/products", cheaper)

    assert (published["status"], published["done_rows"], published["failed_rows"]) == ("done", 3, 0)
    assert (repriced["status"], repriced["done_rows"], repriced["total_rows"]) == ("done", 3, 3)
    rows = await catalogue_of(world.database, seller)
    assert {row["status"] for row in rows} == {"published"}
    assert [row["prices"] for row in rows[::2]] == [
        "EUR 0, USD 169",  # 1.99 less 15 % is 1.6915
        "EUR 100, USD 254",  # 2.99 less 15 % is 2.5415
        "EUR 200, USD 339",  # 3.99 less 15 % is 3.3915
    ]
    assert {row["version"] for row in rows} == {3}
    actor = f"staff:{staff.user_id}"
    assert await audited(world, staff, "product.published", actor) == 3
    assert await audited(world, staff, "product.prices_changed", actor) == 3


async def test_product_that_cannot_be_changed_is_listed_and_left(
    world: World, staff: Person
) -> None:
    seller = await stocked(world, staff, careful=True)
    other = await stocked(world, staff)
    vendor = await world.person("vendor", vendor_id=seller.id)
    shown = [await catalogue_ids(world, one) for one in (seller, other)]

    job = await done(
        world,
        vendor,
        "/bulk-actions/products",
        {"action": "publish", "ids": [shown[0][0], shown[1][0]], "reason": "now"},
    )

    assert (job["done_rows"], job["failed_rows"]) == (0, 2)
    faults = (await world.client.get(job["errors"]["url"])).text.splitlines()
    assert faults[1:] == [
        f"1,id,the state is draft; published is not possible (possible: archived),{shown[0][0]}",
        f"2,id,there is no such product,{shown[1][0]}",
    ]
    for one in (seller, other):
        rows = await catalogue_of(world.database, one)
        assert {row["status"] for row in rows} == {"draft"}


async def catalogue_ids(world: World, seller: Seller) -> list[str]:
    rows = await world.database.statement(_IDS, {"vendor_id": seller.id})
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "publish", "reason": "now"}, ""),
        ({"action": "publish", "filter": {}, "reason": "now"}, ""),
        ({"action": "change_prices", "filter": {"status": "draft"}, "reason": "now"}, ""),
        (
            {"action": "publish", "filter": {"vendor_id": new_id(Prefix.VENDOR)}, "reason": "now"},
            "/filter",
        ),
    ],
)
async def test_bulk_action_for_nothing_is_refused(
    world: World, staff: Person, body: dict[str, Any], pointer: str
) -> None:
    answer = await send(world, staff, "/bulk-actions/products", body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_orders_of_a_sku_are_held_and_canceled(
    world: World, staff: Person, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    orders = [(await bought(world, customer, shelf))["id"] for _ in range(3)]
    fits = {"filter": {"sku": shelf.sku, "status": "confirmed"}, "reason": "the seam comes apart"}

    held = await done(world, staff, "/admin/order-jobs", {"action": "hold", **fits})
    canceled = await done(world, staff, "/admin/order-jobs", {"action": "cancel", **fits})
    gone = {"ids": orders[:1], "reason": "again"}
    again = await done(world, staff, "/admin/order-jobs", {"action": "cancel", **gone})
    late = await done(world, staff, "/admin/order-jobs", {"action": "hold", **gone})

    assert (held["status"], held["done_rows"], held["failed_rows"]) == ("done", 3, 0)
    assert (canceled["status"], canceled["done_rows"]) == ("done", 3)
    for order_id in orders:
        await eventually(partial(world.shop.status, order_id), lambda s: s == "canceled")
        timeline = await world.shop.timeline(order_id)
        by_staff = [entry for entry in timeline if entry["actor"] == f"staff:{staff.user_id}"]
        assert "order.held_for_review" in {entry["type"] for entry in by_staff}
    assert (again["done_rows"], again["failed_rows"]) == (1, 0)
    assert (late["done_rows"], late["failed_rows"]) == (0, 1)
    faults = (await world.client.get(late["errors"]["url"])).text.splitlines()
    assert faults[1] == f"1,id,the state is canceled; hold is not possible,{orders[0]}"
    assert await audited(world, staff, "order.cancel", f"staff:{staff.user_id}") == 3
    listed = await world.client.get("/v1/admin/order-jobs", headers=staff.headers)
    assert [job["id"] for job in listed.json()["data"][:4]] == [
        late["id"],
        again["id"],
        canceled["id"],
        held["id"],
    ]


async def test_orders_are_found_by_each_filter(
    world: World, staff: Person, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    order = await bought(world, customer, shelf)
    newest = await bought(world, await world.person(), await world.shop.stock_up(1))
    total = order["total"]["amount"]
    filters: list[dict[str, Any]] = [
        {"number": order["number"]},
        {"number": order["number"].removeprefix("P-")},
        {"email": customer.email.upper()},
        {"sku": shelf.sku},
        {"vendor_id": shelf.vendor_id},
        {"customer_id": customer.user_id, "created_from": order["created_at"]},
        {"customer_id": customer.user_id, "created_to": newest["created_at"]},
        {"sku": shelf.sku, "country": "US", "currency": "USD", "shipping_method": "standard"},
        {"sku": shelf.sku, "min_total": total, "max_total": total},
        {"sku": shelf.sku, "payment_provider": "stripe", "status": "confirmed"},
    ]
    misses: list[dict[str, Any]] = [
        {"sku": shelf.sku, "country": "DE"},
        {"sku": shelf.sku, "min_total": total + 1},
        {"sku": shelf.sku, "max_total": total - 1},
        {"sku": shelf.sku, "payment_provider": "paystack"},
        {"sku": shelf.sku, "promotion_code": "NONE"},
        {"sku": shelf.sku, "warehouse_id": "whs_nowhere"},
        {"sku": shelf.sku, "created_to": order["created_at"]},
        {"sku": shelf.sku, "shipping_method": "express"},
        {"email": "nobody@shop.perdure.dev"},
    ]

    async def found(wanted: dict[str, Any]) -> set[str]:
        answer = await world.client.get(
            "/v1/admin/orders", params=wanted | {"limit": 100}, headers=staff.headers
        )
        assert answer.status_code == 200, answer.text
        return {one["id"] for one in answer.json()["data"]}

    for wanted in filters:
        assert order["id"] in await found(wanted), wanted
        assert newest["id"] not in await found(wanted), wanted
    for wanted in misses:
        assert await found(wanted) == set(), wanted
