"""Money from the balance to other people's accounts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deploy.sandbox.documents import Json
from deploy.sandbox.paystack import ledger
from deploy.sandbox.paystack.context import (
    DOMAIN,
    INTEGRATION,
    RECIPIENT,
    TRANSFER,
    Context,
    Record,
    new_code,
    new_number,
)
from deploy.sandbox.paystack.errors import PaystackError, not_found
from deploy.sandbox.paystack.fees import CURRENCIES, transfer_fee

TEST_RECIPIENT = "RCP_vendor"
"""Codes that begin so need not be made first; their currency is that of the first transfer."""

SLOW_ACCOUNT = "0000000000"
"""What is sent there is pending until somebody says how it ended."""

UNKNOWN_BANK = "000"

_REFERENCE = re.compile(r"[a-z0-9_-]{16,50}")
_TYPES = ("nuban", "ghipss", "mobile_money", "basa", "kepss", "authorization")


def create_recipient(context: Context) -> Json:
    """A recipient; the same account is the same one, unless its code is the caller's choice."""
    if context.given.get("type") not in _TYPES:
        raise PaystackError("type is not one of the supported recipient types")
    currency = context.given.get("currency", "NGN")
    if currency not in CURRENCIES:
        raise PaystackError("Currency not supported by merchant", code="unsupported_currency")
    chosen = context.given.get("recipient_code")
    account = _account_of(context, currency)
    known = None if chosen else _recipient_of(context, account)
    if known is not None:
        return known.wire
    code = str(chosen or new_code("RCP"))
    wire: Json = {
        "active": True,
        "createdAt": context.now,
        "currency": currency,
        "domain": DOMAIN,
        "id": new_number(),
        "integration": INTEGRATION,
        "name": context.text("name"),
        "recipient_code": code,
        "type": context.given["type"],
        "updatedAt": context.now,
        "is_deleted": False,
        "details": {
            "authorization_code": None,
            "account_number": context.text("account_number"),
            "account_name": None,
            "bank_code": context.text("bank_code"),
            "bank_name": "TEST BANK",
        },
    }
    return context.add(RECIPIENT, code, wire, customer=None if chosen else account).wire


def _account_of(context: Context, currency: str) -> str:
    number, bank = context.text("account_number"), context.text("bank_code")
    if not number.isdecimal() or bank == UNKNOWN_BANK:
        raise PaystackError("Cannot resolve account", status=422, code="invalid_bank_code")
    return ":".join((context.given["type"], bank, number, currency))


def _recipient_of(context: Context, account: str) -> Record | None:
    row = context.transaction.connection.execute(
        "SELECT id FROM document WHERE kind = ? AND customer = ?", (RECIPIENT, account)
    ).fetchone()
    return None if row is None else context.find(RECIPIENT, row["id"])


def create_transfer(context: Context) -> Json:
    transfer = _send(context, context.given)
    return _queued(context, transfer)


def create_bulk(context: Context) -> list[Json]:
    """Several at once, all or none."""
    wanted = context.given.get("transfers")
    if not isinstance(wanted, list) or not wanted:
        raise PaystackError("transfers is required", code="missing_params")
    currency = context.given.get("currency", "NGN")
    made = [_send(context, {"currency": currency, **one}) for one in wanted]
    answers = []
    for transfer in made:
        queued = _queued(context, transfer)
        answers.append(
            {
                "reference": queued["reference"],
                "recipient": transfer.wire["recipient"]["recipient_code"],
                "amount": queued["amount"],
                "transfer_code": queued["transfer_code"],
                "currency": queued["currency"],
                "status": "received",
            }
        )
    return answers


