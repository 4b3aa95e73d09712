"""Money promised and taken, as the provider last told it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from core.domain.statuses import PaymentStatus, RefundStatus
from models import columns


class PaymentPurpose(StrEnum):
    """Why there is this payment."""

    ORDER = "order"
    RENEWAL = "renewal"
    """Authorized again because the first authorization lapsed."""
    EDIT = "edit"
    """The difference that an edit of the order added."""
    EXCHANGE = "exchange"
    """What an exchange costs more than what came back."""


class CaptureStatus(StrEnum):
    PLANNED = "planned"
    """Set aside on the authorization, not taken yet: no other parcel plans with it."""
    CAPTURED = "captured"


class Payment(SQLModel, table=True):
    """One payment of one order at one provider. ``attempt`` counts a customer's tries."""

    __tablename__ = "payments"
    __table_args__ = (
        columns.one_of("status", PaymentStatus),
        columns.one_of("purpose", PaymentPurpose),
        CheckConstraint(
            "captured_amount BETWEEN 0 AND authorized_amount", name="captured_within_authorized"
        ),
        CheckConstraint(
            "refunded_amount BETWEEN 0 AND captured_amount", name="refunded_within_captured"
        ),
        Index("uq_payments_order_id_attempt", "order_id", "attempt", unique=True),
        Index(
            "uq_payments_provider_payment",
            "provider",
            "provider_payment_id",
            unique=True,
            postgresql_where=text("provider_payment_id IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id")
    attempt: int = 1
    provider: str
    provider_payment_id: str | None = None
    payment_method: str
    """The provider's token of a payment method; never a card."""
    status: str
    currency: str = Field(max_length=3)
    amount: int = columns.amount()
    authorized_amount: int = columns.amount(0)
    captured_amount: int = columns.amount(0)
    refunded_amount: int = columns.amount(0)
    disputed_amount: int = columns.amount_or_zero()
    """What open disputes have taken back, and lost ones for good: it cannot be refunded."""
    taken_at_once: bool = columns.flag()
    """Its provider has no authorizations: what is called authorized here is taken already."""
    capture_before: datetime | None = columns.timestamp()
    decline_code: str | None = None
    purpose: str = Field(
        default=PaymentPurpose.ORDER,
        sa_column_kwargs={"server_default": PaymentPurpose.ORDER.value},
    )
    next_action: dict[str, Any] | None = columns.document(nullable=True)
    """The challenge of a payment that is not the checkout's; that one is on the order."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class Capture(SQLModel, table=True):
    """A payment's part in what one shipment costs; ``number`` is the shipment's."""

    __tablename__ = "captures"
    __table_args__ = (
        columns.one_of("status", CaptureStatus),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    payment_id: str = Field(primary_key=True, foreign_key="payments.id")
    number: int = Field(primary_key=True)
    amount: int = columns.amount()
    status: str = Field(
        default=CaptureStatus.CAPTURED,
        sa_column_kwargs={"server_default": CaptureStatus.CAPTURED.value},
    )
    final: bool = columns.flag()
    """The last of its payment: the provider lets go of whatever is left. Fixed with the plan, since
    a call that is repeated must be the same call."""
    unanswered_at: datetime | None = columns.timestamp()
    """A call for it was not answered then: the provider is asked before it is sent again."""
    created_at: datetime = columns.created_at()


class Refund(SQLModel, table=True):
    """Money that goes back to the customer, once."""

    __tablename__ = "refunds"
    __table_args__ = (
        columns.one_of("status", RefundStatus),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_refunds_order_id", "order_id", "id"),
        Index("ix_refunds_pending", "id", postgresql_where=text("status = 'pending'")),
    )

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id")
    return_id: str | None = None
    shipment_id: str | None = None
    amount: int = columns.amount()
    currency: str = Field(max_length=3)
    status: str
    reason: str
    actor: str
    items: list[dict[str, Any]] = columns.document()
    """``item_id`` and ``quantity`` of what it is for; empty for a plain amount."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class RefundPart(SQLModel, table=True):
    """The part of a refund that one payment gives back."""

    __tablename__ = "refund_parts"
    __table_args__ = (
        columns.one_of("status", RefundStatus),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index(
            "uq_refund_parts_provider_refund",
            "provider_refund_id",
            unique=True,
            postgresql_where=text("provider_refund_id IS NOT NULL"),
        ),
    )

    refund_id: str = Field(primary_key=True, foreign_key="refunds.id")
    payment_id: str = Field(primary_key=True, foreign_key="payments.id")
    amount: int = columns.amount()
    status: str
    provider_refund_id: str | None = None
    failure_code: str | None = None
    unanswered_at: datetime | None = columns.timestamp()
    """A call for it was not answered then."""
