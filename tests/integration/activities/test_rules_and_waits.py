"""Rules that hold orders for review, and units that wait for stock when an order gets smaller."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from activities.order_changes import PostgresOrderChangeActivities
from core.domain.ids import Prefix, new_id
from tests.integration.activities.test_all_twice import Desk
from tests.integration.activities.test_all_twice import desk as desk  # noqa: PLC0414  # a fixture
from tests.shop import PRICE, SHIPPING
from workflows.messages import ItemQuantity
from workflows.ports.order_changes import RequestCancellation

_RULE = text("""
INSERT INTO review_rules (id, name, kind, country, orders, window_seconds, active)
VALUES (:id, :kind, :kind, :country, :orders, :window_seconds, true) RETURNING id
""")
_BACKORDER = text("UPDATE variants SET backorder_policy = 'backorder' WHERE sku = :sku")
_ITEM = text("SELECT id FROM order_items WHERE order_id = :id")
_WAITING = text("SELECT status, quantity FROM backorders WHERE order_id = :id ORDER BY status")


async def rule(desk: Desk, kind: str, **more: Any) -> None:
    wanted = {"country": None, "orders": None, "window_seconds": None, **more}
    await desk.shop.database.statement(_RULE, {"id": new_id(Prefix.RULE), "kind": kind, **wanted})


async def reasons(desk: Desk, order_id: str) -> list[str]:
    """Why the order is held for review, if it is."""
    review = (await desk.shop.order(order_id))["review"]
    return list(review["reasons"]) if review else []


async def test_order_to_a_country_of_a_rule_is_held_and_others_are_not(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(9)
    await rule(desk, "country", country="NG")
    assert await reasons(desk, await desk.confirmed(shelf)) == []
    await rule(desk, "country", country="US")
    held = await desk.confirmed(shelf)
    assert await reasons(desk, held) == ["country"]
    assert (await desk.shop.order(held))["status"] == "confirmed"


async def test_third_order_of_one_customer_within_the_hour_is_held(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(9)
    await rule(desk, "velocity", orders=2, window_seconds=3600)
    first, second, third = [await desk.confirmed(shelf) for _ in range(3)]
    assert [await reasons(desk, one) for one in (first, second, third)] == [[], [], ["velocity"]]
    desk.shop.customer_id = new_id(Prefix.USER)
    assert await reasons(desk, await desk.confirmed(shelf)) == []


async def test_units_that_wait_are_canceled_before_those_that_are_there(desk: Desk) -> None:
    shop = desk.shop
    shelf = await shop.stock_up(1)
    await shop.database.statement(_BACKORDER, {"sku": shelf.sku})
    order_id = await desk.confirmed(shelf)
    item = (await shop.database.statement(_ITEM, {"id": order_id}))[0]["id"]
    assert await shop.levels(shelf) == (1, 1)
    changes = PostgresOrderChangeActivities(shop.database)

    await desk.twice(
        changes.request_cancellation,
        RequestCancellation(
            order_id=order_id,
            change_id=new_id(Prefix.EDIT),
            actor="customer:usr_1",
            reason="one will do",
            items=[ItemQuantity(item_id=item, quantity=1)],
        ),
    )

    assert await shop.levels(shelf) == (1, 1)
    assert [row["capture_amount"] for row in await shop.shipments(order_id)] == [PRICE + SHIPPING]
    waiting = [dict(row) for row in await shop.database.statement(_WAITING, {"id": order_id})]
    assert [row["status"] for row in waiting] == ["canceled"]
