"""Balance transactions: what each movement adds to the merchant's balance, and its fee."""

from __future__ import annotations

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.context import BALANCE_TRANSACTION, Context, new_id

FEE_PER_MILLE = 29
FEE_FIXED = 30
AVAILABLE_AFTER_SECONDS = 2 * 86_400


def processing_fee(amount: int) -> int:
    """2.9 % rounded half up, and 30 minor units."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def book_charge(context: Context, charge: Json, amount: int) -> Json:
    return _book(context, charge, kind="charge", amount=amount, fee=processing_fee(amount))


def book_refund(context: Context, refund: Json) -> Json:
    """The fee of the charge is not given back."""
    return _book(context, refund, kind="refund", amount=-refund["amount"], fee=0)


def _book(context: Context, source: Json, *, kind: str, amount: int, fee: int) -> Json:
    fee_detail = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    entry: Json = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": context.now + AVAILABLE_AFTER_SECONDS,
        "balance_type": "payments",
        "created": context.now,
        "currency": source["currency"],
        "description": source["description"],
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [fee_detail] if fee else [],
        "net": amount - fee,
        "reporting_category": kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    context.transaction.documents.add(
        BALANCE_TRANSACTION, entry, created=context.now, reference=kind, charge=source["id"]
    )
    return entry


def retrieve_balance_transaction(context: Context) -> Json:
    return context.fetch(BALANCE_TRANSACTION, context.path["id"])
