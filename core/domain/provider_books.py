"""What a provider tells besides payments: its books, disputes, events and transfers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from core.domain.statuses import DisputeStatus

T = TypeVar("T")


class MovementKind(StrEnum):
    """Why our balance at a provider moved."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_REVERSED = "dispute_reversed"
    TRANSFER = "transfer"
    TRANSFER_REVERSED = "transfer_reversed"
    PAYOUT = "payout"
    PAYOUT_FAILED = "payout_failed"
    FEE = "fee"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderMovement:
    """One movement of our balance; minor units, what comes in is positive: net = amount - fee."""

    movement_id: str
    kind: MovementKind
    source_id: str
    """The charge, refund, dispute, transfer or payout behind it."""
    currency: str
    amount: int
    fee: int
    occurred_at: datetime
    provider_payment_id: str | None = None
    reference: str | None = None
    """Our own id that the provider carries along: refund, settlement, order."""

    @property
    def net(self) -> int:
        return self.amount - self.fee


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderDispute:
    """The provider's present state of a dispute; ``amount`` in minor units."""

    provider_dispute_id: str
    provider_payment_id: str
    status: DisputeStatus
    reason: str
    currency: str
    amount: int
    withdrawn: bool
    """The money was taken back; an inquiry takes none, and some wait until it is lost."""
    opened_at: datetime
    evidence_due_at: datetime | None = None
    evidence_submitted: bool = False
    inquiry: bool = False
    """The bank only asks, and takes nothing whatever the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is said against a dispute, in the words that most providers share."""

    explanation: str
    customer_name: str | None = None
    customer_email: str | None = None
    product_description: str | None = None
    shipping_carrier: str | None = None
    shipping_tracking_number: str | None = None
    shipping_date: str | None = None


class MoneyTransferStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    """Nothing has left, or it came back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderTransfer:
    """Money on its way to a vendor; ``reference`` is our settlement."""

    provider_transfer_id: str
    status: MoneyTransferStatus
    currency: str
    amount: int
    destination: str
    reference: str | None = None
    failure: str | None = None


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list; ``next_cursor`` asks for the part that follows, None at the end."""

    items: Sequence[T]
    next_cursor: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedEvent:
    """An event as the provider lists it; ``body`` is what its webhook would carry."""

    event_id: str
    type: str
    created_at: datetime
    body: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a provider can do; the platform's flows follow from it."""

    manual_capture: bool
    """False: the money is taken at once, and what is not sent is given back by refund."""
    multicapture: bool
    partial_capture: bool
    events_list: bool
    """False: what was missed is found by listing payments."""
    currencies: frozenset[str]
    """Empty: any."""
    refund_days: int | None
    """How long after the capture money can be given back; None for ever."""
    minimum_amount: int = 1
    needs_email: bool = False
    """It takes no payment without its customer's e-mail address."""
    payout_accounts: bool = False
    """Vendors' accounts are made from their bank accounts by us; else they come from elsewhere."""
