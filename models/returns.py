"""Goods that come back, and what their customer gets for them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from core.domain.statuses import ReturnStatus
from models import columns


class Return(SQLModel, table=True):
    """One request; ``refund_amount`` is what its inspection was worth, minor units."""

    __tablename__ = "returns"
    __table_args__ = (
        columns.one_of("status", ReturnStatus),
        Index("ix_returns_order_id", "order_id", "id"),
        Index("ix_returns_status", "status", "id"),
    )

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id")
    customer_id: str
    status: str
    deadline_at: datetime | None = columns.timestamp()
    """By when the next step is due; then the return expires, or staff is asked."""
    rejection_reason: str | None = None
    tracking_number: str | None = None
    warehouse_id: str | None = None
    """Where it was received."""
    refund_id: str | None = None
    refund_amount: int = columns.amount_or_zero()
    refund_shipping: bool = columns.flag()
    """The shipping fee goes back too: everything came back, and it was the shop's fault."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class ReturnCondition(StrEnum):
    SELLABLE = "sellable"
    DAMAGED = "damaged"


class ReturnItem(SQLModel, table=True):
    """Units of one item; ``exchange_sku`` is what is wanted for them instead of money."""

    __tablename__ = "return_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint(
            "sellable_quantity >= 0 AND damaged_quantity >= 0"
            " AND sellable_quantity + damaged_quantity <= quantity",
            name="received_within_quantity",
        ),
    )

    return_id: str = Field(primary_key=True, foreign_key="returns.id")
    item_id: str = Field(primary_key=True, foreign_key="order_items.id")
    quantity: int
    reason: str
    exchange_sku: str | None = None
    sellable_quantity: int = columns.count()
    damaged_quantity: int = columns.count()
