"""Differences in words, for people; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.domain.money import Money
from core.domain.reconciliation import SAFE_REPAIRS, DifferenceKind, DifferenceStatus, RepairKind

WORDS: Mapping[DifferenceKind, str] = {
    DifferenceKind.UNKNOWN_PAYMENT: "the provider holds or took money for no order of ours",
    DifferenceKind.UNWANTED_PAYMENT: (
        "the provider holds or took money that its order does not need"
    ),
    DifferenceKind.MISSING_PAYMENT: "the provider does not know a payment that is recorded here",
    DifferenceKind.STATE: "the provider tells another state of the payment than is recorded",
    DifferenceKind.LOST_CAPTURE: "the provider took what is only planned here",
    DifferenceKind.CAPTURED_AMOUNT: "the provider took another amount than is recorded",
    DifferenceKind.REFUNDED_AMOUNT: "the provider gave back another amount than is recorded",
    DifferenceKind.UNKNOWN_REFUND: "the provider gave money back that nobody here asked for",
    DifferenceKind.AMOUNT: "the provider authorized another amount than was asked for",
    DifferenceKind.CURRENCY: "the payment is in another currency at the provider",
    DifferenceKind.UNKNOWN_DISPUTE: "a dispute at the provider is not recorded",
    DifferenceKind.DISPUTE_STATE: "the provider tells another state of the dispute",
    DifferenceKind.UNKNOWN_TRANSFER: "money was transferred, and no settlement says why",
    DifferenceKind.MISSING_TRANSFER: "a settlement is paid here and not at the provider",
    DifferenceKind.UNPROCESSED_EVENT: "an event lies in the inbox and nobody works on it",
    DifferenceKind.MISSED_EVENT: "an event of the provider's never arrived",
    DifferenceKind.LOST_WORKFLOW: "no workflow runs for an unfinished order",
    DifferenceKind.BALANCE: "the ledger's balance at the provider is not the provider's",
}


def in_words(kind: DifferenceKind, subject: str, *, amount: int, currency: str | None) -> str:
    """Return a difference as one line: what it is, of what, and by how much."""
    by = f", by {Money(amount=amount, currency=currency)}" if amount and currency else ""
    return f"{subject}: {WORDS[kind]}{by}"


def actions_of(
    status: DifferenceStatus, repair: RepairKind, *, on_balance: int, currency: str | None
) -> Sequence[str]:
    """Return what a person can decide about a difference."""
    if status is not DifferenceStatus.OPEN:
        return []
    repairable = ["repair"] if repair in SAFE_REPAIRS else []
    bookable = ["book_adjustment"] if on_balance and currency else []
    return [*repairable, *bookable, "accept"]
