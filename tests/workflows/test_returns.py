"""Returns from the request to the money: by policy, by staff, by the clock, in exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from core.domain.statuses import ReturnStatus
from core.settings import Settings
from tests.eventually import eventually
from tests.returning import Sold, requested
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.outside import Outside
from tests.workflows.platform import HANDLING, SkippingPlatform, skipping_platform, tuned
from workflows import workflow_ids
from workflows.messages import Action, Child, DecideReturn, Resolution, ReturnRequest, SendReturn
from workflows.ports.returns import ReceivedItem, ReceiveReturn
from workflows.ports.shipments import ShipmentStep
from workflows.returns import APPROVAL, PARCEL, ReturnWorkflow
from workflows.task_queues import TaskQueue

STAFF = "staff:usr_test"
HOUR = timedelta(hours=1)
MARGIN = timedelta(seconds=5)
TIMES = {
    "auto_approve_reasons": ("damaged",),
    "auto_approve_amount": 3 * PRICE,
    "decision_seconds": 3600,
    "undecided_seconds": 3600,
    "sending_seconds": 3600,
    "transit_seconds": 3600,
}


@pytest.fixture
async def skipping(settings: Settings, outside: Outside) -> AsyncIterator[SkippingPlatform]:
    async with skipping_platform(tuned(settings, returns=TIMES), outside) as platform:
        yield platform
        assert await platform.broken_promises() == {}


async def sold(
    skipping: SkippingPlatform, quantity: int = 1, *, method: str = "pm_card_visa"
) -> tuple[Sold, Shelf]:
    """An order that was paid and delivered, and the shelf that it came from."""
    shop = skipping.shop
    shelf = await shop.stock_up(quantity)
    order_id = await shop.draft(shelf, quantity, payment_method=method)
    await shop.place(order_id)
    await eventually(lambda: shop.fulfillment_started(order_id))
    await skipping.skip(HANDLING + MARGIN)
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    (parcel,) = await shop.shipments(order_id)
    carrier_id = parcel["carrier_shipment_id"]
    await skipping.outside.tracked(carrier_id, "delivered")
    await shop.receive_event("carrier", "shipment.delivered", object_id=carrier_id)
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    rows = await shop.database.statement(
        text("SELECT id FROM order_items WHERE order_id = :id"), {"id": order_id}
    )
    return Sold(order_id=order_id, items=[row["id"] for row in rows]), shelf


async def begun(
    skipping: SkippingPlatform, of: Sold, quantity: int = 1, **wanted: Any
) -> WorkflowHandle[Any, ReturnStatus]:
    """A return whose workflow runs."""
    return_id = await requested(skipping.shop.database, of, quantity, **wanted)
    return await skipping.shop.temporal.start_workflow(
        Child.RETURN,
        ReturnRequest(order_id=of.order_id, return_id=return_id),
        id=workflow_ids.return_(return_id),
        task_queue=TaskQueue.FULFILLMENT,
        result_type=ReturnStatus,
    )


async def received(
    handle: WorkflowHandle[Any, Any], of: Sold, *, sellable: int = 0, damaged: int = 0
) -> ReturnStatus:
    item = ReceivedItem(item_id=of.items[0], sellable=sellable, damaged=damaged)
    received = ReceiveReturn(
        order_id=of.order_id, return_id=return_id_of(handle), items=[item], actor=STAFF
    )
    return await handle.execute_update(ReturnWorkflow.receive, received)


def return_id_of(handle: WorkflowHandle[Any, Any]) -> str:
    return handle.id.removeprefix("return/")


async def reaches(handle: WorkflowHandle[Any, Any], status: ReturnStatus) -> None:
    await eventually(lambda: handle.query(ReturnWorkflow.get_status), lambda seen: seen is status)


async def refunded(skipping: SkippingPlatform, order_id: str) -> int:
    """What the provider has given back."""
    return sum(row["refunded"] for row in await skipping.outside.attempts(order_id))


async def test_return_within_the_policy_ends_refunded_and_its_goods_lie_in_stock(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    of, shelf = await sold(skipping)
    before = len(await shop.events(of.order_id))
    handle = await begun(skipping, of)
    await reaches(handle, ReturnStatus.APPROVED)
    sent = SendReturn(actor="customer:usr_test", tracking_number="1Z999")
    assert await handle.execute_update(ReturnWorkflow.ship, sent) is ReturnStatus.IN_TRANSIT
    await received(handle, of, sellable=1)

    assert await handle.result() is ReturnStatus.REFUNDED
    assert await refunded(skipping, of.order_id) == PRICE + SHIPPING
    assert await shop.levels(shelf) == (1, 0)
    order = await shop.order(of.order_id)
    assert (order["payment_status"], order["fulfillment_status"]) == ("refunded", "returned")
    assert (await shop.events(of.order_id))[before:] == [
        "return.requested",
        "return.approved",
        "return.in_transit",
        "return.received",
        "return.inspected",
        "refund.requested",
        "refund.succeeded",
        "return.refunded",
    ]


async def test_two_members_of_staff_at_once_one_decides(skipping: SkippingPlatform) -> None:
    of, _ = await sold(skipping)
    handle = await begun(skipping, of, reason="changed_mind")
    decision = DecideReturn(actor=STAFF, reason="worn")
    both = await asyncio.gather(
        handle.execute_update(ReturnWorkflow.reject, decision),
        handle.execute_update(ReturnWorkflow.reject, decision),
        return_exceptions=True,
    )

    assert await handle.result() is ReturnStatus.REJECTED
    (refusal,) = [one for one in both if isinstance(one, WorkflowUpdateFailedError)]
    assert getattr(refusal.cause, "type", None) == "invalid-state"
    assert [one for one in both if one is not refusal] == [ReturnStatus.REJECTED]
    assert await refunded(skipping, of.order_id) == 0


async def test_request_that_nobody_decides_about_is_shown_and_expires(
    skipping: SkippingPlatform,
) -> None:
    of, _ = await sold(skipping)
    handle = await begun(skipping, of, reason="changed_mind")
    await reaches(handle, ReturnStatus.REQUESTED)
    await skipping.skip(HOUR + MARGIN)
    await eventually(lambda: skipping.shop.waits(of.order_id), lambda waits: waits == [APPROVAL])
    await skipping.skip(HOUR + MARGIN)

    assert await handle.result() is ReturnStatus.EXPIRED
    assert await skipping.shop.waits(of.order_id) == []
    again = await begun(skipping, of)
    await reaches(again, ReturnStatus.APPROVED)
    await skipping.skip(HOUR + MARGIN)
    assert await again.result() is ReturnStatus.EXPIRED


async def test_late_request_is_approved_and_lost_goods_are_rejected_by_resolving(
    skipping: SkippingPlatform,
) -> None:
    of, _ = await sold(skipping)
    handle = await begun(skipping, of, reason="changed_mind")
    await reaches(handle, ReturnStatus.REQUESTED)
    await skipping.skip(HOUR + MARGIN)
    await eventually(lambda: skipping.shop.waits(of.order_id), lambda waits: waits == [APPROVAL])
    await handle.execute_update("resolve", Resolution(actor=STAFF, action=Action.SKIP))
    await reaches(handle, ReturnStatus.APPROVED)
    sent = SendReturn(actor="customer:usr_test", tracking_number="1Z999")
    await handle.execute_update(ReturnWorkflow.ship, sent)
    await skipping.skip(HOUR + MARGIN)
    await eventually(lambda: skipping.shop.waits(of.order_id), lambda waits: waits == [PARCEL])
    gone = Resolution(actor=STAFF, action=Action.CANCEL, reason="never came")
    await handle.execute_update("resolve", gone)

    assert await handle.result() is ReturnStatus.REJECTED
    assert await skipping.shop.waits(of.order_id) == []


async def test_returns_of_parts_add_up_to_what_was_paid(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    of, shelf = await sold(skipping, 3)
    first = await begun(skipping, of, 3)
    await reaches(first, ReturnStatus.APPROVED)
    await received(first, of, sellable=1, damaged=1)
    assert await first.result() is ReturnStatus.REFUNDED
    assert await refunded(skipping, of.order_id) == 2 * PRICE
    assert (await shop.order(of.order_id))["payment_status"] == "partially_refunded"

    rest = await begun(skipping, of)
    await reaches(rest, ReturnStatus.APPROVED)
    await received(rest, of, damaged=1)
    assert await rest.result() is ReturnStatus.REFUNDED
    assert await refunded(skipping, of.order_id) == 3 * PRICE + SHIPPING
    assert await shop.levels(shelf) == (1, 0)


async def test_exchange_that_the_bank_declines_becomes_a_refund(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    of, _ = await sold(skipping)
    other = await dearer(skipping)
    await shop.database.statement(
        text("UPDATE payments SET payment_method = 'pm_card_visa_chargeDeclined'"), {}
    )
    handle = await begun(skipping, of, exchange_sku=other.sku)
    await reaches(handle, ReturnStatus.APPROVED)
    await received(handle, of, sellable=1)

    assert await handle.result() is ReturnStatus.REFUNDED
    assert await refunded(skipping, of.order_id) == PRICE + SHIPPING
    assert await shop.levels(other) == (2, 0)


async def test_exchange_for_something_dearer_takes_the_difference_and_ships(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    of, shelf = await sold(skipping)
    other = await dearer(skipping)
    handle = await begun(skipping, of, exchange_sku=other.sku)
    await reaches(handle, ReturnStatus.APPROVED)
    await received(handle, of, sellable=1)
    assert await handle.result() is ReturnStatus.REFUNDED

    def gone(parcels: list[dict[str, Any]]) -> bool:
        return [parcel["status"] for parcel in parcels] == ["delivered", "handed_over"]

    await eventually(lambda: shop.shipments(of.order_id), gone)
    charges = sorted(await skipping.outside.charges(of.order_id))
    assert charges == [
        ("succeeded", 700, 700),
        ("succeeded", PRICE + SHIPPING, PRICE + SHIPPING),
    ]
    assert await refunded(skipping, of.order_id) == 0
    assert (await shop.levels(shelf), await shop.levels(other)) == ((1, 0), (1, 0))
    order = await shop.order(of.order_id)
    assert (order["payment_status"], order["fulfillment_status"]) == ("captured", "delivered")
    assert order["total_amount"] == PRICE + SHIPPING


async def test_exchange_that_the_vendor_cannot_send_is_paid_back(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    of, _ = await sold(skipping)
    other = await shop.stock_up(2)
    await shop.database.statement(
        text("UPDATE vendors SET fulfillment = 'manual' WHERE id = :id"), {"id": other.vendor_id}
    )
    handle = await begun(skipping, of, exchange_sku=other.sku)
    await reaches(handle, ReturnStatus.APPROVED)
    await received(handle, of, sellable=1)
    assert await handle.result() is ReturnStatus.REFUNDED
    (_, parcel) = await shop.shipments(of.order_id)
    assert (parcel["status"], parcel["purpose"], await shop.levels(other)) == (
        "planned",
        "exchange",
        (2, 1),
    )
    decline = ShipmentStep(
        order_id=of.order_id,
        shipment_id=parcel["id"],
        actor="vendor:usr_test",
        reason="none left",
    )
    await shop.workflow(workflow_ids.shipment(parcel["id"])).execute_update("cancel", decline)
    await eventually(lambda: refunded(skipping, of.order_id), lambda paid: paid == PRICE)
    assert await shop.levels(other) == (2, 0)


async def dearer(skipping: SkippingPlatform) -> Shelf:
    """A shelf of something that costs 7.00 more."""
    other = await skipping.shop.stock_up(2)
    await skipping.shop.database.statement(
        text("UPDATE variant_prices SET amount = amount + 700 WHERE variant_id = :id"),
        {"id": other.variant_id},
    )
    return other
