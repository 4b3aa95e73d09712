"""Refunds: captured money goes back, never more than was captured."""

from __future__ import annotations

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.attempts import settle_attempt
from deploy.sandbox.stripe.balance import book, book_refund
from deploy.sandbox.stripe.context import CHARGE, PAYMENT_INTENT, REFUND, Context, new_id
from deploy.sandbox.stripe.customers import test_card_of
from deploy.sandbox.stripe.disputes import refuse_refund_of_disputed
from deploy.sandbox.stripe.errors import StripeError, unexpected_state

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create_refund(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown({"amount", "charge", "metadata", "payment_intent", "reason"})
    amount = parameters.amount("amount")
    reason = parameters.choice("reason", _REASONS)
    metadata = parameters.merged_metadata({})
    charge = _charge_to_refund(context)
    refuse_refund_of_disputed(context, charge)
    remaining = charge["amount_captured"] - charge["amount_refunded"]
    if remaining == 0:
        raise StripeError(
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
            executed=True,
            charge=charge["id"],
        )
    amount = remaining if amount is None else amount
    if amount > remaining:
        raise StripeError(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({remaining})",
            param="amount",
            executed=True,
            charge=charge["id"],
        )
    refund: Json = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": context.now,
        "currency": charge["currency"],
        "description": None,
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number"},
            "type": "card",
        },
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": test_card_of(context, charge["payment_method"]).refund,
        "transfer_reversal": None,
    }
    refund["balance_transaction"] = book_refund(context, refund)["id"]
    _record(context, charge, refund)
    return refund


def settle_refund(context: Context, refund: Json, status: str) -> None:
    """The bank has news of a refund; the money of one that failed is the merchant's again."""
    if refund["status"] == status:
        return
    failed = status == "failed"
    charge = context.fetch(CHARGE, refund["charge"])
    if failed:
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        refund["failure_reason"] = "expired_or_canceled_card"
        entry = book(context, refund, kind="refund_failure", amount=refund["amount"])
        refund["failure_balance_transaction"] = entry["id"]
        context.transaction.documents.save(charge)
        settle_attempt(
            context, charge, status="succeeded" if charge["captured"] else "requires_capture"
        )
    refund["status"] = status
    context.transaction.documents.save(refund)
    context.emit("refund.failed" if failed else "refund.updated", refund)


def _record(context: Context, charge: Json, refund: Json) -> None:
    charge["amount_refunded"] += refund["amount"]
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    context.transaction.documents.add(
        REFUND,
        refund,
        created=context.now,
        payment_intent=refund["payment_intent"],
        charge=charge["id"],
    )
    context.transaction.documents.save(charge)
    settle_attempt(
        context, charge, status="succeeded" if charge["captured"] else "requires_capture"
    )
    context.emit("refund.created", refund)
    context.emit("charge.refunded", charge)


def _charge_to_refund(context: Context) -> Json:
    parameters = context.parameters
    intent_id = parameters.text("payment_intent")
    charge_id = parameters.text("charge")
    if intent_id is None and charge_id is None:
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or "
            "charge.",
            code="parameter_missing",
        )
    if intent_id is not None:
        intent = context.fetch(PAYMENT_INTENT, intent_id, param="payment_intent")
        if intent["amount_received"] == 0:
            raise unexpected_state(
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
                intent,
            )
        charge_id = intent["latest_charge"]
    charge = context.fetch(CHARGE, str(charge_id), param="charge")
    if charge["amount_captured"] == 0:
        raise StripeError(
            f"Charge {charge['id']} has not been captured and cannot be refunded.",
            code="charge_not_refundable",
            executed=True,
            charge=charge["id"],
        )
    return charge


def retrieve_refund(context: Context) -> Json:
    return context.fetch(REFUND, context.path["id"])


def update_refund(context: Context) -> Json:
    context.parameters.refuse_unknown({"metadata"})
    refund = context.fetch(REFUND, context.path["id"])
    refund["metadata"] = context.parameters.merged_metadata(refund["metadata"])
    context.transaction.documents.save(refund)
    context.emit("refund.updated", refund)
    return refund
