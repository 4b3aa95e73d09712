"""Disputes: opened by the customer's bank, answered by API, decided by the bank.

Real ones take weeks. Here a test card opens one when it is captured, a control opens one at any
time, and the evidence of Stripe's test mode (docs.stripe.com/testing#disputes) decides it at once.
"""

from __future__ import annotations

from typing import Any

from deploy.sandbox.documents import Json, Query
from deploy.sandbox.stripe.balance import DISPUTE_FEE, book
from deploy.sandbox.stripe.context import CHARGE, DISPUTE, Context, new_id
from deploy.sandbox.stripe.customers import test_card_of
from deploy.sandbox.stripe.errors import StripeError

EVIDENCE_SECONDS = 7 * 86_400
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
_TEST_OUTCOMES = {"winning_evidence": "won", "losing_evidence": "lost"}
CLOSED = frozenset({"won", "lost", "warning_closed", "prevented"})
_REFUNDABLE = frozenset({"won", "warning_needs_response", "warning_under_review", "warning_closed"})


def open_dispute(
    context: Context,
    charge: Json,
    *,
    amount: int,
    reason: str,
    inquiry: bool = False,
    evidence_seconds: int = EVIDENCE_SECONDS,
) -> Json:
    """The bank takes the money back until it has decided; for an inquiry it only asks."""
    dispute = _new_dispute(context, charge, inquiry=inquiry) | {"amount": amount, "reason": reason}
    dispute["evidence_details"]["due_by"] = context.now + evidence_seconds
    context.transaction.documents.add(
        DISPUTE,
        dispute,
        created=context.now,
        payment_intent=charge["payment_intent"],
        charge=charge["id"],
    )
    charge["disputed"] = True
    context.transaction.documents.save(charge)
    if inquiry:
        context.emit("charge.dispute.created", dispute)
        return dispute
    _withdraw(context, dispute)
    context.emit("charge.dispute.created", dispute)
    context.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _new_dispute(context: Context, charge: Json, *, inquiry: bool) -> Json:
    status = "warning_needs_response" if inquiry else "needs_response"
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": 0,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": context.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(EVIDENCE) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": 0,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": status in _REFUNDABLE,
        "livemode": False,
        "metadata": {},
        "network_reason_code": None,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": "general",
        "status": status,
    }


def dispute_if_the_card_does(context: Context, charge: Json) -> None:
    """Stripe's test cards for disputes: charged in full, disputed at once."""
    card = test_card_of(context, charge["payment_method"])
    if card.dispute is not None:
        open_dispute(
            context,
            charge,
            amount=charge["amount_captured"],
            reason=card.dispute,
            inquiry=card.inquiry,
        )


def progress(context: Context, dispute: Json, status: str) -> None:
    """The bank goes on: to review, to a chargeback after an inquiry, or to its decision."""
    if dispute["status"] == status:
        return
    dispute |= {"status": status, "is_charge_refundable": status in _REFUNDABLE}
    withdrawn = sum(entry["amount"] for entry in dispute["balance_transactions"]) < 0
    event = "closed" if status in CLOSED else "updated"
    if status == "won" and withdrawn:
        back = book(
            context,
            dispute,
            kind="adjustment",
            category="dispute_reversal",
            amount=dispute["amount"],
        )
        dispute["balance_transactions"].append(back)
        _save_and_tell(context, dispute, event, "funds_reinstated")
    elif status in {"needs_response", "under_review", "lost"} and not withdrawn:
        _withdraw(context, dispute)
        _save_and_tell(context, dispute, event, "funds_withdrawn")
    else:
        _save_and_tell(context, dispute, event)


def refuse_refund_of_disputed(context: Context, charge: Json) -> None:
    """Raise Stripe's error when the bank has taken the money back already."""
    if not charge["disputed"]:
        return
    query = Query(kind=DISPUTE, equal={"charge": charge["id"]}, created={}, limit=100)
    disputes = context.transaction.documents.page(query).data
    if all(dispute["is_charge_refundable"] for dispute in disputes):
        return
    raise StripeError(
        f"Charge {charge['id']} has been charged back; cannot issue a refund.",
        code="charge_disputed",
        executed=True,
        charge=charge["id"],
    )


def retrieve_dispute(context: Context) -> Json:
    return context.fetch(DISPUTE, context.path["id"])


def update_dispute(context: Context) -> Json:
    """Take evidence, and pass it on to the bank unless it is only to be kept; that goes once."""
    parameters = context.parameters
    parameters.refuse_unknown({"evidence", "metadata", "submit"})
    dispute = context.fetch(DISPUTE, context.path["id"])
    evidence = _evidence(parameters.mapping("evidence"))
    details = dispute["evidence_details"]
    if evidence:
        _require_open(dispute)
        if details["submission_count"]:
            raise StripeError("This dispute has already been submitted.", executed=True)
        dispute["evidence"] |= evidence
        details["has_evidence"] = True
    dispute["metadata"] = parameters.merged_metadata(dispute["metadata"])
    if not details["has_evidence"] or not parameters.boolean("submit", default=True):
        _save_and_tell(context, dispute, "updated")
        return dispute
    details |= {
        "past_due": context.now > details["due_by"],
        "submission_count": 1,
        "submission_method": "manual",
    }
    inquiry = dispute["status"].startswith("warning_")
    progress(context, dispute, "warning_under_review" if inquiry else "under_review")
    outcome = _TEST_OUTCOMES.get(dispute["evidence"]["uncategorized_text"] or "")
    if outcome is not None:
        progress(context, dispute, "warning_closed" if inquiry and outcome == "won" else outcome)
    return dispute


def close_dispute(context: Context) -> Json:
    """The merchant gives up."""
    context.parameters.refuse_unknown(set())
    dispute = context.fetch(DISPUTE, context.path["id"])
    _require_open(dispute)
    progress(context, dispute, "lost")
    return dispute


def _require_open(dispute: Json) -> None:
    if dispute["status"] in CLOSED:
        raise StripeError("This dispute is already closed.", executed=True)


def _evidence(given: Json) -> dict[str, Any]:
    for name, value in given.items():
        if name not in EVIDENCE:
            raise StripeError(
                f"Received unknown parameter: evidence[{name}]",
                code="parameter_unknown",
                param=f"evidence[{name}]",
            )
        if not isinstance(value, str):
            raise StripeError("Invalid string", param=f"evidence[{name}]")
    return {name: value or None for name, value in given.items()}


def _withdraw(context: Context, dispute: Json) -> None:
    taken = book(
        context,
        dispute,
        kind="adjustment",
        category="dispute",
        amount=-dispute["amount"],
        fee=DISPUTE_FEE,
    )
    dispute["balance_transactions"].append(taken)
    context.transaction.documents.save(dispute)


def _save_and_tell(context: Context, dispute: Json, *news: str) -> None:
    context.transaction.documents.save(dispute)
    for one in news:
        context.emit(f"charge.dispute.{one}", dispute)


def charge_of_intent(context: Context, intent: Json) -> Json | None:
    """The charge that took money for an intent, if one did."""
    if not intent["amount_received"]:
        return None
    return context.fetch(CHARGE, intent["latest_charge"])
