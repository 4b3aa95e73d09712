"""An order of which a part waits for stock: its parcels leave as their goods arrive."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from activities.stock_news import tell_fulfillments
from core.domain.ids import Prefix, new_id
from core.domain.statuses import OrderStatus
from models.repositories import stock_moves
from models.repositories.stock_moves import Movement
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.platform import HANDLING, SkippingPlatform

MARGIN = timedelta(seconds=5)
TOTAL = 3 * PRICE + SHIPPING


async def arrive(skipping: SkippingPlatform, shelf: Shelf, units: int) -> list[str]:
    movement = Movement(
        warehouse_id=shelf.warehouse_id,
        sku=shelf.sku,
        delta=units,
        reason="delivery",
        reference=new_id(Prefix.EVENT),
    )
    async with skipping.shop.database.transaction() as session:
        served = await stock_moves.receive(session, [movement], actor="test")
    await tell_fulfillments(skipping.shop.temporal, served)
    return served


async def test_parcels_leave_as_their_goods_arrive_and_cost_the_total_together(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(1)
    await shop.database.statement(
        text("UPDATE variants SET backorder_policy = 'backorder' WHERE sku = :sku"),
        {"sku": shelf.sku},
    )
    order_id = await shop.draft(shelf, 3)
    assert (await shop.place(order_id)).status is OrderStatus.CONFIRMED
    await eventually(lambda: shop.fulfillment_started(order_id))

    await skipping.skip(HANDLING + MARGIN)
    order = await eventually(
        lambda: shop.order(order_id), lambda row: row["fulfillment_status"] != "unfulfilled"
    )
    assert (order["status"], order["fulfillment_status"]) == ("processing", "partially_shipped")
    assert order["payment_status"] == "partially_captured"
    assert await skipping.broken_promises() == {}

    assert await arrive(skipping, shelf, 2) == [order_id]
    order = await eventually(lambda: shop.order(order_id), lambda row: row["status"] == "shipped")

    assert (order["fulfillment_status"], order["payment_status"]) == ("shipped", "captured")
    parcels = await shop.shipments(order_id)
    assert [parcel["status"] for parcel in parcels] == ["handed_over", "handed_over"]
    assert sum(parcel["capture_amount"] for parcel in parcels) == TOTAL
    assert await shop.levels(shelf) == (0, 0)
    charges = await skipping.outside.charges(order_id)
    assert sum(captured for _, _, captured in charges) == TOTAL
