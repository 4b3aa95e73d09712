from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from core.domain.errors import ProviderError, ProviderRejectedError
from core.domain.payments import ProviderPayment
from core.domain.statuses import PaymentStatus
from core.gateways.payments import Authorization, Challenge
from core.gateways.stripe_events import event_of
from core.gateways.stripe_mapping import (
    challenge_of,
    declined_payment_of,
    domain_error_of,
    payment_of,
    status_of,
)


def intent(**changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "status": "requires_capture",
        "amount": 1000,
        "amount_received": 0,
        "currency": "jpy",
        "client_secret": "pi_1_secret",
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": {},
        "next_action": None,
    } | changes


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("requires_payment_method", PaymentStatus.PENDING),
        ("requires_confirmation", PaymentStatus.PENDING),
        ("requires_action", PaymentStatus.REQUIRES_ACTION),
        ("processing", PaymentStatus.UNKNOWN),
        ("requires_capture", PaymentStatus.AUTHORIZED),
        ("succeeded", PaymentStatus.CAPTURED),
        ("canceled", PaymentStatus.VOIDED),
        ("invented_tomorrow", PaymentStatus.UNKNOWN),
    ],
)
def test_each_status_of_stripe_has_one_of_ours(status: str, expected: PaymentStatus) -> None:
    assert status_of(intent(status=status)) is expected


def test_part_captured_with_the_rest_still_held_is_partially_captured() -> None:
    payment = payment_of(intent(amount_received=400))

    assert payment.status is PaymentStatus.PARTIALLY_CAPTURED
    assert (payment.authorized_amount, payment.captured_amount) == (1000, 400)


def test_canceled_payment_after_a_decline_is_voided_not_failed() -> None:
    payment = payment_of(intent(status="canceled", last_payment_error={"code": "card_declined"}))

    assert (payment.status, payment.decline_code) == (PaymentStatus.VOIDED, None)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "card_declined", "decline_code": "lost_card"}, "lost_card"),
        ({"code": "expired_card", "decline_code": None}, "expired_card"),
        (
            {"code": "payment_intent_authentication_failure"},
            "payment_intent_authentication_failure",
        ),
    ],
)
def test_decline_code_is_the_most_exact_one(error: dict[str, str], expected: str) -> None:
    payment = payment_of(intent(status="requires_payment_method", last_payment_error=error))

    assert (payment.status, payment.decline_code) == (PaymentStatus.FAILED, expected)


def test_charge_tells_refunds_and_deadline() -> None:
    charge = {
        "amount_refunded": 250,
        "payment_method_details": {"card": {"capture_before": 1_800_000_000}},
    }
    payment = payment_of(intent(latest_charge=charge, metadata={"order_id": "ord_1"}))

    assert payment.refunded_amount == 250
    assert payment.capture_before == datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
    assert (payment.currency, payment.order_id) == ("JPY", "ord_1")


@pytest.mark.parametrize(
    "charge", ["ch_1", {"payment_method_details": None}, {"payment_method_details": {"link": {}}}]
)
def test_charge_without_a_card_has_no_deadline(charge: object) -> None:
    payment = payment_of(intent(latest_charge=charge))

    assert (payment.capture_before, payment.refunded_amount) == (None, 0)


def test_challenge_in_the_page_gives_the_client_secret() -> None:
    asked = intent(status="requires_action", next_action={"type": "use_stripe_sdk"})

    assert challenge_of(asked) == Challenge(type="use_stripe_sdk", client_secret="pi_1_secret")


def test_challenge_elsewhere_gives_the_address() -> None:
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example/1"}}
    asked = intent(status="requires_action", next_action=action)

    assert challenge_of(asked) == Challenge(
        type="redirect_to_url", redirect_url="https://bank.example/1"
    )


def test_answered_challenge_is_none() -> None:
    assert challenge_of(intent(next_action={"type": "use_stripe_sdk"})) is None


