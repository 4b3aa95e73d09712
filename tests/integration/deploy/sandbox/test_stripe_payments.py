from __future__ import annotations

from typing import Any

import pytest
import stripe

from deploy.sandbox.stripe.context import API_VERSION
from tests.integration.deploy.sandbox.harness import RunningSandbox

WEEK = 7 * 86_400


def test_api_version_is_that_of_the_sdk() -> None:
    assert stripe.api_version == API_VERSION


async def test_visa_with_manual_capture_is_authorized(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize(order_id="ord_visa", expand=["latest_charge"], key="visa-1")

    charge: Any = intent.latest_charge
    assert intent.status == "requires_capture"
    assert (intent.amount, intent.amount_capturable, intent.amount_received) == (2000, 2000, 0)
    assert charge.status == "succeeded"
    assert charge.captured is False
    assert charge.payment_method_details.card.capture_before == charge.created + WEEK
    assert await sandbox.ledger(intent.id) == [
        {
            "id": intent.id,
            "order_id": "ord_visa",
            "amount": 2000,
            "currency": "usd",
            "status": "requires_capture",
            "captured": 0,
            "refunded": 0,
            "idempotency_key": "visa-1",
            "created": intent.created,
            "charge": charge.id,
        }
    ]


async def test_automatic_capture_succeeds_at_once(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize("pm_card_mastercard", capture_method="automatic")

    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    assert [row["captured"] for row in await sandbox.ledger(intent.id)] == [2000]


@pytest.mark.parametrize(
    ("payment_method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
        ("pm_card_visa_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_visa_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_visa_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
async def test_declining_card_is_a_card_error_and_moves_nothing(
    sandbox: RunningSandbox, payment_method: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await sandbox.authorize(payment_method)

    error: Any = caught.value.error
    assert caught.value.http_status == 402
    assert (error.type, error.code, error.decline_code) == ("card_error", code, decline_code)
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_intent.last_payment_error.decline_code == decline_code
    charge = await sandbox.stripe.v1.charges.retrieve_async(error.charge)
    assert (charge.status, charge.amount_captured, charge.failure_code) == ("failed", 0, code)
    assert [row["status"] for row in await sandbox.ledger(error.payment_intent.id)] == ["failed"]


async def test_declined_intent_confirmed_with_a_good_card_is_authorized(
    sandbox: RunningSandbox,
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await sandbox.authorize("pm_card_visa_chargeDeclined")
    declined: Any = caught.value.error

    intent = await sandbox.stripe.v1.payment_intents.confirm_async(
        declined.payment_intent.id, {"payment_method": "pm_card_visa"}
    )

    assert (intent.status, intent.last_payment_error) == ("requires_capture", None)
    statuses = [row["status"] for row in await sandbox.ledger(intent.id)]
    assert statuses == ["failed", "requires_capture"]


async def test_unknown_payment_method_is_resource_missing(sandbox: RunningSandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.authorize("pm_card_nobody", order_id="ord_unknown_method")

    assert caught.value.http_status == 400
    assert (caught.value.code, caught.value.param) == ("resource_missing", "payment_method")
    assert await sandbox.attempts_of_order("ord_unknown_method") == []


async def test_full_capture_succeeds_with_fee(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()

    captured = await sandbox.stripe.v1.payment_intents.capture_async(
        intent.id, {"expand": ["latest_charge.balance_transaction"]}
    )

    charge: Any = captured.latest_charge
    assert (captured.status, captured.amount_received) == ("succeeded", 2000)
    entry = charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net, entry.type) == (2000, 88, 1912, "charge")


async def test_partial_capture_releases_the_rest(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()

    captured = await sandbox.stripe.v1.payment_intents.capture_async(
        intent.id, {"amount_to_capture": 500, "expand": ["latest_charge"]}
    )

    charge: Any = captured.latest_charge
    assert (captured.status, captured.amount_received) == ("succeeded", 500)
    assert captured.amount_capturable == 0
    assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (2000, 500, 0)


async def test_multicapture_captures_in_parts(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize(
        payment_method_options={"card": {"request_multicapture": "if_available"}}
    )

    capture = sandbox.stripe.v1.payment_intents.capture_async
    first = await capture(intent.id, {"amount_to_capture": 700, "final_capture": False})
    last = await capture(intent.id, {"amount_to_capture": 300})

    assert (first.status, first.amount_capturable) == ("requires_capture", 1300)
    assert (last.status, last.amount_received, last.amount_capturable) == ("succeeded", 1000, 0)


async def test_several_captures_without_asking_for_them_are_refused(
    sandbox: RunningSandbox,
) -> None:
    intent = await sandbox.authorize()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.payment_intents.capture_async(
            intent.id, {"amount_to_capture": 700, "final_capture": False}
        )

    assert caught.value.param == "final_capture"
    assert [row["captured"] for row in await sandbox.ledger(intent.id)] == [0]


async def test_capture_beyond_the_authorization_is_refused(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.payment_intents.capture_async(
            intent.id, {"amount_to_capture": 2001}
        )

    assert caught.value.code == "amount_too_large"
    assert [row["captured"] for row in await sandbox.ledger(intent.id)] == [0]


async def test_second_capture_is_an_unexpected_state_with_the_intent(
    sandbox: RunningSandbox,
) -> None:
    intent = await sandbox.authorize()
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.payment_intents.capture_async(intent.id)

    error: Any = caught.value.error
    assert error.code == "payment_intent_unexpected_state"
    assert error.payment_intent.status == "succeeded"
    assert [row["captured"] for row in await sandbox.ledger(intent.id)] == [2000]


async def test_cancel_releases_without_a_refund(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()

    canceled = await sandbox.stripe.v1.payment_intents.cancel_async(
        intent.id, {"cancellation_reason": "abandoned", "expand": ["latest_charge"]}
    )

    charge: Any = canceled.latest_charge
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert canceled.amount_capturable == 0
    assert (charge.amount_captured, charge.amount_refunded, charge.refunded) == (0, 0, False)
    assert [row["status"] for row in await sandbox.ledger(intent.id)] == ["canceled"]
    refunds = await sandbox.stripe.v1.refunds.list_async({"payment_intent": intent.id})
    assert refunds.data == []


async def test_cancel_after_capture_is_refused(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.payment_intents.cancel_async(intent.id)

    assert caught.value.code == "payment_intent_unexpected_state"
    assert [row["status"] for row in await sandbox.ledger(intent.id)] == ["succeeded"]


async def test_refunds_never_exceed_what_was_captured(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1000})
    create = sandbox.stripe.v1.refunds.create_async

    first = await create({"payment_intent": intent.id, "amount": 400})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        await create({"payment_intent": intent.id, "amount": 601})
    rest = await create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as again:
        await create({"payment_intent": intent.id})

    assert [(one.amount, one.status) for one in (first, rest)] == [
        (400, "succeeded"),
        (600, "succeeded"),
    ]
    assert (too_much.value.param, too_much.value.code) == ("amount", None)
    assert again.value.code == "charge_already_refunded"
    assert [row["refunded"] for row in await sandbox.ledger(intent.id)] == [1000]
    entry = await sandbox.stripe.v1.balance_transactions.retrieve_async(
        str(first.balance_transaction)
    )
    assert (entry.amount, entry.fee, entry.net, entry.type) == (-400, 0, -400, "refund")


async def test_refund_of_an_uncaptured_payment_is_refused(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.refunds.create_async({"payment_intent": intent.id})

    assert caught.value.code == "payment_intent_unexpected_state"
    assert [row["refunded"] for row in await sandbox.ledger(intent.id)] == [0]
