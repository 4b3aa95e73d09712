"""Units taken off a confirmed order, edits of it, and holds: money and stock to the last cent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from core.domain.errors import InvalidStateError
from core.domain.ids import Prefix, new_id
from core.domain.statuses import OrderStatus
from core.settings import Settings
from models.repositories.order_address import put_address
from tests.eventually import eventually
from tests.shop import ADDRESS, PRICE, SHIPPING, Shelf
from tests.workflows.outside import Outside
from tests.workflows.platform import DAY, HANDLING, SkippingPlatform, skipping_platform, tuned
from tests.workflows.test_vendor_parcels import ask, begun, delivered, reaches
from workflows import workflow_ids
from workflows.messages import (
    CancelRequest,
    EditRequest,
    Fulfillment,
    ItemQuantity,
    Progress,
    ReviewRequest,
)
from workflows.ports.stock import WantedItem
from workflows.task_queues import TaskQueue

MARGIN = timedelta(seconds=5)
STAFF = "staff:usr_1"
TOTAL = 2 * PRICE + SHIPPING


async def confirmed(skipping: SkippingPlatform, quantity: int = 2) -> tuple[str, Shelf]:
    shelf = await skipping.shop.stock_up(5)
    order_id = await skipping.shop.draft(shelf, quantity)
    await skipping.shop.place(order_id)
    await eventually(lambda: skipping.shop.fulfillment_started(order_id))
    return order_id, shelf


async def change(skipping: SkippingPlatform, order_id: str, update: str, request: Any) -> str:
    status: OrderStatus = await skipping.shop.fulfillment(order_id).execute_update(
        update, request, result_type=OrderStatus
    )
    return status.value


async def refused(
    skipping: SkippingPlatform, order_id: str, update: str, request: Any
) -> ApplicationError:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await change(skipping, order_id, update, request)
    cause = caught.value.cause
    assert isinstance(cause, ApplicationError)
    return cause


async def items(skipping: SkippingPlatform, order_id: str) -> list[dict[str, Any]]:
    rows = await skipping.shop.database.statement(
        text("SELECT * FROM order_items WHERE order_id = :id ORDER BY position"), {"id": order_id}
    )
    return [dict(row) for row in rows]


async def cancel_units(skipping: SkippingPlatform, order_id: str, units: int) -> CancelRequest:
    (item,) = await items(skipping, order_id)
    wanted = [ItemQuantity(item_id=item["id"], quantity=units)]
    return CancelRequest(actor=STAFF, reason="fewer", items=wanted)


def edit(sku: str, quantity: int) -> EditRequest:
    changes = [WantedItem(sku=sku, quantity=quantity)]
    return EditRequest(actor=STAFF, reason="as the customer asked", changes=changes)


async def completed(skipping: SkippingPlatform, order_id: str) -> dict[str, Any]:
    """Let the return window pass; the order at its end."""
    end = await skipping.skip_to_the_end(workflow_ids.fulfillment(order_id), 15 * DAY)
    assert end == "completed"
    return await skipping.shop.order(order_id)


async def test_unit_canceled_before_packing_is_neither_sent_nor_charged(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await confirmed(skipping)
    request = await cancel_units(skipping, order_id, 1)
    assert await change(skipping, order_id, "cancel", request) == "confirmed"
    left = PRICE + SHIPPING
    order = await shop.order(order_id)
    assert (order["subtotal_amount"], order["total_amount"]) == (PRICE, left)
    assert await shop.levels(shelf) == (5, 1)

    await skipping.skip(HANDLING + MARGIN)
    (parcel,) = await reaches(skipping, order_id, "handed_over")
    assert parcel["capture_amount"] == left
    await delivered(skipping, order_id)
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    order = await completed(skipping, order_id)
    assert order["payment_status"] == "captured"
    assert await shop.levels(shelf) == (4, 0)
    assert [(row[0], row[2]) for row in await skipping.outside.charges(order_id)] == [
        ("succeeded", left)
    ]
    (item,) = await items(skipping, order_id)
    assert (item["quantity"], item["canceled_quantity"], item["total_amount"]) == (1, 1, PRICE)


async def test_parcel_that_its_vendor_has_not_packed_loses_a_unit_or_all(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await begun(skipping, 3)
    request = await cancel_units(skipping, order_id, 1)
    assert await change(skipping, order_id, "cancel", request) == "processing"
    (parcel,) = await shop.shipments(order_id)
    assert (parcel["status"], parcel["capture_amount"]) == ("planned", TOTAL)
    assert await shop.levels(shelf) == (5, 2)

    last = await cancel_units(skipping, order_id, 2)
    both = await asyncio.gather(
        change(skipping, order_id, "cancel", last),
        change(skipping, order_id, "cancel", CancelRequest(actor="customer:usr_2")),
        return_exceptions=True,
    )
    assert "canceled" in both
    assert [one for one in both if isinstance(one, Exception)] == [
        one for one in both if isinstance(one, WorkflowUpdateFailedError)
    ]
    assert await shop.levels(shelf) == (5, 0)
    assert await shop.lines(order_id) == ["released"]
    order = await shop.order(order_id)
    assert (order["status"], order["payment_status"]) == ("canceled", "voided")
    assert (await shop.events(order_id)).count("order.canceled") == 1
    await eventually(lambda: has_ended(skipping, workflow_ids.shipment(parcel["id"])))


async def test_cancel_after_the_claim_of_a_parcel_is_refused(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await begun(skipping)
    await ask(skipping, order_id, "accept")
    await ask(skipping, order_id, "pack")
    await skipping.outside.break_down("stripe", "payment_intents.capture")
    handing_over = asyncio.create_task(ask(skipping, order_id, "hand_over"))
    await eventually(
        lambda: shop.shipments(order_id), lambda rows: rows[0]["dispatching_at"] is not None
    )

    error = await refused(skipping, order_id, "cancel", CancelRequest(actor=STAFF))
    assert error.type == "invalid-state"
    assert error.details[0]["state"] == "processing, shipment 1 on its way"
    one = await cancel_units(skipping, order_id, 1)
    assert (await refused(skipping, order_id, "cancel", one)).type == "invalid-state"
    assert (await refused(skipping, order_id, "edit", edit(shelf.sku, 1))).type == "invalid-state"

    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(minutes=6))
    await handing_over
    await reaches(skipping, order_id, "handed_over")
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
    assert await shop.levels(shelf) == (3, 0)


async def test_edit_that_adds_is_paid_for_first_and_shipped(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await confirmed(skipping)
    other = await shop.stock_up(3)
    assert await change(skipping, order_id, "edit", edit(other.sku, 1)) == "confirmed"
    more = TOTAL + PRICE
    order = await shop.order(order_id)
    assert (order["total_amount"], order["payment_status"]) == (more, "authorized")
    paid = [(row["purpose"], row["authorized_amount"]) for row in await shop.payments(order_id)]
    assert paid == [("order", TOTAL), ("edit", PRICE)]
    assert await shop.levels(other) == (3, 1)

    assert await change(skipping, order_id, "edit", edit(shelf.sku, 1)) == "confirmed"
    await skipping.skip(HANDLING + MARGIN)
    await reaches(skipping, order_id, "handed_over", "handed_over")
    for number in (1, 2):
        await delivered(skipping, order_id, number)
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    await completed(skipping, order_id)
    charged = await skipping.outside.charges(order_id)
    assert sum(captured for _, _, captured in charged) == TOTAL
    assert {status for status, _, _ in charged} <= {"succeeded", "canceled"}
    assert (await shop.levels(shelf), await shop.levels(other)) == ((4, 0), (2, 0))


async def test_edit_that_is_declined_or_short_of_stock_changes_nothing(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await confirmed(skipping)
    before = await shop.order(order_id)
    await shop.pay_next_with(order_id, "pm_card_visa_chargeDeclinedInsufficientFunds")
    declined = await refused(skipping, order_id, "edit", edit(shelf.sku, 3))
    assert (declined.type, declined.details[0]["decline_code"]) == (
        "payment-declined",
        "insufficient_funds",
    )
    short = await refused(skipping, order_id, "edit", edit(shelf.sku, 99))
    assert short.type == "out-of-stock"
    nothing = await refused(skipping, order_id, "edit", edit(shelf.sku, 0))
    assert nothing.type == "validation-error"

    after = await shop.order(order_id)
    amounts = ("subtotal_amount", "total_amount", "status", "payment_status")
    assert [after[name] for name in amounts] == [before[name] for name in amounts]
    assert await shop.levels(shelf) == (5, 2)
    assert (await shop.events(order_id))[-1] == "order.edit_refused"


async def rule(skipping: SkippingPlatform) -> None:
    """Hold every order above 10 dollars."""
    await skipping.shop.database.statement(
        text(
            "INSERT INTO review_rules (id, name, kind, currency, amount, active)"
            " VALUES (:id, 'large orders', 'amount', 'USD', 1000, true) RETURNING id"
        ),
        {"id": new_id(Prefix.RULE)},
    )


@pytest.mark.parametrize("approve", [True, False], ids=["approved", "rejected"])
async def test_order_that_a_rule_matches_waits_for_a_person(
    skipping: SkippingPlatform, *, approve: bool
) -> None:
    shop = skipping.shop
    await rule(skipping)
    order_id, shelf = await confirmed(skipping)
    await skipping.skip(HANDLING + MARGIN)
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == ["review"])
    order = await shop.order(order_id)
    assert order["review"]["reasons"] == ["large orders"]
    assert (order["status"], len(await shop.shipments(order_id))) == ("confirmed", 1)

    decision = ReviewRequest(actor=STAFF, reason="looked at it", approve=approve)
    status = await change(skipping, order_id, "review", decision)
    if approve:
        await reaches(skipping, order_id, "handed_over")
        assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
        late = await refused(skipping, order_id, "release", ReviewRequest(actor="staff:usr_9"))
        assert late.type == "invalid-state"
    else:
        assert status == "canceled"
        assert await shop.levels(shelf) == (5, 0)
        assert await skipping.outside.charges(order_id) == [("canceled", TOTAL, 0)]
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == [])


async def test_review_that_nobody_decides_ends_at_its_deadline(
    settings: Settings, outside: Outside
) -> None:
    quick = tuned(settings, fulfillment={"handling_seconds": 0, "review_deadline_seconds": 3600})
    async with skipping_platform(quick, outside) as skipping:
        await rule(skipping)
        order_id, shelf = await confirmed(skipping)
        await eventually(lambda: skipping.shop.waits(order_id), lambda waits: waits == ["review"])
        end = await skipping.skip_to_the_end(
            workflow_ids.fulfillment(order_id), timedelta(hours=1, minutes=1)
        )
        assert end == "canceled"
        assert await skipping.shop.levels(shelf) == (5, 0)
        assert await skipping.broken_promises() == {}


async def test_held_order_leaves_when_it_is_released(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, _, _ = await begun(skipping)
    await ask(skipping, order_id, "accept")
    await ask(skipping, order_id, "pack")
    hold = ReviewRequest(actor=STAFF, reason="a doubt")
    assert await change(skipping, order_id, "hold", hold) == "processing"
    assert (await refused(skipping, order_id, "hold", ReviewRequest(actor="staff:usr_9"))).details[
        0
    ] == {"state": "held for review", "allowed": ["release"]}
    await eventually(lambda: shop.waits(order_id), lambda waits: "review" in waits)
    handing_over = asyncio.create_task(ask(skipping, order_id, "hand_over"))
    await skipping.skip(timedelta(minutes=5))
    (parcel,) = await shop.shipments(order_id)
    assert (parcel["status"], parcel["dispatching_at"]) == ("packed", None)

    await change(skipping, order_id, "release", ReviewRequest(actor=STAFF, reason="no doubt"))
    await reaches(skipping, order_id, "handed_over")
    await handing_over
    assert (await shop.order(order_id))["review"] is None
    assert "review" not in await shop.waits(order_id)


async def test_fresh_run_goes_on_where_the_one_before_stood(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await begun(skipping)
    await shop.fulfillment(order_id).terminate()
    await shop.temporal.start_workflow(
        "FulfillmentWorkflow",
        Fulfillment(order_id=order_id, handling_seconds=86_400, progress=Progress(handled=True)),
        id=workflow_ids.fulfillment(order_id),
        task_queue=TaskQueue.FULFILLMENT,
    )
    request = await cancel_units(skipping, order_id, 1)
    assert await change(skipping, order_id, "cancel", request) == "processing"
    for step in ("accept", "pack", "hand_over"):
        await ask(skipping, order_id, step)
    await delivered(skipping, order_id)
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    assert await shop.levels(shelf) == (4, 0)
    assert len(await shop.shipments(order_id)) == 1


async def test_address_is_changed_until_a_parcel_is_booked(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, _, _ = await begun(skipping)

    async def move(**changes: str) -> None:
        await put_address(
            shop.database,
            order_id,
            {**ADDRESS, **changes},
            customer_id=shop.customer_id,
            actor=f"customer:{shop.customer_id}",
        )

    await move(line1="2 Other Street")
    await move(line1="2 Other Street")
    assert (await shop.order(order_id))["shipping_address"]["line1"] == "2 Other Street"
    told = [one for one in await shop.timeline(order_id) if one["type"] == "order.address_changed"]
    assert [(one["title"], one["detail"]) for one in told] == [("Shipping address changed", "")]
    with pytest.raises(InvalidStateError, match="another country or region"):
        await move(region="NY")

    await ask(skipping, order_id, "accept")
    await ask(skipping, order_id, "pack")
    with pytest.raises(InvalidStateError, match="a parcel is booked"):
        await move(line1="3 Late Street")
    assert (await shop.order(order_id))["shipping_address"]["line1"] == "2 Other Street"


async def has_ended(skipping: SkippingPlatform, workflow_id: str) -> bool:
    description = await skipping.shop.workflow(workflow_id).describe()
    return description.close_time is not None
