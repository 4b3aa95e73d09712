"""Turns that few orders take, each with its money and its stock to the last unit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from core.domain.statuses import OrderStatus
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING
from tests.workflows.platform import HANDLING, SkippingPlatform
from tests.workflows.test_order_changes import change, edit
from tests.workflows.test_vendor_parcels import (
    ask,
    begun,
    decide,
    delivered,
    reaches,
    waits,
)
from workflows import workflow_ids
from workflows.messages import Action
from workflows.ports.shipments import RecordEvent, ShipmentState

MARGIN = timedelta(seconds=5)
STAFF = "staff:usr_1"

_MANUAL = text("UPDATE vendors SET fulfillment = 'manual' WHERE id = :id RETURNING id")
_BACKORDER = text("UPDATE variants SET backorder_policy = 'backorder' WHERE sku = :sku")


async def tell(skipping: SkippingPlatform, order_id: str, status: str, **more: Any) -> None:
    """A member of staff tells where the order's first parcel is."""
    parcel = (await skipping.shop.shipments(order_id))[0]
    step = RecordEvent(
        order_id=order_id,
        shipment_id=parcel["id"],
        event_id=new_id(Prefix.EVENT),
        status=status,
        actor=STAFF,
        occurred_at=await skipping.now(),
        **more,
    )
    workflow = skipping.shop.workflow(workflow_ids.shipment(parcel["id"]))
    await workflow.execute_update("record_event", step, result_type=ShipmentState)


async def confirmed(skipping: SkippingPlatform, order_id: str) -> None:
    """Place the draft, until its fulfilment has it."""
    assert (await skipping.shop.place(order_id)).status is OrderStatus.CONFIRMED
    await eventually(lambda: skipping.shop.fulfillment_started(order_id))


async def test_edit_after_planning_sends_and_captures_what_it_adds(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, _, _ = await begun(skipping, 2)
    other = await shop.stock_up(3)

    assert await change(skipping, order_id, "edit", edit(other.sku, 1)) == "processing"

    first, second = await reaches(skipping, order_id, "planned", "handed_over")
    total = 3 * PRICE + SHIPPING
    assert (await shop.order(order_id))["total_amount"] == total
    assert first["capture_amount"] + second["capture_amount"] == total
    assert await shop.levels(other) == (2, 0)
    charges = await skipping.outside.charges(order_id)
    assert sum(captured for _, _, captured in charges) == second["capture_amount"]
    for update in ("accept", "pack", "hand_over"):
        await ask(skipping, order_id, update, 1)
    charges = await skipping.outside.charges(order_id)
    assert sum(captured for _, _, captured in charges) == total


async def test_returned_goods_go_at_once_to_an_order_that_waits_for_them(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(2)
    await shop.database.statement(_BACKORDER, {"sku": shelf.sku})
    sent, waiting = await shop.draft(shelf, 2), await shop.draft(shelf, 2)
    for order_id in (sent, waiting):
        await confirmed(skipping, order_id)
    await skipping.skip(HANDLING + MARGIN)
    await reaches(skipping, sent, "handed_over")
    await eventually(lambda: shop.status(waiting), lambda status: status == "processing")
    assert await shop.shipments(waiting) == []

    await tell(skipping, sent, "returning")
    await tell(skipping, sent, "returned", sellable=True)

    await reaches(skipping, waiting, "handed_over")
    assert await shop.levels(shelf) == (0, 0)
    assert "stock.backorder_allocated" in await shop.events(waiting)


async def test_parcel_that_never_leaves_does_not_keep_the_other_from_its_door(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    good, bad = await shop.stock_up(1), await shop.stock_up(1)
    await shop.database.statement(_MANUAL, {"id": bad.vendor_id})
    order_id = await shop.draft(good, 1, more=[bad])
    await confirmed(skipping, order_id)
    await skipping.skip(HANDLING + MARGIN)
    parcels = await eventually(
        lambda: shop.shipments(order_id),
        lambda rows: sorted(row["status"] for row in rows) == ["handed_over", "planned"],
    )
    number = {row["warehouse_id"]: row["number"] for row in parcels}
    await ask(skipping, order_id, "reject", number[bad.warehouse_id], reason="broken machine")
    await waits(skipping, order_id, f"stock for parcel {number[bad.warehouse_id]}")
    await decide(skipping, order_id, Action.CANCEL, number[bad.warehouse_id])
    await delivered(skipping, order_id, number[good.warehouse_id])

    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    order = await shop.order(order_id)
    captured = sum(one[2] for one in await skipping.outside.charges(order_id))
    assert (order["subtotal_amount"], order["fulfillment_status"]) == (PRICE, "delivered")
    assert captured == order["total_amount"]
    assert (await shop.levels(good), await shop.levels(bad)) == ((0, 0), (1, 0))