def _send(context: Context, wanted: Mapping[str, Any]) -> Record:
    amount, reference = wanted.get("amount"), str(wanted.get("reference", ""))
    recipient = _recipient(context, wanted)
    if recipient is None:
        raise PaystackError("Recipient specified is invalid", code="invalid_recipient")
    if not isinstance(amount, int) or amount <= 0:
        raise PaystackError("Amount must be a positive integer", code="invalid_amount")
    if not _REFERENCE.fullmatch(reference):
        raise PaystackError("Invalid transfer reference", code="invalid_reference")
    if context.find(TRANSFER, reference) is not None:
        raise PaystackError(
            "Please provide a unique reference. Reference already exists on a transfer",
            code="duplicate_reference",
        )
    currency = recipient.wire["currency"]
    if wanted.get("currency", currency) != currency:
        raise PaystackError("The recipient has another currency", code="invalid_currency")
    fee = transfer_fee(amount, currency)
    if amount + fee > ledger.balance_of(context, currency):
        raise PaystackError(
            "Your balance is not enough to fulfil this request", code="insufficient_balance"
        )
    return _record(context, wanted, recipient, fee)


def _recipient(context: Context, wanted: Mapping[str, Any]) -> Record | None:
    code = str(wanted.get("recipient", ""))
    if context.find(RECIPIENT, code) is None and code.startswith(TEST_RECIPIENT):
        given = {
            "type": "nuban",
            "name": "Test vendor",
            "account_number": "0123456789",
            "bank_code": "058",
            "currency": wanted.get("currency", "NGN"),
            "recipient_code": code,
        }
        create_recipient(replace(context, given=given))
    return context.find(RECIPIENT, code)


def _record(context: Context, wanted: Mapping[str, Any], recipient: Record, fee: int) -> Record:
    number = new_number()
    wire: Json = {
        "amount": wanted["amount"],
        "createdAt": context.now,
        "currency": recipient.wire["currency"],
        "domain": DOMAIN,
        "failures": None,
        "id": number,
        "integration": INTEGRATION,
        "reason": wanted.get("reason"),
        "reference": wanted["reference"],
        "source": "balance",
        "status": "pending",
        "transfer_code": new_code("TRF"),
        "transferred_at": None,
        "updatedAt": context.now,
        "recipient": recipient.wire,
        "fee_charged": fee,
    }
    transfer = context.add(
        TRANSFER, wire["reference"], wire, charge=str(number), customer=wire["transfer_code"]
    )
    _book(context, transfer, -1)
    return transfer


def _queued(context: Context, transfer: Record) -> Json:
    """The answer of now; what becomes of it follows by event."""
    answer = {**transfer.wire, "recipient": transfer.wire["recipient"]["id"]}
    account = transfer.wire["recipient"]["details"]["account_number"]
    if account != SLOW_ACCOUNT:
        settle_transfer(context, transfer, "success")
    return answer


def settle_transfer(context: Context, transfer: Record, status: str) -> None:
    """The bank has news; what failed or came back is the merchant's again, with the fee."""
    if transfer.wire["status"] == status:
        return
    transfer.wire.update({"status": status, "updatedAt": context.now})
    if status == "success":
        transfer.wire["transferred_at"] = context.now
    else:
        _book(context, transfer, 1)
    context.save(transfer)
    context.emit(f"transfer.{status}", transfer.wire, subject=transfer)


def _book(context: Context, transfer: Record, sign: int) -> None:
    wire = transfer.wire
    ledger.book(
        context,
        model="Transfer",
        number=wire["id"],
        currency=wire["currency"],
        difference=sign * (wire["amount"] + wire["fee_charged"]),
        reason=wire["reason"] or wire["reference"],
    )


def verify_transfer(context: Context) -> Json:
    return transfer_by(context, context.path["reference"]).wire


def retrieve_transfer(context: Context) -> Json:
    return transfer_by(context, context.path["id"]).wire


def by_code(context: Context, code: str) -> Record | None:
    """The transfer with this transfer code."""
    row = context.transaction.connection.execute(
        "SELECT id FROM document WHERE kind = ? AND customer = ?", (TRANSFER, code)
    ).fetchone()
    return None if row is None else context.find(TRANSFER, row["id"])


def transfer_by(context: Context, name: str) -> Record:
    """The transfer with this reference or number.

    Raises:
        PaystackError: there is none.
    """
    found = context.find(TRANSFER, name)
    if found is None:
        row = context.transaction.connection.execute(
            "SELECT id FROM document WHERE kind = ? AND charge = ?", (TRANSFER, name)
        ).fetchone()
        found = row and context.find(TRANSFER, row["id"])
    if found is None:
        raise not_found("Transfer")
    return found
