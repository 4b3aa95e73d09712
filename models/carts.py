"""What somebody means to buy, kept until it is ordered or forgotten."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models import columns


class CartStatus(StrEnum):
    ACTIVE = "active"
    MERGED = "merged"
    ORDERED = "ordered"


class Cart(SQLModel, table=True):
    """A guest's has a token, of which the SHA-256 is kept; a customer's has its customer."""

    __tablename__ = "carts"
    __table_args__ = (
        columns.one_of("status", CartStatus),
        CheckConstraint("token_hash IS NOT NULL OR customer_id IS NOT NULL", name="has_an_owner"),
        Index(
            "uq_carts_customer_id",
            "customer_id",
            unique=True,
            postgresql_where=text("status = 'active' AND customer_id IS NOT NULL"),
        ),
        Index("ix_carts_expires_at", "expires_at"),
    )

    id: str = Field(primary_key=True)
    token_hash: str | None = None
    customer_id: str | None = None
    currency: str = Field(max_length=3)
    status: str
    version: int = columns.count()
    """Counts the changes: the cart's ``ETag``."""
    order_id: str | None = None
    promotion_code: str | None = None
    expires_at: datetime = columns.timestamp(nullable=False)
    """From then on it is as if it were not there; each change moves it on."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class CartItem(SQLModel, table=True):
    __tablename__ = "cart_items"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    cart_id: str = Field(primary_key=True, foreign_key="carts.id")
    sku: str = Field(primary_key=True)
    quantity: int
    added_at: datetime = columns.created_at()
