"""What vendors are paid, for which sales, and who approved it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from core.domain.statuses import SettlementStatus
from models import columns


class CommissionRule(SQLModel, table=True):
    """The platform's part of a sale; the rule of vendor and category beats one of them alone."""

    __tablename__ = "commission_rules"
    __table_args__ = (
        CheckConstraint("basis_points BETWEEN 0 AND 10000", name="is_a_share"),
        Index(
            "uq_commission_rules_target",
            text("coalesce(vendor_id, '')"),
            text("coalesce(category_id, '')"),
            unique=True,
            postgresql_where=text("active"),
        ),
    )

    id: str = Field(primary_key=True)
    vendor_id: str | None = Field(default=None, foreign_key="vendors.id")
    category_id: str | None = Field(default=None, foreign_key="categories.id")
    basis_points: int
    active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    version: int = columns.count()
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class Settlement(SQLModel, table=True):
    """What one vendor is owed in one currency up to a moment; minor units."""

    __tablename__ = "settlements"
    __table_args__ = (
        columns.one_of("status", SettlementStatus),
        Index("uq_settlements_period", "vendor_id", "currency", "period_end_at", unique=True),
        Index("ix_settlements_status", "status", "id"),
        Index(
            "uq_settlements_provider_transfer",
            "provider",
            "provider_transfer_id",
            unique=True,
            postgresql_where=text("provider_transfer_id IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    vendor_id: str = Field(foreign_key="vendors.id")
    currency: str = Field(max_length=3)
    period_start_at: datetime = columns.timestamp(nullable=False)
    period_end_at: datetime = columns.timestamp(nullable=False)
    status: str
    sales_amount: int = columns.amount(0)
    commission_amount: int = columns.amount(0)
    refunds_amount: int = columns.amount(0)
    disputes_amount: int = columns.amount(0)
    adjustments_amount: int = columns.amount(0)
    amount: int = columns.amount(0)
    """What is paid: the sum of its lines."""
    opening_amount: int = columns.amount_or_zero()
    """What the vendor was owed and not paid when the period began."""
    carried_amount: int = columns.amount_or_zero()
    """What the vendor is owed at its end and is not payable yet: the next one begins with it."""
    created_by: str = Field(default="system", sa_column_kwargs={"server_default": "system"})
    attempt: int = columns.count()
    """Of the transfer: each one that failed and is tried again has its own reference."""
    approvals_needed: int = columns.count()
    provider: str | None = None
    destination: str | None = None
    """The provider's id of the vendor's account."""
    provider_transfer_id: str | None = None
    failure: str | None = None
    version: int = columns.count()
    created_at: datetime = columns.created_at()
    approved_at: datetime | None = columns.timestamp()
    paid_at: datetime | None = columns.timestamp()
    updated_at: datetime = columns.created_at()


class SettlementLine(SQLModel, table=True):
    """An entry of the ledger that a settlement pays; each entry is paid once."""

    __tablename__ = "settlement_lines"
    __table_args__ = (
        ForeignKeyConstraint(
            ["posting_key", "position"], ["ledger_entries.posting_key", "ledger_entries.position"]
        ),
        Index("uq_settlement_lines_entry", "posting_key", "position", unique=True),
    )

    settlement_id: str = Field(primary_key=True, foreign_key="settlements.id")
    posting_key: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    kind: str
    """A ``core.domain.ledger.PostingKind``."""
    order_id: str | None = None
    amount: int = columns.amount()
    """What it adds to the payment, minor units."""


class SettlementApproval(SQLModel, table=True):
    """One person's approval; two different people are needed above a limit."""

    __tablename__ = "settlement_approvals"

    settlement_id: str = Field(primary_key=True, foreign_key="settlements.id")
    actor: str = Field(primary_key=True)
    at: datetime = columns.created_at()
