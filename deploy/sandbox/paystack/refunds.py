"""Refunds: never more than was paid; queued first, processed or failed later."""

from __future__ import annotations

from deploy.sandbox.documents import Json
from deploy.sandbox.paystack import ledger
from deploy.sandbox.paystack.authorizations import TEST_AUTHORIZATIONS, TestAuthorization
from deploy.sandbox.paystack.context import (
    DOMAIN,
    INTEGRATION,
    REFUND,
    Context,
    Record,
    new_number,
)
from deploy.sandbox.paystack.errors import PaystackError
from deploy.sandbox.paystack.transactions import settle_attempt, show, transaction_by


def create_refund(context: Context) -> Json:
    transaction = transaction_by(context, str(context.given.get("transaction", "")))
    remaining = transaction.wire["amount"] - refunded(context, transaction)
    if transaction.wire["status"] == "reversed" or remaining == 0:
        raise PaystackError("Transaction has been fully reversed", code="transaction_reversed")
    if transaction.wire["status"] != "success":
        raise PaystackError("Transaction has not been paid", code="transaction_not_successful")
    amount = context.amount() if "amount" in context.given else remaining
    if amount > remaining:
        raise PaystackError(
            "Refund amount cannot be more than the remaining amount", code="invalid_amount"
        )
    refund = _record(context, transaction, amount)
    _announce(context, refund, transaction)
    answer = {**refund.wire, "transaction": show(transaction)}
    code = transaction.private["authorization"]
    if TEST_AUTHORIZATIONS.get(code, TestAuthorization()).refund == "processed":
        settle_refund(context, refund, "processed")
    return answer


def _record(context: Context, transaction: Record, amount: int) -> Record:
    number = new_number()
    default_note = f"Refund for transaction {transaction.id}"
    wire: Json = {
        "id": number,
        "integration": INTEGRATION,
        "domain": DOMAIN,
        "transaction": transaction.wire["id"],
        "dispute": None,
        "settlement": None,
        "amount": amount,
        "deducted_amount": amount,
        "fully_deducted": True,
        "currency": transaction.wire["currency"],
        "channel": "card",
        "status": "pending",
        "refunded_by": "merchant@example.com",
        "refunded_at": None,
        "expected_at": context.now,
        "customer_note": context.given.get("customer_note") or default_note,
        "merchant_note": context.given.get("merchant_note") or default_note,
        "bank_reference": None,
        "reason": None,
        "createdAt": context.now,
        "updatedAt": context.now,
    }
    refund = context.add(
        REFUND,
        str(number),
        wire,
        order_id=transaction.order_id,
        payment_intent=transaction.id,
    )
    _after_change(context, transaction)
    ledger.book(
        context,
        model="Refund",
        number=number,
        currency=wire["currency"],
        difference=-amount,
        reason=default_note,
        order_id=transaction.order_id,
    )
    return refund


def settle_refund(context: Context, refund: Record, status: str) -> None:
    """The processor has news; the money of a refund that failed is the merchant's again."""
    if refund.wire["status"] == status:
        return
    failed = status == "failed"
    transaction = transaction_by(context, str(refund.wire["transaction"]))
    refund.wire.update(
        {
            "status": status,
            "updatedAt": context.now,
            "refunded_at": None if failed else context.now,
            "reason": "Card no longer valid" if failed else None,
            "bank_reference": None if failed else str(new_number()),
        }
    )
    context.save(refund)
    if failed:
        _after_change(context, transaction)
        ledger.book(
            context,
            model="Refund",
            number=refund.wire["id"],
            currency=refund.wire["currency"],
            difference=refund.wire["amount"],
            reason=f"Refund for transaction {transaction.id} failed",
            order_id=refund.order_id,
        )
    _announce(context, refund, transaction)


def _after_change(context: Context, transaction: Record) -> None:
    given_back = refunded(context, transaction)
    whole = given_back == transaction.wire["amount"]
    transaction.wire["status"] = "reversed" if whole else "success"
    context.save(transaction)
    settle_attempt(context, transaction, refunded=given_back)


def refunded(context: Context, transaction: Record) -> int:
    """What went back or is on its way, hundredths."""
    return sum(
        refund.wire["amount"]
        for refund in context.related(REFUND, transaction.id)
        if refund.wire["status"] != "failed"
    )


def _announce(context: Context, refund: Record, transaction: Record) -> None:
    wire = refund.wire
    data: Json = {
        "status": wire["status"],
        "transaction_reference": transaction.id,
        "refund_reference": wire["bank_reference"],
        "amount": str(wire["amount"]),
        "currency": wire["currency"],
        "processor": "mpgs_zen",
        "customer": {
            "first_name": None,
            "last_name": None,
            "email": transaction.wire["customer"]["email"],
        },
        "integration": INTEGRATION,
        "domain": DOMAIN,
    }
    context.emit(f"refund.{wire['status']}", data, subject=refund)


def retrieve_refund(context: Context) -> Json:
    return context.fetch(REFUND, context.path["id"], what="Refund").wire


def by_transaction(context: Context) -> tuple[str, str] | None:
    """The filter of the list: a transaction's number or reference."""
    name = context.given.get("transaction")
    if name is None:
        return None
    return "payment_intent", transaction_by(context, str(name)).id
