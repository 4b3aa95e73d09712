"""Our side of a reconciliation, and what it finds; amounts in minor units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from core.domain.reconciliation import SAFE_REPAIRS, DifferenceKind, RepairKind
from core.domain.statuses import DisputeStatus, OrderStatus, PaymentStatus, SettlementStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class OurOrder:
    """An order; ``quiet_for`` is how long ago it last changed."""

    order_id: str
    status: OrderStatus
    under_way: bool
    """It waits for something, or somebody asked to cancel it."""
    quiet_for: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedPart:
    """What is set aside for parcel ``number`` and not captured yet."""

    number: int
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OurPayment:
    """A payment as the database has it."""

    order: OurOrder
    payment_id: str
    provider_payment_id: str | None
    status: PaymentStatus
    currency: str
    amount: int
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    refunding: int = 0
    """What is asked to be refunded and not confirmed by the provider yet."""
    planned: Sequence[PlannedPart] = ()
    refunds: frozenset[str] = frozenset()
    """The provider's ids of the refunds that are known here."""
    taken_at_once: bool = False
    """The provider has no authorizations: what is authorized is taken already."""

    @property
    def held(self) -> int:
        """What is authorized and not captured."""
        return self.authorized - self.captured

    @property
    def taken(self) -> int:
        """What is booked on our balance at the provider."""
        return (self.authorized if self.taken_at_once else self.captured) - self.refunded

    @property
    def given_back(self) -> int:
        """What was given back; without authorizations what was let go was given back, too."""
        let_go = self.amount - self.authorized if self.taken_at_once else 0
        return let_go + self.refunded


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedBack:
    """A movement with which a provider gave money of a payment back; ``amount`` is positive."""

    provider_refund_id: str
    amount: int
    reference: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OurDispute:
    dispute_id: str
    order_id: str
    payment_id: str
    status: DisputeStatus
    amount: int
    withdrawn: bool
    quiet_for: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class OurTransfer:
    """What a settlement says of its transfer; ``reference`` names its latest attempt."""

    settlement_id: str
    reference: str
    provider_transfer_id: str | None
    status: SettlementStatus
    currency: str
    amount: int
    quiet_for: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A difference and what would put it right.

    ``amount`` is the provider's figure less ours, ``on_balance`` how much of it is missing in the
    ledger's balance at the provider.
    """

    kind: DifferenceKind
    subject: str
    repair: RepairKind
    currency: str | None = None
    amount: int = 0
    on_balance: int = 0
    order_id: str | None = None
    payment_id: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_safe(self) -> bool:
        """Whether it is repaired without a person."""
        return self.repair in SAFE_REPAIRS
