"""Settlements: what vendors are paid of what they are owed, and who has to approve it; pure.

A line is an entry of ``vendor_payable``. Its ``net`` is what it adds to the payment, its
``commission`` what the platform keeps of the same sale (given back: negative), and both together
its ``gross``. All are minor units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.errors import InvalidStateError
from core.domain.ids import Prefix, dated_id
from core.domain.ledger import Account, Leg, Posting, PostingKind, credit, debit
from core.domain.statuses import SettlementStatus

TWO_PEOPLE = 2


class LineKind(StrEnum):
    """What a vendor reads on a statement."""

    SALE = "sale"
    REFUND = "refund"
    DISPUTE = "dispute"
    ADJUSTMENT = "adjustment"


class SettlementEvent(StrEnum):
    """Wire names, in the outbox under the settlement's id."""

    DRAWN_UP = "settlement.drawn_up"
    APPROVAL_GIVEN = "settlement.approval_given"
    APPROVED = "settlement.approved"
    PAYING = "settlement.paying"
    PAID = "settlement.paid"
    FAILED = "settlement.failed"
    CANCELED = "settlement.canceled"
    WAITING = "settlement.waiting"
    """Something keeps it from going on: no payout account, no answer of the provider."""
    REMINDER = "settlement.reminder"
    """It still waits for people."""


_KINDS: Mapping[PostingKind, LineKind] = {
    PostingKind.CAPTURE: LineKind.SALE,
    PostingKind.REFUND: LineKind.REFUND,
    PostingKind.REFUND_FAILED: LineKind.REFUND,
    PostingKind.DISPUTE_OPENED: LineKind.DISPUTE,
    PostingKind.DISPUTE_WON: LineKind.DISPUTE,
    PostingKind.DISPUTE_LOST: LineKind.DISPUTE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What a settlement pays of one entry of the ledger; minor units."""

    kind: LineKind
    net: int
    commission: int = 0

    @property
    def gross(self) -> int:
        return self.net + self.commission


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Sums of lines, gross by kind; ``amount`` is what is paid. Minor units."""

    sales: int = 0
    refunds: int = 0
    disputes: int = 0
    adjustments: int = 0
    commission: int = 0

    @property
    def amount(self) -> int:
        gross = self.sales + self.refunds + self.disputes + self.adjustments
        return gross - self.commission


def kind_of(posting: PostingKind) -> LineKind:
    """Return what a posting is for a vendor."""
    return _KINDS.get(posting, LineKind.ADJUSTMENT)


def total(lines: Iterable[Line]) -> Totals:
    """Add the lines up."""
    gross = dict.fromkeys(LineKind, 0)
    commission = 0
    for line in lines:
        gross[line.kind] += line.gross
        commission += line.commission
    return Totals(
        sales=gross[LineKind.SALE],
        refunds=gross[LineKind.REFUND],
        disputes=gross[LineKind.DISPUTE],
        adjustments=gross[LineKind.ADJUSTMENT],
        commission=commission,
    )


def settlement_id(vendor_id: str, currency: str, period_end: datetime) -> str:
    """Return the one id of what a vendor is owed in a currency up to a moment (whole seconds)."""
    return dated_id(Prefix.SETTLEMENT, int(period_end.timestamp()), vendor_id, currency)


def approvals_needed(amount: int, *, automatic: int, two_person: int) -> int:
    """How many people approve a payment; amounts in minor units of whichever currency."""
    if amount > two_person:
        return TWO_PEOPLE
    return 0 if amount < automatic else 1


def require_approver(
    actor: str, *, status: SettlementStatus, needed: int, approvers: Sequence[str], created_by: str
) -> None:
    """Refuse an approval that does not count.

    Raises:
        InvalidStateError: nobody is asked, the same person again, or the only approval would be
            that of the person who drew it up.
    """
    if status is not SettlementStatus.AWAITING_APPROVAL:
        raise InvalidStateError(present=status, wanted="approve")
    if actor in approvers:
        raise InvalidStateError(
            present=f"{status}, and you have approved it already",
            wanted="approve",
            allowed=["approval by somebody else"],
        )
    if needed < TWO_PEOPLE and actor == created_by:
        raise InvalidStateError(
            present=f"{status}, and you have drawn it up",
            wanted="approve",
            allowed=["approval by somebody else"],
        )


def transfer_reference(settlement: str, attempt: int) -> str:
    """Return our name of an attempt to pay, which the provider carries along.

    Made of what the pickiest provider takes: lower-case letters, digits, dashes, underscores.
    """
    return settlement if attempt == 1 else f"{settlement}-{attempt}"


def settlement_of(reference: str) -> str:
    """Return the settlement that a transfer's reference names."""
    return reference.partition("-")[0]


def transfer_key(settlement: str, attempt: int) -> str:
    """Return the provider's idempotency key of an attempt to pay."""
    return f"settlement:{transfer_reference(settlement, attempt)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferAttempt:
    """A settlement's attempt to pay its vendor, ``amount`` in minor units."""

    settlement_id: str
    attempt: int
    vendor_id: str
    provider: str
    currency: str
    amount: int

    def sent(self) -> Posting:
        """The posting when the provider has it: the vendor is owed less, and so are we."""
        return self._posting(
            "transfer",
            PostingKind.TRANSFER,
            debit(Account.VENDOR_PAYABLE, self.amount, self.vendor_id),
            credit(Account.PROVIDER_BALANCE, self.amount, self.provider),
        )

    def came_back(self) -> Posting:
        """The posting when it failed afterwards: the reverse."""
        return self._posting(
            "transfer_failed",
            PostingKind.TRANSFER_FAILED,
            debit(Account.PROVIDER_BALANCE, self.amount, self.provider),
            credit(Account.VENDOR_PAYABLE, self.amount, self.vendor_id),
        )

    def _posting(self, name: str, kind: PostingKind, *legs: Leg) -> Posting:
        key = f"{self.settlement_id}:{name}"
        return Posting(
            key=key if self.attempt == 1 else f"{key}:{self.attempt}",
            kind=kind,
            currency=self.currency,
            legs=legs,
            reference=self.settlement_id,
        )
