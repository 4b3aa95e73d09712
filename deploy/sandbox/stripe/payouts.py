"""Payouts: what the merchant has at Stripe goes to the bank, and may come back."""

from __future__ import annotations

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.balance import book
from deploy.sandbox.stripe.context import PAYOUT, Context, new_id

ARRIVAL_SECONDS = 2 * 86_400


def pay_out(context: Context, *, amount: int, currency: str) -> Json:
    """Stripe's daily payout, which nobody asks for and which the bank has taken already."""
    payout: Json = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": context.now + ARRIVAL_SECONDS,
        "automatic": True,
        "balance_transaction": None,
        "created": context.now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": "ba_sandbox",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "paid",
        "trace_id": None,
        "type": "bank_account",
    }
    payout["balance_transaction"] = book(context, payout, kind="payout", amount=-amount)["id"]
    context.transaction.documents.add(PAYOUT, payout, created=context.now)
    context.emit("payout.created", payout)
    context.emit("payout.paid", payout)
    return payout


def fail_payout(context: Context, payout: Json) -> None:
    """The bank sends it back, as some do after a payout was paid."""
    if payout["status"] == "failed":
        return
    entry = book(context, payout, kind="payout_failure", amount=payout["amount"])
    payout |= {
        "status": "failed",
        "failure_balance_transaction": entry["id"],
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed",
    }
    context.transaction.documents.save(payout)
    context.emit("payout.failed", payout)


def retrieve_payout(context: Context) -> Json:
    return context.fetch(PAYOUT, context.path["id"])
