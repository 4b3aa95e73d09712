"""What makes an order cheaper, and who has used it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from core.domain.promotions import PromotionKind, PromotionScope
from core.domain.statuses import PromotionUseStatus
from models import columns


class Promotion(SQLModel, table=True):
    """Without a code it applies by itself. Amounts are by currency, in minor units."""

    __tablename__ = "promotions"
    __table_args__ = (
        columns.one_of("kind", PromotionKind),
        columns.one_of("scope", PromotionScope),
        CheckConstraint("basis_points BETWEEN 0 AND 10000", name="is_a_share"),
        CheckConstraint("used >= 0", name="used_not_negative"),
        CheckConstraint("usage_limit IS NULL OR used <= usage_limit", name="used_within_limit"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ends_after_start"),
        Index("uq_promotions_code", text("upper(code)"), unique=True),
    )

    id: str = Field(primary_key=True)
    name: str
    code: str | None = None
    kind: str
    scope: str
    target_ids: list[str] = columns.document()
    """Products or categories of the scope; empty for the whole order."""
    basis_points: int | None = None
    amounts: dict[str, int] = columns.document()
    """The fixed discount by currency."""
    buy_quantity: int | None = None
    get_quantity: int | None = None
    """With ``buy_x_get_y``: of each ``buy + get`` units the cheapest ``get`` are reduced."""
    minimum_amounts: dict[str, int] = columns.document()
    """The least subtotal by currency; empty for any."""
    starts_at: datetime = columns.timestamp(nullable=False)
    ends_at: datetime | None = columns.timestamp()
    usage_limit: int | None = None
    usage_limit_per_customer: int | None = None
    used: int = columns.count()
    """Uses that are reserved or used: the number of such rows in ``promotion_uses``."""
    active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    version: int = columns.count()
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class PromotionUse(SQLModel, table=True):
    """Reserved by a checkout, used when it is confirmed, released when it fails or is canceled."""

    __tablename__ = "promotion_uses"
    __table_args__ = (
        columns.one_of("status", PromotionUseStatus),
        CheckConstraint("amount >= 0", name="not_negative"),
        Index("ix_promotion_uses_customer", "promotion_id", "customer_id"),
    )

    order_id: str = Field(primary_key=True, foreign_key="orders.id")
    promotion_id: str = Field(primary_key=True, foreign_key="promotions.id")
    customer_id: str
    """Who is counted: the customer, or the SHA-256 of a guest's e-mail address."""
    amount: int = columns.amount()
    currency: str = Field(max_length=3)
    status: str
    created_at: datetime = columns.created_at()
