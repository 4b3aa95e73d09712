"""Vendors who move their parcels by hand: in time, late, in part, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from core.domain.statuses import OrderStatus
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.platform import DAY, HANDLING, SkippingPlatform
from workflows import workflow_ids
from workflows.messages import Action, Resolution
from workflows.ports.shipments import PackedItem, ShipmentState, ShipmentStep, SplitShipment

MARGIN = timedelta(seconds=5)
VENDOR = "vendor:usr_1"
STAFF = "staff:usr_2"


async def begun(
    skipping: SkippingPlatform, quantity: int = 2, *, elsewhere: int = 0
) -> tuple[str, Shelf, Shelf]:
    """An order whose parcel waits for its vendor to accept it, and both shelves of its goods."""
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    other = await shop.stock_up_elsewhere(shelf, elsewhere)
    await shop.database.statement(
        text("UPDATE vendors SET fulfillment = 'manual' WHERE id = :id RETURNING id"),
        {"id": shelf.vendor_id},
    )
    order_id = await shop.draft(shelf, quantity)
    assert (await shop.place(order_id)).status is OrderStatus.CONFIRMED
    await eventually(lambda: shop.fulfillment_started(order_id))
    await skipping.skip(HANDLING + MARGIN)
    await eventually(lambda: shop.shipments(order_id))
    return order_id, shelf, other


async def ask(
    skipping: SkippingPlatform, order_id: str, update: str, number: int = 1, **more: Any
) -> Any:
    """Send the update of a vendor or of staff to a parcel."""
    parcel = (await skipping.shop.shipments(order_id))[number - 1]
    kind: Any = SplitShipment if update == "pack" else ShipmentStep
    argument = kind(order_id=order_id, shipment_id=parcel["id"], actor=VENDOR, **more)
    handle = skipping.shop.workflow(workflow_ids.shipment(parcel["id"]))
    return await handle.execute_update(update, argument, result_type=ShipmentState)


async def decide(
    skipping: SkippingPlatform, order_id: str, action: Action, number: int = 1
) -> None:
    """Resolve what a parcel waits for."""
    parcel = (await skipping.shop.shipments(order_id))[number - 1]
    await skipping.shop.workflow(workflow_ids.shipment(parcel["id"])).execute_update(
        "resolve", Resolution(actor=STAFF, action=action, reason="decided")
    )


async def waits(skipping: SkippingPlatform, order_id: str, *wanted: str) -> None:
    await eventually(lambda: skipping.shop.waits(order_id), lambda found: found == list(wanted))


async def reaches(
    skipping: SkippingPlatform, order_id: str, *statuses: str
) -> list[dict[str, Any]]:
    """Wait until the parcels are in these states, in the order of their numbers."""
    return await eventually(
        lambda: skipping.shop.shipments(order_id),
        lambda parcels: [parcel["status"] for parcel in parcels] == list(statuses),
    )


async def delivered(skipping: SkippingPlatform, order_id: str, number: int = 1) -> None:
    """Let the carrier deliver a parcel."""
    parcel = (await skipping.shop.shipments(order_id))[number - 1]
    carrier_id = parcel["carrier_shipment_id"]
    await skipping.outside.tracked(carrier_id, "delivered")
    await skipping.shop.receive_event("carrier", "shipment.delivered", object_id=carrier_id)


async def test_vendor_who_is_late_is_escalated_and_may_still_move(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, _, _ = await begun(skipping)
    with pytest.raises(WorkflowUpdateFailedError):
        await ask(skipping, order_id, "pack")
    await skipping.skip(DAY - 4 * MARGIN)
    assert await shop.waits(order_id) == []
    await skipping.skip(8 * MARGIN)
    await waits(skipping, order_id, "vendor to accept parcel 1")

    await ask(skipping, order_id, "accept")
    await waits(skipping, order_id)
    (parcel,) = await shop.shipments(order_id)
    assert parcel["accepted_at"] is not None
    state = await ask(skipping, order_id, "pack")
    assert state.status == "packed"
    state = await ask(skipping, order_id, "hand_over")
    assert state.status == "handed_over"
    assert await skipping.outside.charges(order_id) == [
        ("succeeded", 2 * PRICE + SHIPPING, 2 * PRICE + SHIPPING)
    ]
    events = await shop.events(order_id)
    assert events[5:] == [
        "shipment.escalated",
        "order.parked",
        "shipment.accepted",
        "order.resumed",
        "shipment.booked",
        "payment.captured",
        "shipment.changed",
        "order.shipped",
    ]


async def test_parcel_packed_in_part_leaves_the_rest_to_another(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await begun(skipping, 3)
    await ask(skipping, order_id, "accept")
    rows = await shop.database.statement(
        text("SELECT id FROM order_items WHERE order_id = :id"), {"id": order_id}
    )
    packed = [PackedItem(item_id=rows[0]["id"], quantity=1)]
    await ask(skipping, order_id, "pack", items=packed)
    first, rest = await reaches(skipping, order_id, "packed", "planned")
    assert (first["capture_amount"], rest["capture_amount"]) == (2166, 4331)

    await ask(skipping, order_id, "hand_over")
    order = await shop.order(order_id)
    assert order["fulfillment_status"] == "partially_shipped"
    assert await shop.levels(shelf) == (4, 2)
    rest_id = workflow_ids.shipment(rest["id"])
    await eventually(lambda: _runs(skipping, rest_id))
    for update in ("accept", "pack", "hand_over"):
        await ask(skipping, order_id, update, 2)
    assert (await shop.order(order_id))["status"] == "shipped"
    assert await shop.levels(shelf) == (2, 0)
    total = 3 * PRICE + SHIPPING
    assert await skipping.outside.charges(order_id) == [("succeeded", total, total)]
    for number in (1, 2):
        await delivered(skipping, order_id, number)
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")


async def test_rejected_parcel_comes_from_another_warehouse(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf, other = await begun(skipping, elsewhere=2)
    state = await ask(skipping, order_id, "reject", reason="broken machine")
    assert state.status == "planned"
    canceled, new = await reaches(skipping, order_id, "canceled", "planned")
    assert (canceled["warehouse_id"], new["warehouse_id"]) == (
        shelf.warehouse_id,
        other.warehouse_id,
    )
    assert new["capture_amount"] == 2 * PRICE + SHIPPING
    assert (await shop.levels(shelf), await shop.levels(other)) == ((5, 0), (2, 2))
    await eventually(lambda: _runs(skipping, workflow_ids.shipment(new["id"])))
    for update in ("accept", "pack", "hand_over"):
        await ask(skipping, order_id, update, 2)
    assert (await shop.order(order_id))["status"] == "shipped"
    assert await shop.levels(other) == (0, 0)


async def test_rejected_parcel_whose_goods_are_nowhere_is_taken_off_the_order(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await begun(skipping)
    await ask(skipping, order_id, "reject", reason="broken machine")
    await waits(skipping, order_id, "stock for parcel 1")
    await decide(skipping, order_id, Action.CANCEL)
    await reaches(skipping, order_id, "canceled")
    await eventually(lambda: shop.status(order_id), lambda status: status == "canceled")
    assert await shop.levels(shelf) == (5, 0)
    order = await shop.order(order_id)
    assert (order["subtotal_amount"], order["total_amount"]) == (0, 0)
    ((status, _, captured),) = await skipping.outside.charges(order_id)
    assert (status, captured) == ("canceled", 0)


async def _runs(skipping: SkippingPlatform, workflow_id: str) -> bool:
    try:
        return bool(await skipping.shop.workflow(workflow_id).query("get_status"))
    except RPCError:
        return False
