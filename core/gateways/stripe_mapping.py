"""Stripe's objects and errors in the domain's words; pure, over the JSON that the API answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import stripe

from core.domain.errors import DomainError, ProviderError, ProviderRejectedError
from core.domain.payments import ProviderPayment, ProviderRefund
from core.domain.statuses import PaymentStatus, RefundStatus
from core.gateways.payments import Authorization, Challenge

UNEXPECTED_STATE = "payment_intent_unexpected_state"
HOLDS_LESS = frozenset(
    {"amount_too_large", "charge_expired_for_capture", "capture_charge_authorization_expired"}
)
"""Codes with which a capture is refused because the authorization is short or gone."""

# docs.stripe.com/payments/paymentintents/lifecycle; the two that need a second look are below.
_STATUSES = {
    "requires_confirmation": PaymentStatus.PENDING,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "succeeded": PaymentStatus.CAPTURED,
    "canceled": PaymentStatus.VOIDED,
}
# docs.stripe.com/refunds#see-also; a canceled one never reached the customer.
_REFUND_STATUSES = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
_HOLDS_MONEY = frozenset(
    {PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_CAPTURED, PaymentStatus.CAPTURED}
)
_REFUSALS = (
    stripe.AuthenticationError,
    stripe.CardError,
    stripe.IdempotencyError,
    stripe.InvalidRequestError,
    stripe.PermissionError,
)


def payment_of(intent: Mapping[str, Any]) -> ProviderPayment:
    """Read a PaymentIntent; refunds and ``capture_before`` need its ``latest_charge`` expanded."""
    status = status_of(intent)
    charge = intent.get("latest_charge")
    charge = charge if isinstance(charge, Mapping) else {}
    return ProviderPayment(
        provider_payment_id=intent["id"],
        status=status,
        currency=intent["currency"].upper(),
        amount=intent["amount"],
        authorized_amount=intent["amount"] if status in _HOLDS_MONEY else 0,
        captured_amount=intent["amount_received"],
        refunded_amount=charge.get("amount_refunded", 0),
        capture_before=_capture_before(charge) if status in _HOLDS_MONEY else None,
        decline_code=_decline_code(intent) if status is PaymentStatus.FAILED else None,
        order_id=intent["metadata"].get("order_id"),
        payment_id=intent["metadata"].get("payment_id"),
    )


def refund_of(refund: Mapping[str, Any]) -> ProviderRefund:
    """Read a Refund; one that waits for the bank or for its customer is pending."""
    return ProviderRefund(
        provider_refund_id=refund["id"],
        status=_REFUND_STATUSES.get(refund["status"], RefundStatus.PENDING),
        amount=refund["amount"],
        reference=(refund.get("metadata") or {}).get("refund_id"),
        failure_code=refund.get("failure_reason"),
    )


def declined_payment_of(
    request: Authorization, error: stripe.CardError | stripe.InvalidRequestError
) -> ProviderPayment:
    """Read the payment from the error of its decline; one refused at the door has no id."""
    intent = getattr(error.error, "payment_intent", None)
    if intent is not None:
        return payment_of(intent.to_dict())
    return ProviderPayment(
        provider_payment_id=None,
        status=PaymentStatus.FAILED,
        currency=request.currency,
        amount=request.amount,
        decline_code=getattr(error.error, "decline_code", None) or error.code or "invalid_request",
        order_id=request.order_id,
        payment_id=request.payment_id,
    )


def status_of(intent: Mapping[str, Any]) -> PaymentStatus:
    """Tell the payment's status; what Stripe still works on, or what is new to us, is unknown."""
    match intent["status"]:
        case "requires_capture":
            taken = intent["amount_received"] > 0
            return PaymentStatus.PARTIALLY_CAPTURED if taken else PaymentStatus.AUTHORIZED
        case "requires_payment_method":
            # Stripe goes back to this state after a decline and after a challenge not passed.
            declined = intent.get("last_payment_error") is not None
            return PaymentStatus.FAILED if declined else PaymentStatus.PENDING
        case "canceled" if intent.get("amount_received"):
            # Canceled after some captures: the rest was let go, what was taken stays taken.
            return PaymentStatus.CAPTURED
        case status:
            return _STATUSES.get(status, PaymentStatus.UNKNOWN)


def challenge_of(intent: Mapping[str, Any]) -> Challenge | None:
    """Read what the customer's client has to do, if anything."""
    action = intent.get("next_action")
    if intent["status"] != "requires_action" or action is None:
        return None
    if action["type"] == "redirect_to_url":
        return Challenge(type=action["type"], redirect_url=action["redirect_to_url"]["url"])
    return Challenge(type=action["type"], client_secret=intent["client_secret"])


def domain_error_of(error: stripe.StripeError) -> DomainError:
    """Say whether Stripe refused, or whether nobody knows what it did.

    The message keeps Stripe's type, code, parameter name and request id, never its own words:
    those may repeat what the customer typed.
    """
    details = error.error
    kind = getattr(details, "type", None) or type(error).__name__
    facts = [getattr(details, name, None) for name in ("code", "decline_code", "param")]
    network_fault = type(error.__cause__).__name__ if error.__cause__ else None
    words = " ".join(str(fact) for fact in (kind, *facts, network_fault) if fact)
    request = f" (request {error.request_id})" if error.request_id else ""
    kind_of_error = ProviderRejectedError if isinstance(error, _REFUSALS) else ProviderError
    return kind_of_error(f"stripe: {words}{request}")


def _decline_code(intent: Mapping[str, Any]) -> str | None:
    error = intent.get("last_payment_error") or {}
    return error.get("decline_code") or error.get("code")


def _capture_before(charge: Mapping[str, Any]) -> datetime | None:
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    moment = card.get("capture_before")
    return datetime.fromtimestamp(moment, UTC) if moment else None
