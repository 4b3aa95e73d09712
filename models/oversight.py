"""What people look at and decide: parked steps, reviews, edits, and the log of it all."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from core.domain.statuses import EditStatus
from models import columns


class OrderWait(SQLModel, table=True):
    """One parked step of one workflow of an order.

    ``orders.waiting_for`` shows the oldest of an order's waits.
    """

    __tablename__ = "order_waits"
    __table_args__ = (Index("ix_order_waits_what", "what", "since_at"),)

    order_id: str = Field(primary_key=True, foreign_key="orders.id")
    workflow_id: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    since_at: datetime = columns.timestamp(nullable=False)
    attempts: int
    last_error: str
    next_attempt_at: datetime | None = columns.timestamp()
    actions: list[str] = columns.document()
    """How a person may resolve it: ``retry``, ``skip``, ``cancel``, ``refund``."""
    updated_at: datetime = columns.created_at()


class AuditEntry(SQLModel, table=True):
    """Who did what to which; append-only."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_target", "target", "id"),
        Index("ix_audit_log_actor", "actor", "id"),
    )

    id: str = Field(primary_key=True)
    at: datetime = columns.created_at()
    actor: str
    action: str
    target: str
    """The id of what was changed."""
    reason: str
    before: dict[str, Any] | None = columns.document(nullable=True)
    after: dict[str, Any] | None = columns.document(nullable=True)


class ReviewKind(StrEnum):
    AMOUNT = "amount"
    COUNTRY = "country"
    VELOCITY = "velocity"


class ReviewRule(SQLModel, table=True):
    """Which orders a person looks at before they ship."""

    __tablename__ = "review_rules"
    __table_args__ = (
        columns.one_of("kind", ReviewKind),
        CheckConstraint(
            "CASE kind WHEN 'amount' THEN currency IS NOT NULL AND amount IS NOT NULL"
            " WHEN 'country' THEN country IS NOT NULL"
            " ELSE orders IS NOT NULL AND window_seconds IS NOT NULL END",
            name="complete",
        ),
    )

    id: str = Field(primary_key=True)
    name: str
    kind: str
    currency: str | None = Field(default=None, max_length=3)
    amount: int | None = Field(default=None, sa_type=BigInteger)
    """With ``amount``: a total above this, minor units of ``currency``."""
    country: str | None = Field(default=None, max_length=2)
    orders: int | None = None
    window_seconds: int | None = None
    """With ``velocity``: more than ``orders`` of one customer within the window."""
    active: bool = True
    created_at: datetime = columns.created_at()


class OrderEdit(SQLModel, table=True):
    """A change of a confirmed order's items by staff, and the money that it moved."""

    __tablename__ = "order_edits"
    __table_args__ = (
        columns.one_of("status", EditStatus),
        Index("ix_order_edits_order_id", "order_id", "id"),
    )

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id")
    status: str
    changes: list[dict[str, Any]] = columns.document()
    """``sku`` and the ``quantity`` that the order shall have of it."""
    difference_amount: int = columns.amount()
    """What the order's total changes by, minor units."""
    payment_id: str | None = None
    actor: str
    reason: str
    created_at: datetime = columns.created_at()
    ended_at: datetime | None = columns.timestamp()
