"""What providers say of their own books, and where it differs from ours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from core.domain.reconciliation import DifferenceKind, DifferenceStatus, RepairKind
from core.domain.statuses import ReconciliationStatus
from models import columns


class ProviderTransaction(SQLModel, table=True):
    """One movement of our balance at a provider, as its own books have it; minor units."""

    __tablename__ = "provider_transactions"
    __table_args__ = (
        Index("ix_provider_transactions_occurred_at", "provider", "occurred_at", "id"),
        Index("ix_provider_transactions_payment", "provider", "provider_payment_id"),
        Index(
            "ix_provider_transactions_unposted",
            "provider",
            "id",
            postgresql_where=text("posted_at IS NULL"),
        ),
    )

    provider: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    """The provider's id of the movement."""
    kind: str
    """A ``core.domain.provider_books.MovementKind``."""
    source_id: str
    """The charge, refund, dispute, transfer or payout behind it."""
    provider_payment_id: str | None = None
    reference: str | None = None
    """Our own id that the provider carries along."""
    currency: str = Field(max_length=3)
    amount: int = columns.amount()
    fee: int = columns.amount()
    net: int = columns.amount()
    occurred_at: datetime = columns.timestamp(nullable=False)
    seen_at: datetime = columns.created_at()
    posted_at: datetime | None = columns.timestamp()
    """When its fee, or all of it, went to the ledger."""


class Reconciliation(SQLModel, table=True):
    """One look at one provider's books over a window of time."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        columns.one_of("status", ReconciliationStatus),
        Index("ix_reconciliations_provider", "provider", "id"),
    )

    id: str = Field(primary_key=True)
    provider: str
    status: str
    window_start_at: datetime = columns.timestamp(nullable=False)
    window_end_at: datetime = columns.timestamp(nullable=False)
    cursor: str | None = None
    """How far the provider's list was read, for a run that goes on after a crash."""
    transactions: int = columns.count()
    payments: int = columns.count()
    found: int = columns.count()
    repaired: int = columns.count()
    figures: dict[str, Any] = columns.document()
    """By currency: the provider's balance by its own movements, and the ledger's."""
    started_at: datetime = columns.created_at()
    ended_at: datetime | None = columns.timestamp()


class ReconciliationPayment(SQLModel, table=True):
    """A payment that a running reconciliation has seen at the provider; gone when it ends."""

    __tablename__ = "reconciliation_payments"

    reconciliation_id: str = Field(primary_key=True, foreign_key="reconciliations.id")
    provider_payment_id: str = Field(primary_key=True)


class Difference(SQLModel, table=True):
    """Where a provider, the database and Temporal do not agree, until that is put right."""

    __tablename__ = "differences"
    __table_args__ = (
        columns.one_of("kind", DifferenceKind),
        columns.one_of("status", DifferenceStatus),
        columns.one_of("repair", RepairKind),
        Index(
            "uq_differences_open",
            "provider",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("status IN ('open', 'repairing')"),
        ),
        Index("ix_differences_status", "status", "id"),
        Index("ix_differences_order_id", "order_id"),
    )

    id: str = Field(primary_key=True)
    provider: str
    kind: str
    subject: str
    """What differs: the provider's payment, refund, dispute; a currency; an order."""
    status: str
    repair: str
    """What would put it right."""
    order_id: str | None = None
    payment_id: str | None = None
    currency: str | None = Field(default=None, max_length=3)
    amount: int = columns.amount(0)
    """By how much, minor units: the provider's figure less ours."""
    evidence: dict[str, Any] = columns.document()
    """What each side says."""
    found_in: str = Field(foreign_key="reconciliations.id")
    seen_in: str = Field(foreign_key="reconciliations.id")
    """The last reconciliation that saw it."""
    attempts: int = columns.count()
    resolution: str | None = None
    actor: str | None = None
    reason: str | None = None
    found_at: datetime = columns.created_at()
    ended_at: datetime | None = columns.timestamp()
