"""Settlements: the balance goes to the merchant's bank."""

from __future__ import annotations

from deploy.sandbox.documents import Json, Query
from deploy.sandbox.paystack import ledger
from deploy.sandbox.paystack.context import (
    DOMAIN,
    INTEGRATION,
    SETTLEMENT,
    TRANSACTION,
    Context,
    Record,
    new_number,
    record_of,
)
from deploy.sandbox.paystack.errors import PaystackError
from deploy.sandbox.paystack.transactions import show

_MOST = 10_000


def settle(context: Context, currency: str) -> Record:
    """Pay out all that is there.

    Raises:
        PaystackError: nothing is there.
    """
    balance = ledger.balance_of(context, currency)
    if balance <= 0:
        raise PaystackError("There is nothing to settle.", status=409)
    settled = _unsettled(context, currency)
    total = sum(one.wire["amount"] for one in settled)
    fees = sum(one.wire["fees"] for one in settled)
    number = new_number()
    wire: Json = {
        "id": number,
        "domain": DOMAIN,
        "status": "success",
        "currency": currency,
        "integration": INTEGRATION,
        "total_amount": balance,
        "effective_amount": balance,
        "total_fees": fees,
        "total_processed": total,
        "deductions": total - fees - balance or None,
        "settlement_date": context.now,
        "settled_by": None,
        "createdAt": context.now,
        "updatedAt": context.now,
    }
    settlement = context.add(SETTLEMENT, str(number), wire)
    for transaction in settled:
        transaction.private["settlement"] = settlement.id
        context.save(transaction)
    ledger.book(
        context,
        model="Settlement",
        number=number,
        currency=currency,
        difference=-balance,
        reason=f"Settlement {number}",
    )
    return settlement


def fail(context: Context, settlement: Record) -> None:
    """The bank does not take it: the money is the merchant's again.

    Raises:
        PaystackError: it has come back already.
    """
    wire = settlement.wire
    if wire["status"] == "failed":
        raise PaystackError("The settlement has failed.", status=409)
    wire.update({"status": "failed", "updatedAt": context.now})
    context.save(settlement)
    ledger.book(
        context,
        model="Settlement",
        number=wire["id"],
        currency=wire["currency"],
        difference=wire["effective_amount"],
        reason=f"Settlement {wire['id']} failed",
    )


def list_transactions(context: Context) -> list[Json]:
    """The transactions of one settlement."""
    settlement = context.fetch(SETTLEMENT, context.path["id"], what="Settlement")
    return [show(one) for one in _all(context) if one.private.get("settlement") == settlement.id]


def _unsettled(context: Context, currency: str) -> list[Record]:
    return [
        one
        for one in _all(context)
        if one.wire["currency"] == currency
        and one.wire["status"] in {"success", "reversed"}
        and "settlement" not in one.private
    ]


def _all(context: Context) -> list[Record]:
    query = Query(kind=TRANSACTION, equal={}, created={}, limit=_MOST)
    page = context.transaction.documents.page(query)
    return [record_of(TRANSACTION, stored) for stored in page.data]
