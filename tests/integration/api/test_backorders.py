"""An order for more than there is, from its checkout to the stock that it waited for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.catalogue import Product
from api.schemas.orders import Order
from core.domain.allocation import AllocationStrategy
from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import Shelf

pytestmark = pytest.mark.usefixtures("workers")

POLICY = {
    "backorder_policy": "backorder",
    "backorder_limit": 3,
    "promised_at": "2099-01-01T00:00:00Z",
    "reason": "the next delivery is late",
}


async def post(world: World, person: Person, path: str, body: dict[str, Any]) -> httpx.Response:
    headers = {**person.headers, "Idempotency-Key": new_id(Prefix.EVENT)}
    return await world.client.post(f"/v1/{path}", json=body, headers=headers)


async def let_wait(world: World, staff: Person, shelf: Shelf, **changes: Any) -> None:
    path = f"/v1/admin/stock-policies/{shelf.sku}"
    answer = await world.client.put(path, json=POLICY | changes, headers=staff.headers)
    assert answer.status_code == 200, answer.text


def cart(shelf: Shelf, units: int, **changes: Any) -> dict[str, Any]:
    return checkout_body(shelf, items=[{"sku": shelf.sku, "quantity": units}], **changes)


async def test_order_shows_what_waits_until_staff_bring_stock(
    world: World, customer: Person
) -> None:
    staff = await world.person("staff")
    shelf = await world.shop.stock_up(1)
    await let_wait(world, staff, shelf)

    placed = await post(world, customer, "checkouts", cart(shelf, 4))
    refused = await post(world, customer, "checkouts", cart(shelf, 1))

    assert placed.status_code == 201, placed.text
    order = Order.model_validate_json(placed.content)
    assert order.status == "confirmed"
    assert placed.json()["items"][0]["backordered"] == {
        "quantity": 3,
        "promised_at": "2099-01-01T00:00:00.000000Z",
    }
    assert (refused.status_code, refused.json()["items"]) == (
        409,
        [{"sku": shelf.sku, "requested": 1, "available": 0}],
    )

    body = {"warehouse_id": shelf.warehouse_id, "sku": shelf.sku, "delta": 5, "reason": "delivery"}
    adjusted = await post(world, staff, "admin/stock-adjustments", body)

    assert adjusted.json()["served_orders"] == [order.id]
    assert adjusted.json()["available"] == 2
    seen = await world.client.get(f"/v1/orders/{order.id}", headers=customer.headers)
    assert seen.json()["items"][0]["backordered"] is None
    events = await world.shop.events(order.id)
    assert events[:3] == ["order.placed", "stock.reserved", "stock.backordered"]
    assert events[-1] == "stock.backorder_allocated"


async def test_preorder_is_sold_before_its_date_and_leaves_the_stock_alone(
    world: World, customer: Person
) -> None:
    staff = await world.person("staff")
    shelf = await world.shop.stock_up(5)
    await let_wait(world, staff, shelf, backorder_policy="preorder", backorder_limit=None)

    placed = await post(world, customer, "checkouts", cart(shelf, 2))
    held = await post(
        world,
        customer,
        "holds",
        {"items": [{"sku": shelf.sku, "quantity": 1}], "ttl_seconds": 60},
    )

    assert placed.status_code == 201, placed.text
    assert placed.json()["items"][0]["backordered"]["quantity"] == 2
    assert held.status_code == 409
    assert await world.shop.levels(shelf) == (5, 0)


async def test_declined_payment_gives_the_place_in_the_line_up(
    world: World, customer: Person
) -> None:
    staff = await world.person("staff")
    shelf = await world.shop.stock_up(0)
    await let_wait(world, staff, shelf)
    payment = {"provider": "stripe", "payment_method": "pm_card_visa_chargeDeclined"}

    declined = await post(world, customer, "checkouts", cart(shelf, 3, payment=payment))
    placed = await post(world, customer, "checkouts", cart(shelf, 3))

    assert declined.status_code == 402
    assert placed.status_code == 201, placed.text
    rows = await world.database.statement(
        text("SELECT status FROM backorders WHERE sku = :sku ORDER BY status"), {"sku": shelf.sku}
    )
    assert [row["status"] for row in rows] == ["canceled", "waiting"]


async def test_order_keeps_the_strategy_that_chose_its_warehouses(
    world: World, customer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = await world.shop.stock_up(5)
    near = await world.shop.stock_up_elsewhere(shelf, 5)
    await world.database.statement(
        text("UPDATE warehouses SET region = 'CA', priority = 9 WHERE id = :id"),
        {"id": near.warehouse_id},
    )
    settings = world.resources.settings
    nearest = settings.checkout.model_copy(
        update={"allocation": AllocationStrategy.NEAREST_WAREHOUSE}
    )
    changed = settings.model_copy(update={"checkout": nearest})
    monkeypatch.setitem(vars(world.resources), "settings", changed)

    placed = await post(world, customer, "checkouts", cart(shelf, 2))

    assert placed.status_code == 201, placed.text
    assert (await world.shop.order(placed.json()["id"]))["allocation"] == "nearest_warehouse"
    assert await world.shop.levels(near) == (5, 2)
    assert await world.shop.levels(shelf) == (5, 0)


async def test_product_tells_that_it_may_be_waited_for(world: World) -> None:
    staff = await world.person("staff")
    shelf = await world.shop.stock_up(0)
    await let_wait(world, staff, shelf)
    [row] = await world.database.statement(
        text("SELECT product_id FROM variants WHERE sku = :sku"), {"sku": shelf.sku}
    )

    shown = await world.client.get(f"/v1/products/{row['product_id']}")

    variant = Product.model_validate_json(shown.content).variants[0]
    assert (variant.backorder_policy, variant.available) == ("backorder", 0)
