"""The whole life of orders whose provider takes the money at once: what is not sent goes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from core.domain.ids import Prefix, new_id
from core.domain.payments import ProviderRefund
from core.domain.statuses import OrderStatus, RefundStatus
from models.repositories import orders, refunds
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.platform import HANDLING, SkippingPlatform
from workflows import workflow_ids
from workflows.fulfillment import FulfillmentWorkflow
from workflows.messages import CancelRequest, RefundRequest
from workflows.task_queues import TaskQueue

PAYSTACK = "paystack"
GOOD = "AUTH_test_success"
PAGE = "checkout"
TOTAL = 2 * PRICE + SHIPPING
MARGIN = timedelta(seconds=5)
DEADLINE = timedelta(minutes=15)
BY_STAFF = CancelRequest(actor="staff:usr_1", reason="a mistake")


async def placed(
    skipping: SkippingPlatform, method: str = GOOD, *, more: int = 0
) -> tuple[str, Shelf, OrderStatus]:
    """An order of two units, and of one more from each of ``more`` other warehouses."""
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    others = [await shop.stock_up(5) for _ in range(more)]
    order_id = await shop.draft(
        shelf, 2, provider=PAYSTACK, payment_method=method, email="ada@example.com", more=others
    )
    answer = await shop.place(order_id)
    return order_id, shelf, answer.status


async def confirmed(skipping: SkippingPlatform, method: str = GOOD, *, more: int = 0) -> str:
    order_id, _, status = await placed(skipping, method, more=more)
    assert status is OrderStatus.CONFIRMED
    await eventually(lambda: skipping.shop.fulfillment_started(order_id))
    return order_id


async def shipped(skipping: SkippingPlatform, order_id: str) -> dict[str, Any]:
    await skipping.skip(HANDLING + MARGIN)
    return await eventually(
        lambda: skipping.shop.order(order_id), lambda order: order["status"] == "shipped"
    )


async def charges(skipping: SkippingPlatform, order_id: str) -> list[tuple[str, int, int]]:
    """Status, taken and given back of every attempt to charge the order."""
    return [
        (row["status"], row["captured"], row["refunded"])
        for row in await skipping.outside.attempts(order_id, PAYSTACK)
    ]


async def given_back(skipping: SkippingPlatform, order_id: str) -> list[ProviderRefund]:
    (attempt,) = await skipping.outside.attempts(order_id, PAYSTACK)
    return await skipping.resources.payments[PAYSTACK].find_refunds(attempt["id"])


async def test_saved_authorization_confirms_the_order_and_its_parcel_is_captured_in_the_books(
    skipping: SkippingPlatform,
) -> None:
    order_id = await confirmed(skipping)
    order = await skipping.shop.order(order_id)
    payment = await skipping.shop.payment(order_id)
    assert (order["status"], order["payment_status"]) == ("confirmed", "authorized")
    assert payment["provider_payment_id"] == f"{order_id.replace('_', '-')}.authorize.1"
    assert payment["capture_before"] is None
    assert await charges(skipping, order_id) == [("success", TOTAL, 0)]

    order = await shipped(skipping, order_id)
    assert order["payment_status"] == "captured"
    assert (await skipping.shop.payment(order_id))["captured_amount"] == TOTAL
    assert await charges(skipping, order_id) == [("success", TOTAL, 0)]


async def test_declined_authorization_leaves_nothing(skipping: SkippingPlatform) -> None:
    order_id, shelf, status = await placed(skipping, "AUTH_test_insufficient_funds")
    assert status is OrderStatus.FAILED
    order = await skipping.shop.order(order_id)
    assert order["failure"] == {"code": "payment-declined", "decline_code": "insufficient_funds"}
    assert await skipping.shop.levels(shelf) == (5, 0)
    assert await charges(skipping, order_id) == [("failed", 0, 0)]


@pytest.mark.parametrize("method", [PAGE, "AUTH_test_challenge"])
async def test_page_that_is_paid_confirms_the_order(
    skipping: SkippingPlatform, method: str
) -> None:
    shop = skipping.shop
    order_id, shelf, status = await placed(skipping, method)
    assert status is OrderStatus.REQUIRES_ACTION
    action = (await shop.order(order_id))["next_action"]
    assert action["type"] == "redirect_to_url"
    assert "/paystack/checkout/" in action["redirect_url"]
    (attempt,) = await skipping.outside.attempts(order_id, PAYSTACK)

    await skipping.outside.answer_challenge(attempt["id"], "succeeded")
    event = await shop.receive_event(
        PAYSTACK, "charge.success", object_id=attempt["id"], reference=order_id
    )
    assert event in {"checkout", "record"}  # it may have asked by itself in time
    await eventually(lambda: shop.status(order_id), lambda status: status == "confirmed")
    assert await shop.levels(shelf) == (5, 2)
    assert (await shop.order(order_id))["next_action"] is None
    assert await charges(skipping, order_id) == [("success", TOTAL, 0)]


async def test_page_that_is_paid_too_late_gives_the_money_back(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await placed(skipping, PAGE)
    await skipping.skip(DEADLINE + MARGIN)
    await eventually(lambda: shop.status(order_id), lambda status: status == "failed")
    assert await shop.levels(shelf) == (5, 0)
    (attempt,) = await skipping.outside.attempts(order_id, PAYSTACK)

    await skipping.outside.answer_challenge(attempt["id"], "succeeded")
    for _ in range(2):
        event = await shop.receive_event(PAYSTACK, "charge.success", object_id=attempt["id"])
        assert event == "provider_has_more"
    assert await charges(skipping, order_id) == [("reversed", TOTAL, TOTAL)]
    assert len(await given_back(skipping, order_id)) == 1


async def test_lost_answers_charge_once_and_open_one_page(skipping: SkippingPlatform) -> None:
    outside = skipping.outside
    for operation in ("charge_authorization", "verify", "list"):
        await outside.fault(
            PAYSTACK, f"transaction.{operation}", "timeout_after_effect", latency_ms=0
        )
    order_id = await confirmed(skipping)
    assert await charges(skipping, order_id) == [("success", TOTAL, 0)]

    await outside.clear_faults()
    await outside.fault(PAYSTACK, "transaction.initialize", "timeout_after_effect", latency_ms=0)
    order_id, _, status = await placed(skipping, PAGE)
    assert status is OrderStatus.REQUIRES_ACTION
    payment = await skipping.shop.payment(order_id)
    first, second = await outside.attempts(order_id, PAYSTACK)
    assert first["id"] == f"{order_id.replace('_', '-')}.authorize.1"
    assert payment["provider_payment_id"] == second["id"] == f"{first['id']}.page2"


async def test_canceled_order_gives_the_money_back_once_after_a_lost_answer(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id = await confirmed(skipping)
    await skipping.outside.fault(PAYSTACK, "refund.create", "timeout_after_effect", latency_ms=0)
    await shop.fulfillment(order_id).execute_update(FulfillmentWorkflow.cancel, BY_STAFF)
    await eventually(lambda: shop.status(order_id), lambda status: status == "canceled")
    assert (await shop.order(order_id))["payment_status"] == "voided"
    assert await charges(skipping, order_id) == [("reversed", TOTAL, TOTAL)]
    (refund,) = await given_back(skipping, order_id)
    assert (refund.status, refund.amount) == (RefundStatus.SUCCEEDED, TOTAL)
    (attempt,) = await skipping.outside.attempts(order_id, PAYSTACK)
    assert attempt["refunded"] == TOTAL


async def test_order_sent_in_two_parcels_is_captured_in_two_parts(
    skipping: SkippingPlatform,
) -> None:
    order_id = await confirmed(skipping, more=1)
    order = await shipped(skipping, order_id)
    assert order["payment_status"] == "captured"
    parcels = await skipping.shop.shipments(order_id)
    assert sorted(one["capture_amount"] for one in parcels) == [2166, 4331]
    assert await charges(skipping, order_id) == [("success", TOTAL + PRICE, 0)]


async def test_refund_is_pending_until_the_processor_has_decided(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id = await confirmed(skipping, "AUTH_test_slow_refund")
    await shipped(skipping, order_id)
    refund_id = new_id(Prefix.REFUND)
    async with shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        await refunds.request(
            session, order, refund_id=refund_id, amount=700, reason="late", actor="staff:usr_1"
        )
    await skipping.outside.fault(PAYSTACK, "refund.create", "timeout_after_effect", latency_ms=0)
    workflow: WorkflowHandle[Any, Any] = await shop.temporal.start_workflow(
        "RefundWorkflow",
        RefundRequest(order_id=order_id, refund_id=refund_id),
        id=workflow_ids.refund(refund_id),
        task_queue=TaskQueue.PAYMENTS,
    )
    refund = await eventually(lambda: given_back(skipping, order_id), lambda found: len(found) == 1)
    assert refund[0].status is RefundStatus.PENDING
    await skipping.outside.settle_refund(refund[0].provider_refund_id, "succeeded")
    (attempt,) = await skipping.outside.attempts(order_id, PAYSTACK)
    event = await shop.receive_event(PAYSTACK, "refund.processed", object_id=attempt["id"])

    assert event == "record"
    assert await workflow.result() == RefundStatus.SUCCEEDED
    payment = await shop.payment(order_id)
    assert (payment["status"], payment["refunded_amount"]) == ("partially_refunded", 700)
    assert await charges(skipping, order_id) == [("success", TOTAL, 700)]
