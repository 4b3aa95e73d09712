"""`/_control/paystack`: what Paystack, banks and customers do without being asked by us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from deploy.sandbox.documents import Json
from deploy.sandbox.paystack import disputes, settlements, transfers
from deploy.sandbox.paystack.context import (
    DISPUTE,
    RECIPIENT,
    REFUND,
    SETTLEMENT,
    TRANSACTION,
    Context,
    Record,
)
from deploy.sandbox.paystack.errors import PaystackError
from deploy.sandbox.paystack.refunds import settle_refund
from deploy.sandbox.paystack.transactions import answer_challenge
from deploy.sandbox.transaction import Transaction

YEAR_SECONDS = 366 * 86_400


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DisputeOpened(Body):
    """`amount` in hundredths; the whole transaction's without."""

    transaction: str
    amount: int | None = Field(default=None, ge=1)
    category: str = "chargeback"
    due_in_seconds: int = Field(default=disputes.EVIDENCE_SECONDS, ge=1, le=YEAR_SECONDS)


class DisputeNews(Body):
    outcome: Literal["won", "lost", "remind"]


class TransferNews(Body):
    status: Literal["success", "failed", "reversed"]


class Settle(Body):
    currency: str = "NGN"


class SettlementNews(Body):
    status: Literal["failed"]


class RecipientWanted(Body):
    recipient_code: str
    currency: str = "NGN"
    account_number: str = "0123456789"


def challenge(transaction: Transaction, reference: str, *, passed: bool) -> Json | None:
    """Answer for the customer of a page; None when there is no such transaction."""
    context = _context(transaction)
    if context.find(TRANSACTION, reference) is None:
        return None
    return answer_challenge(context, reference, passed=passed).wire


def refund(transaction: Transaction, refund_id: str, status: str) -> Json | None:
    """Say what became of a refund; None when there is no such refund."""
    context = _context(transaction)
    found = context.find(REFUND, refund_id)
    if found is None:
        return None
    settle_refund(context, found, "processed" if status == "succeeded" else status)
    return found.wire


def dispute(transaction: Transaction, reference: str, amount: int | None) -> Json | None:
    """Dispute a payment; None when there is no such transaction."""
    context = _context(transaction)
    if context.find(TRANSACTION, reference) is None:
        return None
    return disputes.open_dispute(context, reference, amount=amount).wire


def decide(transaction: Transaction, dispute_id: str, status: str) -> Json | None:
    """Decide a dispute; None when there is no such dispute."""
    context = _context(transaction)
    found = context.find(DISPUTE, dispute_id)
    if found is None:
        return None
    disputes.close(context, found, disputes.DECLINED if status == "won" else disputes.ACCEPTED)
    return found.wire


def reverse(transaction: Transaction, code: str) -> Json | None:
    """Let a transfer come back; None when there is no such transfer."""
    context = _context(transaction)
    found = transfers.by_code(context, code)
    if found is None:
        return None
    transfers.settle_transfer(context, found, "reversed")
    return found.wire


def open_dispute(transaction: Transaction, asked: DisputeOpened, _name: str) -> Record:
    return disputes.open_dispute(
        _context(transaction),
        asked.transaction,
        amount=asked.amount,
        category=asked.category,
        due_in_seconds=asked.due_in_seconds,
    )


def move_dispute(transaction: Transaction, asked: DisputeNews, name: str) -> Record:
    context = _context(transaction)
    dispute = context.fetch(DISPUTE, name, what="Dispute")
    if dispute.wire["status"] == disputes.RESOLVED:
        raise PaystackError("The dispute is decided.", status=409)
    if asked.outcome == "remind":
        disputes.remind(context, dispute)
    else:
        won = asked.outcome == "won"
        disputes.close(context, dispute, disputes.DECLINED if won else disputes.ACCEPTED)
    return dispute


def move_transfer(transaction: Transaction, asked: TransferNews, name: str) -> Record:
    context = _context(transaction)
    transfer = transfers.transfer_by(context, name)
    transfers.settle_transfer(context, transfer, asked.status)
    return transfer


def settle(transaction: Transaction, asked: Settle, _name: str) -> Record:
    return settlements.settle(_context(transaction), asked.currency)


def move_settlement(transaction: Transaction, _asked: SettlementNews, name: str) -> Record:
    context = _context(transaction)
    settlement = context.fetch(SETTLEMENT, name, what="Settlement")
    settlements.fail(context, settlement)
    return settlement


def add_recipient(transaction: Transaction, asked: RecipientWanted, _name: str) -> Record:
    """A recipient under a code of the caller's choice, so that shops can be set up with it."""
    given = {
        **asked.model_dump(),
        "type": "nuban",
        "name": "Sandbox vendor",
        "bank_code": "058",
    }
    context = Context(transaction=transaction, given=given, path={}, public_url="")
    known = context.find(RECIPIENT, asked.recipient_code)
    if known is None:
        transfers.create_recipient(context)
        known = context.fetch(RECIPIENT, asked.recipient_code, what="Recipient")
    return known


CONTROLS: tuple[tuple[str, type[Body], Callable[[Transaction, Any, str], Record]], ...] = (
    ("/paystack/disputes", DisputeOpened, open_dispute),
    ("/paystack/disputes/{name}", DisputeNews, move_dispute),
    ("/paystack/transfers/{name}", TransferNews, move_transfer),
    ("/paystack/settlements", Settle, settle),
    ("/paystack/settlements/{name}", SettlementNews, move_settlement),
    ("/paystack/recipients", RecipientWanted, add_recipient),
)


def _context(transaction: Transaction) -> Context:
    return Context(transaction=transaction, given={}, path={}, public_url="")
