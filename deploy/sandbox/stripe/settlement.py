"""What happens to an authorized payment: captured in one or several parts, or released."""

from __future__ import annotations

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.attempts import cancel_attempts, settle_attempt
from deploy.sandbox.stripe.balance import book_charge
from deploy.sandbox.stripe.context import CHARGE, PAYMENT_INTENT, Context
from deploy.sandbox.stripe.disputes import dispute_if_the_card_does
from deploy.sandbox.stripe.errors import StripeError, unexpected_state

_CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


def capture(context: Context) -> Json:
    """Capture all or part; the rest is released unless further captures were asked for."""
    parameters = context.parameters
    parameters.refuse_unknown(
        {
            "amount_to_capture",
            "final_capture",
            "metadata",
            "statement_descriptor",
            "statement_descriptor_suffix",
        }
    )
    intent = context.fetch(PAYMENT_INTENT, context.path["id"])
    amount = parameters.amount("amount_to_capture")
    final = parameters.boolean("final_capture", default=True)
    _require_capturable(intent)
    charge = context.fetch(CHARGE, intent["latest_charge"])
    card = charge["payment_method_details"]["card"]
    if context.now > card["capture_before"]:
        raise StripeError(
            "This charge can no longer be captured because its authorization has expired.",
            code="charge_expired_for_capture",
            executed=True,
            charge=charge["id"],
        )
    if not final and card["multicapture"]["status"] != "available":
        raise StripeError(
            "This PaymentIntent does not support multiple captures.",
            param="final_capture",
            executed=True,
        )
    amount = intent["amount_capturable"] if amount is None else amount
    if amount > intent["amount_capturable"]:
        raise StripeError(
            "The requested capture amount is greater than the amount you can capture for this "
            "charge.",
            code="amount_too_large",
            param="amount_to_capture",
            executed=True,
        )
    intent["metadata"] = parameters.merged_metadata(intent["metadata"])
    _take(context, intent, charge, amount, final=final)
    return intent


def _require_capturable(intent: Json) -> None:
    if intent["status"] == "requires_capture":
        return
    if intent["status"] == "succeeded":
        message = "This PaymentIntent could not be captured because it has already been captured."
    else:
        message = (
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            "captured: requires_capture."
        )
    raise unexpected_state(message, intent)


def _take(context: Context, intent: Json, charge: Json, amount: int, *, final: bool) -> None:
    complete = final or amount == intent["amount_capturable"]
    intent["amount_received"] += amount
    intent["amount_capturable"] = 0 if complete else intent["amount_capturable"] - amount
    charge["amount_captured"] += amount
    charge["balance_transaction"] = book_charge(context, charge, amount)["id"]
    if complete:
        intent["status"] = "succeeded"
        charge["captured"] = True
    _save(context, intent, charge)
    settle_attempt(context, charge, status=intent["status"])
    context.emit("charge.captured", charge)
    if complete:
        context.emit("payment_intent.succeeded", intent)
        dispute_if_the_card_does(context, charge)
    else:
        context.emit("payment_intent.amount_capturable_updated", intent)


def cancel(context: Context) -> Json:
    """Release what is authorized and end the intent; captured parts stay captured."""
    context.parameters.refuse_unknown({"cancellation_reason"})
    reason = context.parameters.choice("cancellation_reason", _REASONS)
    intent = context.fetch(PAYMENT_INTENT, context.path["id"])
    if intent["status"] not in _CANCELABLE:
        raise unexpected_state(
            "You cannot cancel this PaymentIntent because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            f"canceled: {', '.join(_CANCELABLE)}.",
            intent,
        )
    if intent["amount_received"] > 0:
        return _end_captures(context, intent)
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": context.now,
        "cancellation_reason": reason,
        "next_action": None,
    }
    context.transaction.documents.save(intent)
    cancel_attempts(context, intent)
    context.emit("payment_intent.canceled", intent)
    return intent


def lapse(context: Context, intent: Json) -> None:
    """The authorization's time is over: what is not captured is let go by the bank."""
    if intent["status"] != "requires_capture":
        return
    if intent["amount_received"] > 0:
        _end_captures(context, intent)
        return
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": context.now,
        "cancellation_reason": "automatic",
    }
    context.transaction.documents.save(intent)
    cancel_attempts(context, intent)
    context.emit("payment_intent.canceled", intent)


def lapse_if_due(context: Context, intent: Json) -> None:
    if intent["status"] != "requires_capture":
        return
    charge = context.fetch(CHARGE, intent["latest_charge"])
    if context.now > charge["payment_method_details"]["card"]["capture_before"]:
        lapse(context, intent)


def _end_captures(context: Context, intent: Json) -> Json:
    charge = context.fetch(CHARGE, intent["latest_charge"])
    intent |= {"status": "succeeded", "amount_capturable": 0}
    charge["captured"] = True
    _save(context, intent, charge)
    settle_attempt(context, charge, status="succeeded")
    context.emit("payment_intent.succeeded", intent)
    dispute_if_the_card_does(context, charge)
    return intent


def _save(context: Context, intent: Json, charge: Json) -> None:
    context.transaction.documents.save(intent)
    context.transaction.documents.save(charge)
