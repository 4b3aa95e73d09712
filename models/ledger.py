"""The ledger: postings and their entries, append-only, balanced by a trigger at every commit."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, Index, text
from sqlmodel import Field, SQLModel

from core.domain.ledger import Account, PostingKind
from models import columns


class LedgerPosting(SQLModel, table=True):
    """Something that happened to money, once per business key. No posting is ever changed."""

    __tablename__ = "ledger_postings"
    __table_args__ = (
        columns.one_of("kind", PostingKind),
        Index("ix_ledger_postings_order_id", "order_id"),
        Index("ix_ledger_postings_posted_at", "posted_at", "key"),
    )

    key: str = Field(primary_key=True)
    kind: str
    currency: str = Field(max_length=3)
    order_id: str | None = None
    reference: str
    posted_at: datetime = columns.created_at()


class LedgerEntry(SQLModel, table=True):
    """One leg; ``amount`` in minor units, debits positive. They add up to zero per posting."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        columns.one_of("account", Account),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        Index(
            "ix_ledger_entries_balance",
            "account",
            "holder",
            "currency",
            "posted_on",
            postgresql_include=["amount"],
        ),
    )

    posting_key: str = Field(primary_key=True, foreign_key="ledger_postings.key")
    position: int = Field(primary_key=True)
    account: str
    holder: str
    item_id: str | None = None
    """The order item that it is for, in a sale and in what takes a sale back."""
    currency: str = Field(max_length=3)
    amount: int = columns.amount()
    posted_on: date = Field(
        default=None,
        sa_type=Date,
        sa_column_kwargs={"server_default": text("(now() AT TIME ZONE 'UTC')::date")},
        nullable=False,
    )
    """The day in UTC."""