@pytest.mark.parametrize(
    ("subject", "object_id", "reference"),
    [
        ({"id": "pi_1", "metadata": {"order_id": "ord_1"}}, "pi_1", "ord_1"),
        ({"id": "ch_1", "payment_intent": "pi_1", "metadata": {"order_id": "o"}}, "pi_1", "o"),
        ({"id": "re_1", "payment_intent": "pi_1", "metadata": None}, "pi_1", None),
        ({"id": "ch_1", "payment_intent": None}, "ch_1", None),
        ({"object": "balance"}, "evt_1", None),
    ],
)
def test_event_names_the_payment_whatever_it_is_about(
    subject: dict[str, Any], object_id: str, reference: str | None
) -> None:
    event = event_of({"id": "evt_1", "type": "any", "created": 1, "data": {"object": subject}})

    assert (event.event_id, event.object_id, event.reference) == ("evt_1", object_id, reference)


def test_event_payload_keeps_neither_card_nor_person() -> None:
    subject = {
        "id": "ch_1",
        "object": "charge",
        "payment_intent": "pi_1",
        "status": "succeeded",
        "amount": 1000,
        "currency": "eur",
        "metadata": {"order_id": "ord_1", "payment_id": "pay_1", "note": "ring twice"},
        "billing_details": {"name": "Ada"},
        "payment_method_details": {"card": {"last4": "4242"}},
        "receipt_email": "ada@example.com",
    }
    event = event_of(
        {"id": "evt_1", "type": "charge.captured", "created": 5, "data": {"object": subject}}
    )

    assert event.payload == {
        "id": "evt_1",
        "type": "charge.captured",
        "created": 5,
        "object": "charge",
        "object_id": "pi_1",
        "subject_id": "ch_1",
        "order_id": "ord_1",
        "payment_id": "pay_1",
        "status": "succeeded",
        "amount": 1000,
        "currency": "eur",
    }


def test_event_without_an_object_is_read_all_the_same() -> None:
    assert event_of({"id": "evt_1", "type": "v2.any", "created": 1}).object_id == "evt_1"


def stripe_error(kind: type[stripe.StripeError], status: int, **error: str) -> stripe.StripeError:
    body = {"error": {"message": "Ada typed 4242", **error}}
    known: dict[str, Any] = {
        "http_status": status,
        "json_body": body,
        "headers": {"request-id": "req_1"},
    }
    if kind in {stripe.CardError, stripe.InvalidRequestError}:
        return kind("Ada typed 4242", param=None, code=error.get("code"), **known)
    return kind("Ada typed 4242", **known)


def test_decline_that_names_no_payment_is_a_failed_one_without_id() -> None:
    request = Authorization(
        order_id="ord_1",
        payment_id="pay_1",
        amount=1000,
        currency="EUR",
        payment_method="pm_1",
        key="ord_1:authorize:1",
    )
    error = stripe_error(stripe.CardError, 402, code="card_declined", decline_code="fraudulent")
    assert isinstance(error, stripe.CardError)

    assert declined_payment_of(request, error) == ProviderPayment(
        provider_payment_id=None,
        status=PaymentStatus.FAILED,
        currency="EUR",
        amount=1000,
        decline_code="fraudulent",
        order_id="ord_1",
        payment_id="pay_1",
    )


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (stripe.APIConnectionError, None),
        (stripe.APIError, 500),
        (stripe.APIError, 409),
        (stripe.RateLimitError, 429),
    ],
)
def test_fault_or_silence_of_stripe_is_unknown(kind: type[stripe.StripeError], status: int) -> None:
    error = domain_error_of(stripe_error(kind, status, type="api_error"))
    assert type(error) is ProviderError


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (stripe.InvalidRequestError, 400),
        (stripe.IdempotencyError, 400),
        (stripe.AuthenticationError, 401),
        (stripe.CardError, 402),
        (stripe.PermissionError, 403),
    ],
)
def test_refusal_of_stripe_is_rejected(kind: type[stripe.StripeError], status: int) -> None:
    error = domain_error_of(stripe_error(kind, status, type="any"))
    assert type(error) is ProviderRejectedError


def test_message_keeps_codes_and_drops_words() -> None:
    refused = stripe_error(
        stripe.InvalidRequestError,
        400,
        type="invalid_request_error",
        code="amount_too_large",
        param="amount",
    )
    assert str(domain_error_of(refused)) == (
        "stripe: invalid_request_error amount_too_large amount (request req_1)"
    )


def test_message_of_a_lost_connection_names_its_cause() -> None:
    lost = stripe.APIConnectionError("words")  # type: ignore[no-untyped-call]  # so in the SDK
    lost.__cause__ = TimeoutError("more words")

    assert str(domain_error_of(lost)) == "stripe: APIConnectionError TimeoutError"
