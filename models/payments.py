"""Money promised and taken, as the provider last told it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from core.domain.statuses import PaymentStatus
from models import columns


class Payment(SQLModel, table=True):
    """One payment of one order at one provider. ``attempt`` counts a customer's tries."""

    __tablename__ = "payments"
    __table_args__ = (
        columns.one_of("status", PaymentStatus),
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
    capture_before: datetime | None = columns.timestamp()
    decline_code: str | None = None
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class Capture(SQLModel, table=True):
    """One capture of a payment, for one shipment; written when the provider has confirmed it."""

    __tablename__ = "captures"
    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)

    payment_id: str = Field(primary_key=True, foreign_key="payments.id")
    number: int = Field(primary_key=True)
    amount: int = columns.amount()
    created_at: datetime = columns.created_at()
