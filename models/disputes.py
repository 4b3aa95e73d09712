"""Disputes: a customer's bank takes a payment back until it is decided who is right."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from core.domain.statuses import DisputeStatus
from models import columns


class Dispute(SQLModel, table=True):
    __tablename__ = "disputes"
    __table_args__ = (
        columns.one_of("status", DisputeStatus),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("uq_disputes_provider_dispute", "provider", "provider_dispute_id", unique=True),
        Index("ix_disputes_order_id", "order_id", "id"),
        Index("ix_disputes_status", "status", "id"),
    )

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id")
    payment_id: str = Field(foreign_key="payments.id")
    provider: str
    provider_dispute_id: str
    status: str
    reason: str
    """The provider's word for it."""
    currency: str = Field(max_length=3)
    amount: int = columns.amount()
    withdrawn: bool = columns.flag()
    """The provider took the money back, be it until the dispute was won. Some take it at once,
    others when it is lost."""
    inquiry: bool = columns.flag()
    """The bank only asks: nothing is held back."""
    held: list[dict[str, Any]] = columns.document()
    """``vendor_id`` and ``amount`` of what is held back from each vendor."""
    evidence: dict[str, Any] | None = columns.document(nullable=True)
    """``submitted``: what the bank was told last. ``drafts``: what it is to be told, by submission.
    The only place where it is kept."""
    evidence_due_at: datetime | None = columns.timestamp()
    evidence_submitted_at: datetime | None = columns.timestamp()
    submitted_by: str | None = None
    opened_at: datetime = columns.timestamp(nullable=False)
    closed_at: datetime | None = columns.timestamp()
    version: int = columns.count()
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
