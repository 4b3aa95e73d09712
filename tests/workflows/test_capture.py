"""What a parcel costs is taken from as many payments as it takes, and again when one has lapsed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import ActivityEnvironment

from activities.payments import GatewayPaymentActivities
from core.domain.ids import Prefix, derived_id
from core.domain.statuses import PaymentStatus
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING
from tests.workflows.platform import HANDLING, SkippingPlatform
from workflows import workflow_ids
from workflows.messages import (
    NEW_PAYMENT,
    PaymentMethodAnswer,
    PaymentMethodGiven,
    Resolution,
)
from workflows.payment_capture import PaymentCaptureWorkflow
from workflows.ports.payments import AuthorizeMore

TOTAL = PRICE + SHIPPING
MARGIN = timedelta(seconds=5)
DECLINED = "pm_card_visa_chargeDeclined"
CHALLENGED = "pm_card_authenticationRequired"
GIVEN = PaymentMethodGiven(
    actor="customer:usr_1", provider="stripe", payment_method="pm_card_mastercard"
)


async def confirmed(skipping: SkippingPlatform) -> str:
    order_id = await skipping.shop.draft(await skipping.shop.stock_up(5))
    await skipping.shop.place(order_id)
    await eventually(lambda: skipping.shop.fulfillment_started(order_id))
    return order_id


async def lapsed(skipping: SkippingPlatform, payment_method: str | None = None) -> str:
    """An order that ships after its authorization has lapsed; paid next with another method."""
    order_id = await confirmed(skipping)
    await skipping.outside.lapse(await skipping.outside.intent(order_id))
    if payment_method is not None:
        await skipping.shop.pay_next_with(order_id, payment_method)
    await skipping.skip(HANDLING + MARGIN)
    return order_id


async def shipped(skipping: SkippingPlatform, order_id: str) -> dict[str, Any]:
    return await eventually(
        lambda: skipping.shop.order(order_id), lambda order: order["status"] == "shipped"
    )


def capture_id(order_id: str) -> str:
    return workflow_ids.capture(derived_id(Prefix.PAYMENT, order_id, 1), 1)


async def asked(skipping: SkippingPlatform, order_id: str) -> None:
    await eventually(lambda: skipping.shop.waits(order_id), lambda waits: waits == [NEW_PAYMENT])


async def test_parcel_is_paid_for_with_two_payments(skipping: SkippingPlatform) -> None:
    order_id = await confirmed(skipping)
    resources = skipping.resources
    more = GatewayPaymentActivities(resources.database, resources.payments)
    state = await ActivityEnvironment().run(
        more.authorize_more,
        AuthorizeMore(order_id=order_id, purpose="edit", reference="edt_1", amount=700),
    )
    assert (state.status, state.attempt) == (PaymentStatus.AUTHORIZED, 2)
    await skipping.shop.database.statement(
        text(
            "UPDATE orders SET shipping_amount = shipping_amount + 700,"
            " total_amount = total_amount + 700 WHERE id = :id"
        ),
        {"id": order_id},
    )
    await skipping.skip(HANDLING + MARGIN)

    order = await shipped(skipping, order_id)
    assert order["payment_status"] == "captured"
    assert await skipping.outside.charges(order_id) == [
        ("succeeded", TOTAL, TOTAL),
        ("succeeded", 700, 700),
    ]
    payments = await skipping.shop.payments(order_id)
    assert [(one["status"], one["captured_amount"]) for one in payments] == [
        ("captured", TOTAL),
        ("captured", 700),
    ]
    keys = [row["idempotency_key"] for row in await skipping.outside.attempts(order_id)]
    assert keys == [f"{order_id}:authorize:1", f"{order_id}:authorize:2"]


async def test_lapsed_authorization_is_renewed_before_the_parcel_leaves(
    skipping: SkippingPlatform,
) -> None:
    order_id = await lapsed(skipping)
    order = await shipped(skipping, order_id)

    assert order["payment_status"] == "captured"
    assert await skipping.outside.charges(order_id) == [
        ("canceled", TOTAL, 0),
        ("succeeded", TOTAL, TOTAL),
    ]
    payments = await skipping.shop.payments(order_id)
    assert [(one["purpose"], one["status"]) for one in payments] == [
        ("order", "voided"),
        ("renewal", "captured"),
    ]
    events = [one for one in await skipping.shop.events(order_id) if one.startswith("payment.")]
    assert events == [
        "payment.authorized",
        "payment.lapsed",
        "payment.renewed",
        "payment.captured",
    ]


async def test_authorization_past_its_deadline_is_let_go_and_renewed(
    skipping: SkippingPlatform,
) -> None:
    order_id = await confirmed(skipping)
    await skipping.shop.database.statement(
        text("UPDATE payments SET capture_before = now() WHERE order_id = :id"), {"id": order_id}
    )
    await skipping.skip(HANDLING + MARGIN)

    await shipped(skipping, order_id)
    assert await skipping.outside.charges(order_id) == [
        ("canceled", TOTAL, 0),
        ("succeeded", TOTAL, TOTAL),
    ]
    assert "payment.lapsed" in await skipping.shop.events(order_id)


async def test_declined_renewal_waits_for_a_card_of_the_customer(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id = await lapsed(skipping, DECLINED)
    await asked(skipping, order_id)
    order = await shop.order(order_id)
    assert (await shop.events(order_id))[-2:] == ["order.parked", "payment.requested"]
    assert (order["status"], order["payment_status"]) == ("processing", "voided")
    assert order["waiting_for"]["last_error"] == (
        "the authorization has lapsed, and a new one was declined: generic_decline"
    )

    capture = shop.workflow(capture_id(order_id))
    bad = PaymentMethodGiven(
        actor="customer:usr_1",
        provider="stripe",
        payment_method="pm_card_visa_chargeDeclinedInsufficientFunds",
    )
    answer = await capture.execute_update(PaymentCaptureWorkflow.provide_payment, bad)
    assert answer == PaymentMethodAnswer(
        status=PaymentStatus.FAILED, decline_code="insufficient_funds"
    )
    answer = await capture.execute_update(PaymentCaptureWorkflow.provide_payment, GIVEN)
    assert answer == PaymentMethodAnswer(status=PaymentStatus.AUTHORIZED)

    order = await shipped(skipping, order_id)
    assert (order["payment_status"], order["waiting_for"]) == ("captured", None)
    charges = await skipping.outside.charges(order_id)
    assert [status for status, _, _ in charges] == ["canceled", "failed", "failed", "succeeded"]
    assert sum(captured for _, _, captured in charges) == TOTAL


async def test_person_lets_a_declined_renewal_be_tried_again(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await lapsed(skipping, DECLINED)
    await asked(skipping, order_id)
    await shop.pay_next_with(order_id, "pm_card_visa")
    await shop.workflow(capture_id(order_id)).execute_update(
        PaymentCaptureWorkflow.retry, Resolution(actor="staff:usr_1", reason="the bank agrees")
    )
    await shipped(skipping, order_id)
    theirs = [one["type"] for one in await shop.timeline(order_id) if one["actor"] == "staff:usr_1"]
    assert theirs == ["step.resolved", "order.resumed"]


async def test_challenged_renewal_goes_on_when_the_customer_has_passed(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id = await lapsed(skipping, CHALLENGED)
    await asked(skipping, order_id)
    order = await shop.order(order_id)
    assert order["payment_status"] == "requires_action"
    assert order["next_action"]["client_secret"]

    renewal = (await shop.payments(order_id))[1]
    intent = renewal["provider_payment_id"]
    await skipping.outside.answer_challenge(intent, "succeeded")
    routed = await shop.receive_event(
        "stripe", "payment_intent.amount_capturable_updated", object_id=intent
    )
    assert routed == "record"
    order = await shipped(skipping, order_id)
    assert (order["payment_status"], order["next_action"]) == ("captured", None)


async def test_other_card_ends_a_challenge(skipping: SkippingPlatform) -> None:
    order_id = await lapsed(skipping, CHALLENGED)
    await asked(skipping, order_id)
    capture = skipping.shop.workflow(capture_id(order_id))
    answer = await capture.execute_update(PaymentCaptureWorkflow.provide_payment, GIVEN)

    assert answer.status is PaymentStatus.AUTHORIZED
    await shipped(skipping, order_id)
    charges = await skipping.outside.charges(order_id)
    assert [status for status, _, _ in charges] == ["canceled", "canceled", "succeeded"]


async def test_payment_that_nobody_asked_for_is_refused(skipping: SkippingPlatform) -> None:
    order_id = await confirmed(skipping)
    await skipping.outside.break_down("stripe", "payment_intents.capture")
    await skipping.skip(HANDLING + MARGIN)
    await eventually(lambda: skipping.shop.waits(order_id))
    capture = skipping.shop.workflow(capture_id(order_id))
    with pytest.raises(WorkflowUpdateFailedError):
        await capture.execute_update(PaymentCaptureWorkflow.provide_payment, GIVEN)
    assert len(await skipping.shop.payments(order_id)) == 1
