"""Parcels that are lost, come back, or are called back: the money and the goods follow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.statuses import OrderStatus
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.platform import HANDLING, SkippingPlatform
from workflows import workflow_ids
from workflows.messages import Action, Resolution
from workflows.ports.shipments import RecordEvent

MARGIN = timedelta(seconds=5)
STAFF = "staff:usr_2"
TOTAL = 2 * PRICE + SHIPPING


async def shipped(skipping: SkippingPlatform, *more: Shelf) -> tuple[str, Shelf]:
    """An order whose parcels are with the carrier."""
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    order_id = await shop.draft(shelf, 2, more=more)
    assert (await shop.place(order_id)).status is OrderStatus.CONFIRMED
    await eventually(lambda: shop.fulfillment_started(order_id))
    await skipping.skip(HANDLING + MARGIN)
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    return order_id, shelf


async def happens(skipping: SkippingPlatform, order_id: str, number: int, word: str) -> None:
    """Let the carrier say something of a parcel."""
    parcel = (await skipping.shop.shipments(order_id))[number - 1]
    await skipping.outside.tracked(parcel["carrier_shipment_id"], word)
    await skipping.shop.receive_event(
        "carrier", f"shipment.{word}", object_id=parcel["carrier_shipment_id"]
    )


async def decide(
    skipping: SkippingPlatform, order_id: str, what: str, action: Action, number: int = 1
) -> None:
    """Resolve what a parcel waits for, once it does."""
    await eventually(lambda: skipping.shop.waits(order_id), lambda found: what in found)
    parcel = (await skipping.shop.shipments(order_id))[number - 1]
    await skipping.shop.workflow(workflow_ids.shipment(parcel["id"])).execute_update(
        "resolve", Resolution(actor=STAFF, action=action, what=what, reason="decided")
    )


async def refunds(skipping: SkippingPlatform, order_id: str) -> list[tuple[int, str]]:
    rows = await skipping.shop.database.statement(
        text("SELECT amount, status FROM refunds WHERE order_id = :id ORDER BY id"),
        {"id": order_id},
    )
    return [(row["amount"], row["status"]) for row in rows]


async def test_lost_parcel_is_sent_once_more_for_nothing(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await shipped(skipping)
    await happens(skipping, order_id, 1, "lost")
    await decide(skipping, order_id, "lost parcel 1", Action.RETRY)
    parcels: list[dict[str, Any]] = await eventually(
        lambda: shop.shipments(order_id),
        lambda found: [one["status"] for one in found] == ["delivery_failed", "handed_over"],
    )
    assert (parcels[0]["failure"], parcels[1]["purpose"]) == ("lost", "replacement")
    assert (parcels[1]["capture_amount"], parcels[1]["replaces_id"]) == (0, parcels[0]["id"])
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    assert await shop.levels(shelf) == (1, 0)
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
    await happens(skipping, order_id, 2, "delivered")
    await eventually(
        lambda: shop.shipments(order_id), lambda found: found[1]["status"] == "delivered"
    )
    events = await shop.events(order_id)
    assert [one for one in events if one.startswith("shipment.")] == [
        "shipment.booked",
        "shipment.changed",
        "shipment.lost",
        "shipment.replaced",
        "shipment.booked",
        "shipment.changed",
        "shipment.changed",
    ]


async def test_lost_parcel_of_two_is_refunded_and_the_order_is_delivered(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, _ = await shipped(skipping, await shop.stock_up(3))
    parcels = await shop.shipments(order_id)
    lost = next(one["number"] for one in parcels if one["capture_amount"] == 2166)
    await happens(skipping, order_id, 3 - lost, "delivered")
    await happens(skipping, order_id, lost, "lost")
    await decide(skipping, order_id, f"lost parcel {lost}", Action.REFUND, lost)
    await eventually(
        lambda: refunds(skipping, order_id), lambda found: found == [(PRICE, "succeeded")]
    )
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    assert (await shop.payment(order_id))["refunded_amount"] == PRICE
    order = await shop.order(order_id)
    assert (order["payment_status"], order["fulfillment_status"]) == (
        "partially_refunded",
        "delivered",
    )


async def test_returned_parcel_is_refunded_and_its_goods_are_restocked(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await shipped(skipping)
    (parcel,) = await shop.shipments(order_id)
    event = RecordEvent(
        order_id=order_id,
        shipment_id=parcel["id"],
        event_id="staff:1",
        status="returned",
        actor=STAFF,
        occurred_at=parcel["created_at"],
        sellable=True,
    )
    workflow = shop.workflow(workflow_ids.shipment(parcel["id"]))
    for _ in range(2):
        await workflow.execute_update("record_event", event)
    assert await shop.levels(shelf) == (5, 0)
    await decide(skipping, order_id, "returned parcel 1", Action.REFUND)
    await eventually(
        lambda: refunds(skipping, order_id), lambda found: found == [(2 * PRICE, "succeeded")]
    )
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    order = await shop.order(order_id)
    assert order["fulfillment_status"] == "returned"
    rows = await shop.database.statement(
        text("SELECT returned_quantity FROM order_items WHERE order_id = :id"), {"id": order_id}
    )
    assert [row["returned_quantity"] for row in rows] == [2]


@pytest.mark.parametrize("left", ["at the vendor", "with the carrier after all"])
async def test_parked_hand_over_can_be_called_back_unless_it_has_left(
    skipping: SkippingPlatform, left: str
) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    await skipping.outside.break_down("carrier", "shipments.hand_over")
    order_id = await shop.draft(shelf, 2)
    await shop.place(order_id)
    await eventually(lambda: shop.fulfillment_started(order_id))
    await skipping.skip(HANDLING + MARGIN)
    await skipping.skip(timedelta(seconds=20))
    (parcel,) = await eventually(
        lambda: shop.shipments(order_id), lambda found: found[0]["dispatching_at"]
    )
    if left == "with the carrier after all":
        await skipping.outside.tracked(parcel["carrier_shipment_id"], "handed_over")
        await decide(skipping, order_id, "hand-over", Action.CANCEL)
        await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
        assert await refunds(skipping, order_id) == []
        return
    await decide(skipping, order_id, "hand-over", Action.CANCEL)
    await eventually(
        lambda: refunds(skipping, order_id), lambda found: found == [(TOTAL, "succeeded")]
    )
    await eventually(lambda: shop.status(order_id), lambda status: status == "canceled")
    (parcel,) = await shop.shipments(order_id)
    assert (parcel["status"], await shop.levels(shelf)) == ("canceled", (5, 0))
    payment = await shop.payment(order_id)
    assert (payment["captured_amount"], payment["refunded_amount"]) == (TOTAL, TOTAL)
