"""Parcels, one for each vendor and warehouse of an order."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from core.domain.statuses import ShipmentStatus
from models import columns


class ShipmentPurpose(StrEnum):
    ORDER = "order"
    REPLACEMENT = "replacement"
    """For a parcel that was lost or came back: it costs the customer nothing."""
    EXCHANGE = "exchange"
    """Goods in exchange for a return; its capture is what they cost more."""


class Shipment(SQLModel, table=True):
    __tablename__ = "shipments"
    __table_args__ = (
        columns.one_of("status", ShipmentStatus),
        columns.one_of("purpose", ShipmentPurpose),
        Index("uq_shipments_order_id_number", "order_id", "number", unique=True),
        Index(
            "uq_shipments_carrier_shipment",
            "carrier",
            "carrier_shipment_id",
            unique=True,
            postgresql_where=text("carrier_shipment_id IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id")
    number: int
    """Counts the shipments of an order from 1; the number of its capture too."""
    vendor_id: str
    warehouse_id: str
    status: str
    capture_amount: int = columns.amount()
    """Its share of the order's total, minor units; the shares of an order add up to the total."""
    carrier: str | None = None
    carrier_shipment_id: str | None = None
    tracking_number: str | None = None
    label_url: str | None = None
    purpose: str = Field(
        default=ShipmentPurpose.ORDER,
        sa_column_kwargs={"server_default": ShipmentPurpose.ORDER.value},
    )
    replaces_id: str | None = None
    """The shipment that was lost or came back, or the return, that this one makes good."""
    accepted_at: datetime | None = columns.timestamp()
    """When its vendor promised to send it."""
    booking_at: datetime | None = columns.timestamp()
    """When the carrier was first asked: from then on the address is fixed."""
    dispatching_at: datetime | None = columns.timestamp()
    """When its capture and its hand-over began: from then on it cannot be canceled."""
    handed_over_at: datetime | None = columns.timestamp()
    delivered_at: datetime | None = columns.timestamp()
    failure: str | None = None
    """Why it did not arrive: ``lost``, ``refused``, ``damaged``."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class ShipmentItem(SQLModel, table=True):
    __tablename__ = "shipment_items"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    shipment_id: str = Field(primary_key=True, foreign_key="shipments.id")
    item_id: str = Field(primary_key=True, foreign_key="order_items.id")
    sku: str
    quantity: int


class ShipmentEvent(SQLModel, table=True):
    """What the carrier told, once per event of the carrier's."""

    __tablename__ = "shipment_events"

    shipment_id: str = Field(primary_key=True, foreign_key="shipments.id")
    event_id: str = Field(primary_key=True)
    status: str
    description: str
    location: str | None = None
    occurred_at: datetime = columns.timestamp(nullable=False)
