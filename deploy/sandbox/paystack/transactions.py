"""Transactions: opened on a page or charged at once; paid means that the money is taken."""

from __future__ import annotations

import re
from typing import Any

from deploy.sandbox.documents import Json
from deploy.sandbox.paystack import ledger
from deploy.sandbox.paystack.authorizations import (
    authorization_for,
    save_authorization,
    shown,
)
from deploy.sandbox.paystack.context import (
    DOMAIN,
    NUMBER,
    TRANSACTION,
    Context,
    Record,
    new_code,
    new_number,
)
from deploy.sandbox.paystack.errors import PaystackError, not_found
from deploy.sandbox.paystack.fees import CURRENCIES, transaction_fee

_REFERENCE = re.compile(r"[A-Za-z0-9.,=-]{1,255}")
_UNPAID = ("abandoned", "ongoing")


def initialize(context: Context) -> Json:
    """Open a page on which the customer pays."""
    transaction = _open(context, status="abandoned", authorization=None)
    return _page_of(context, transaction)


def charge_authorization(context: Context) -> Json:
    """Charge a saved authorization, unless the bank wants to hear its customer first."""
    code = context.text("authorization_code")
    authorization = authorization_for(context, code, context.text("email"))
    if authorization.challenge:
        transaction = _open(context, status="ongoing", authorization=code)
        return {**_page_of(context, transaction), "paused": True}
    transaction = _open(context, status="ongoing", authorization=code)
    if authorization.declined:
        fail(context, transaction, authorization.response)
    else:
        succeed(context, transaction, authorization.response)
    return show(transaction)


def _open(context: Context, *, status: str, authorization: str | None) -> Record:
    amount, currency = context.amount(), context.given.get("currency", "NGN")
    email = context.text("email")
    reference = context.given.get("reference") or new_code("T").replace("_", "")
    if currency not in CURRENCIES:
        raise PaystackError("Currency not supported by merchant", code="unsupported_currency")
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise PaystackError(
            "Your transaction reference includes an invalid character", code="invalid_reference"
        )
    if context.find(TRANSACTION, reference) is not None:
        raise PaystackError(
            "Duplicate Transaction Reference",
            code="duplicate_reference",
            next_step="Generate a new reference for every transaction.",
        )
    metadata = context.given.get("metadata") or ""
    order_id = metadata.get("order_id") if isinstance(metadata, dict) else None
    number = new_number()
    transaction = context.add(
        TRANSACTION,
        reference,
        _wire(
            context,
            number=number,
            reference=reference,
            status=status,
            amount=amount,
            currency=currency,
            email=email,
            metadata=metadata,
        ),
        order_id=order_id,
        private={
            "access_code": new_code("page").replace("_", ""),
            "callback_url": context.given.get("callback_url"),
            "authorization": authorization,
        },
    )
    context.add(NUMBER, str(number), {"reference": reference}, order_id=order_id)
    context.transaction.connection.execute(
        "INSERT INTO attempt (payment_intent, charge, amount, currency, status, idempotency_key,"
        " created) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(reference, reference, amount, currency, status, reference),
            context.transaction.now_seconds,
        ),
    )
    return transaction


def _wire(
    context: Context,
    *,
    number: int,
    reference: str,
    status: str,
    amount: int,
    currency: str,
    email: str,
    metadata: Any,
) -> Json:
    return {
        "id": number,
        "domain": DOMAIN,
        "status": status,
        "reference": reference,
        "amount": amount,
        "message": None,
        "gateway_response": "The transaction was not completed",
        "paid_at": None,
        "created_at": context.now,
        "channel": "card",
        "currency": currency,
        "ip_address": None,
        "metadata": metadata,
        "log": None,
        "fees": None,
        "fees_split": None,
        "authorization": {},
        "customer": {
            "id": sum(email.encode()),
            "first_name": None,
            "last_name": None,
            "email": email,
            "customer_code": f"CUS_{email.encode().hex()[:15]}",
            "phone": None,
            "metadata": None,
            "risk_action": "default",
            "international_format_phone": None,
        },
        "plan": None,
        "split": {},
        "order_id": None,
        "paidAt": None,
        "createdAt": context.now,
        "requested_amount": amount,
        "pos_transaction_data": None,
        "source": None,
        "fees_breakdown": None,
    }


def _page_of(context: Context, transaction: Record) -> Json:
    access_code = transaction.private["access_code"]
    return {
        "authorization_url": f"{context.public_url}/paystack/checkout/{transaction.id}"
        f"?access_code={access_code}",
        "access_code": access_code,
        "reference": transaction.id,
    }


def succeed(context: Context, transaction: Record, response: str = "Successful") -> None:
    """The money is taken, less the fee."""
    wire = transaction.wire
    code = transaction.private["authorization"]
    if code is None:
        code = save_authorization(context, wire["customer"]["email"])
        transaction.private["authorization"] = code
    fees = transaction_fee(wire["amount"], wire["currency"])
    wire |= {
        "status": "success",
        "gateway_response": response,
        "paid_at": context.now,
        "paidAt": context.now,
        "fees": fees,
        "authorization": shown(code),
    }
    context.save(transaction)
    settle_attempt(context, transaction)
    ledger.book(
        context,
        model="Transaction",
        number=wire["id"],
        currency=wire["currency"],
        difference=wire["amount"] - fees,
        reason=f"Transaction {transaction.id}",
        order_id=transaction.order_id,
    )
    context.emit("charge.success", show(transaction), subject=transaction)


def fail(context: Context, transaction: Record, response: str = "Declined") -> None:
    """The bank said no; Paystack sends no event for that."""
    transaction.wire.update({"status": "failed", "gateway_response": response})
    context.save(transaction)
    settle_attempt(context, transaction)


def answer_challenge(context: Context, reference: str, *, passed: bool) -> Record:
    """What the customer did on the page.

    Raises:
        PaystackError: nothing is asked of them.
    """
    transaction = context.fetch(TRANSACTION, reference, what="Transaction")
    if transaction.wire["status"] not in _UNPAID:
        raise PaystackError(f"The transaction is {transaction.wire['status']}.", status=409)
    if passed:
        succeed(context, transaction)
    else:
        fail(context, transaction)
    return transaction


def settle_attempt(context: Context, transaction: Record, *, refunded: int = 0) -> None:
    """Bring the book of charge attempts up to date."""
    paid = transaction.wire["status"] in {"success", "reversed"}
    context.transaction.connection.execute(
        "UPDATE attempt SET status = ?, captured = ?, refunded = ? WHERE payment_intent = ?",
        (
            transaction.wire["status"],
            transaction.wire["amount"] if paid else 0,
            refunded,
            transaction.id,
        ),
    )


def verify(context: Context) -> Json:
    return show(transaction_by(context, context.path["transaction"]))


def retrieve(context: Context) -> Json:
    return show(transaction_by(context, context.path["id"]))


def transaction_by(context: Context, name: str) -> Record:
    """The transaction with this reference or number.

    Raises:
        PaystackError: there is none.
    """
    found = context.find(TRANSACTION, name)
    if found is None:
        number = context.find(NUMBER, name)
        found = number and context.find(TRANSACTION, number.wire["reference"])
    if found is None:
        raise not_found("Transaction")
    return found


def show(transaction: Record) -> Json:
    return dict(transaction.wire)
