"""Orders, what they were asked to be, and everything that happened to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Sequence, text
from sqlmodel import Field, SQLModel

from core.domain.allocation import AllocationStrategy
from core.domain.catalogue_events import CatalogueEvent
from core.domain.statuses import FulfillmentStatus, OrderStatus, PaymentStatus
from models import columns

ORDER_NUMBERS = Sequence("order_numbers", start=100_001, metadata=SQLModel.metadata)


class CheckoutDraft(SQLModel, table=True):
    """What a caller asked for, priced, under the id that its order will have.

    Written with the claim of the idempotency key; the checkout workflow makes the order from it.
    A draft promises nothing: one whose workflow was never started is not an order.
    """

    __tablename__ = "checkout_drafts"
    __table_args__ = (Index("ix_checkout_drafts_customer_id", "customer_id", "order_id"),)

    order_id: str = Field(primary_key=True)
    number: int = Field(
        sa_type=BigInteger,
        sa_column_kwargs={"server_default": ORDER_NUMBERS.next_value()},
    )
    customer_id: str
    cart: dict[str, Any] = columns.document()
    """The shape of ``models.repositories.drafts.Cart``."""
    created_at: datetime = columns.created_at()


class Order(SQLModel, table=True):
    __tablename__ = "orders"
    __table_args__ = (
        columns.one_of("status", OrderStatus),
        columns.one_of("payment_status", PaymentStatus),
        columns.one_of("fulfillment_status", FulfillmentStatus),
        columns.one_of("allocation", AllocationStrategy),
        CheckConstraint(
            "total_amount = subtotal_amount - discount_amount + shipping_amount"
            " + CASE WHEN tax_included THEN 0 ELSE tax_amount END",
            name="total_adds_up",
        ),
        CheckConstraint(
            "least(subtotal_amount, discount_amount, shipping_amount, tax_amount) >= 0",
            name="amounts_not_negative",
        ),
        Index("ix_orders_customer_id_id", "customer_id", "id"),
        Index("ix_orders_customer_id_status_id", "customer_id", "status", "id"),
        Index("ix_orders_email", text("lower(email)"), postgresql_where=text("email IS NOT NULL")),
        Index("ix_orders_waiting", "id", postgresql_where=text("waiting_for IS NOT NULL")),
        Index(
            "ix_orders_unfinished",
            "status",
            "id",
            postgresql_where=text(
                "status IN ('pending', 'requires_action', 'confirmed', 'processing', 'shipped')"
            ),
        ),
    )

    id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, unique=True)
    customer_id: str
    status: str
    payment_status: str
    fulfillment_status: str
    currency: str = Field(max_length=3)
    subtotal_amount: int = columns.amount()
    discount_amount: int = columns.amount()
    shipping_amount: int = columns.amount()
    tax_amount: int = columns.amount()
    total_amount: int = columns.amount()
    tax_included: bool = columns.flag()
    """The prices contain the tax: it is told, not added."""
    shipping_discount_amount: int = columns.amount_or_zero()
    """The part of the discount that is on the shipping; the rest is on the items."""
    shipping_tax_amount: int = columns.amount_or_zero()
    """The part of the tax that is on the shipping; the rest is on the items."""
    email: str | None = None
    """Where a guest is written to; a signed-in customer has an account."""
    allocation: str = Field(
        default=AllocationStrategy.FEWEST_SHIPMENTS,
        sa_column_kwargs={"server_default": AllocationStrategy.FEWEST_SHIPMENTS.value},
    )
    review: dict[str, Any] | None = columns.document(nullable=True)
    """Why a person has to look at it before it ships: ``reasons``, ``since``, ``deadline``."""
    cancel_requested_at: datetime | None = columns.timestamp()
    delivered_at: datetime | None = columns.timestamp()
    shipping_method: str
    shipping_address: dict[str, Any] = columns.document()
    next_action: dict[str, Any] | None = columns.document(nullable=True)
    failure: dict[str, Any] | None = columns.document(nullable=True)
    """Why the checkout failed: ``code`` and what the problem answer carries beside it."""
    waiting_for: dict[str, Any] | None = columns.document(nullable=True)
    """What a parked order waits for: the contract's ``waiting_for``."""
    version: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """The number of the last timeline entry."""
    workflow_id: str
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class ItemKind(StrEnum):
    ORDERED = "ordered"
    EXCHANGE = "exchange"
    """Given for a returned item: it is not part of the order's amounts."""


class OrderItem(SQLModel, table=True):
    __tablename__ = "order_items"
    __table_args__ = (
        columns.one_of("kind", ItemKind),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("canceled_quantity >= 0", name="canceled_not_negative"),
        CheckConstraint(
            "returned_quantity BETWEEN 0 AND quantity", name="returned_within_quantity"
        ),
        CheckConstraint("discount_amount BETWEEN 0 AND total_amount", name="discount_within_total"),
        Index("ix_order_items_sku", "sku"),
    )

    order_id: str = Field(primary_key=True, foreign_key="orders.id")
    position: int = Field(primary_key=True)
    id: str = Field(unique=True)
    sku: str
    variant_id: str
    vendor_id: str
    name: str
    quantity: int
    unit_price_amount: int = columns.amount()
    total_amount: int = columns.amount()
    tax_amount: int = columns.amount()
    discount_amount: int = columns.amount_or_zero()
    kind: str = Field(
        default=ItemKind.ORDERED, sa_column_kwargs={"server_default": ItemKind.ORDERED.value}
    )
    canceled_quantity: int = columns.count()
    """Units that were taken off the order; ``quantity`` does not count them any more."""
    returned_quantity: int = columns.count()
    """Units that came back and were credited; ``quantity`` still counts them."""


class TimelineRow(SQLModel, table=True):
    """Append-only; ``sequence`` counts from 1 within an order, without gaps."""

    __tablename__ = "order_timeline"

    order_id: str = Field(primary_key=True, foreign_key="orders.id")
    sequence: int = Field(primary_key=True)
    at: datetime = columns.created_at()
    type: str
    title: str
    detail: str
    actor: str


CATALOGUE_EVENTS = ", ".join(f"'{event}'" for event in CatalogueEvent)
"""As a list of SQL literals."""

THIS_TRANSACTION = "(pg_current_xact_id()::text::bigint)"


class OutboxEvent(SQLModel, table=True):
    """An event that is told to others if, and only if, its state change is committed.

    Its public id is ``derived_id("evt", aggregate_id, sequence)``: the same on every delivery.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_unpublished",
            "created_at",
            postgresql_where=text("published_at IS NULL"),
        ),
        Index(
            "ix_outbox_catalogue",
            "transaction_id",
            "position",
            postgresql_where=text(f"type IN ({CATALOGUE_EVENTS})"),
        ),
    )

    aggregate_id: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    position: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False)
    )
    transaction_id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, server_default=text(THIS_TRANSACTION), nullable=False),
    )
    """With ``position`` the order in which a consumer may read: what is below
    ``pg_snapshot_xmin`` is complete, so nothing that is committed late is passed over."""
    type: str
    payload: dict[str, Any] = columns.document()
    created_at: datetime = columns.created_at()
    published_at: datetime | None = columns.timestamp()


class OutboxConsumer(SQLModel, table=True):
    """How far one consumer has read the outbox: all that it has seen, in order."""

    __tablename__ = "outbox_consumers"

    name: str = Field(primary_key=True)
    transaction_id: int = Field(default=0, sa_type=BigInteger)
    position: int = Field(default=0, sa_type=BigInteger)
    updated_at: datetime = columns.created_at()
