"""Units in warehouses, the promises made on them, and the ledger of their movements."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Identity, Index, text
from sqlmodel import Field, SQLModel

from core.domain.statuses import BackorderStatus, HoldStatus, ReservationStatus
from models import columns


class TransferStatus(StrEnum):
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    CANCELED = "canceled"


class Warehouse(SQLModel, table=True):
    __tablename__ = "warehouses"

    id: str = Field(primary_key=True)
    name: str
    country: str = Field(max_length=2)
    priority: int = Field(default=0)
    """A lower number is asked first."""
    region: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    """Degrees (WGS 84), for the nearest warehouse."""
    created_at: datetime = columns.created_at()


class Stock(SQLModel, table=True):
    """``on_hand`` units lie there, ``reserved`` of them are promised."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("reserved <= on_hand", name="reserved_within_on_hand"),
        Index("ix_stock_sku", "sku"),
        # Reservations change one counter: room on the page keeps those updates heap-only.
        {"postgresql_with": {"fillfactor": "50"}},
    )

    warehouse_id: str = Field(primary_key=True, foreign_key="warehouses.id")
    sku: str = Field(primary_key=True, foreign_key="variants.sku")
    on_hand: int
    reserved: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    turns: int = columns.count()
    """How often the last free unit went or the first came back; a trigger counts and tells it."""


class StockMovement(SQLModel, table=True):
    """Append-only: ``on_hand`` is the sum of its movements. ``reference`` makes each unique."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        ForeignKeyConstraint(["warehouse_id", "sku"], ["stock.warehouse_id", "stock.sku"]),
        Index("ix_stock_movements_warehouse_id_sku", "warehouse_id", "sku"),
    )

    id: int | None = Field(
        default=None,
        sa_type=BigInteger,
        primary_key=True,
        sa_column_args=[Identity(always=True)],
    )
    warehouse_id: str
    sku: str
    delta: int
    reason: str
    reference: str = Field(unique=True)
    actor: str
    created_at: datetime = columns.created_at()


class Hold(SQLModel, table=True):
    """Units kept for a customer until a deadline, before there is an order."""

    __tablename__ = "holds"
    __table_args__ = (
        columns.one_of("status", HoldStatus),
        Index("ix_holds_owner_id", "owner_id", "id"),
    )

    id: str = Field(primary_key=True)
    owner_id: str
    status: str
    expires_at: datetime = columns.timestamp(nullable=False)
    order_id: str | None = None
    created_at: datetime = columns.created_at()


class ReservationLine(SQLModel, table=True):
    """So many units of one stock row, promised to a hold or an order."""

    __tablename__ = "reservation_lines"
    __table_args__ = (
        columns.one_of("status", ReservationStatus),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("order_id IS NOT NULL OR hold_id IS NOT NULL", name="has_an_owner"),
        ForeignKeyConstraint(["warehouse_id", "sku"], ["stock.warehouse_id", "stock.sku"]),
        Index(
            "uq_reservation_lines_order",
            "order_id",
            "warehouse_id",
            "sku",
            "shipment_id",
            unique=True,
            postgresql_where=text("order_id IS NOT NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "uq_reservation_lines_hold",
            "hold_id",
            "warehouse_id",
            "sku",
            unique=True,
            postgresql_where=text("hold_id IS NOT NULL"),
        ),
        Index(
            "ix_reservation_lines_open",
            "warehouse_id",
            "sku",
            postgresql_where=text("status IN ('held', 'committed')"),
        ),
    )

    id: int | None = Field(
        default=None,
        sa_type=BigInteger,
        primary_key=True,
        sa_column_args=[Identity(always=True)],
    )
    order_id: str | None = None
    hold_id: str | None = Field(default=None, foreign_key="holds.id")
    shipment_id: str | None = Field(default=None, index=True)
    """The parcel that carries it; NULL until the order is planned."""
    warehouse_id: str
    sku: str
    quantity: int
    status: str
    expires_at: datetime | None = columns.timestamp()
    """The deadline while ``held`` by a hold or a challenge; NULL while a workflow is at work."""
    created_at: datetime = columns.created_at()


class Backorder(SQLModel, table=True):
    """Units of an order that no warehouse has yet; they are given the next stock, oldest first."""

    __tablename__ = "backorders"
    __table_args__ = (
        columns.one_of("status", BackorderStatus),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index(
            "ix_backorders_waiting",
            "sku",
            "created_at",
            "order_id",
            postgresql_where=text("status = 'waiting'"),
        ),
    )

    order_id: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    number: int = Field(primary_key=True, default=1)
    """Counts the parts of one item: what arrives may be less than what waits."""
    quantity: int
    status: str
    promised_at: datetime | None = columns.timestamp()
    created_at: datetime = columns.created_at()


class StockTransfer(SQLModel, table=True):
    """Units on their way from one warehouse to another: gone there, not here yet."""

    __tablename__ = "stock_transfers"
    __table_args__ = (columns.one_of("status", TransferStatus),)

    id: str = Field(primary_key=True)
    from_warehouse_id: str = Field(foreign_key="warehouses.id")
    to_warehouse_id: str = Field(foreign_key="warehouses.id")
    status: str
    items: list[dict[str, Any]] = columns.document()
    """``sku`` and ``quantity``."""
    actor: str
    reason: str
    created_at: datetime = columns.created_at()
    ended_at: datetime | None = columns.timestamp()
