"""What is sold: categories, products, variants and their prices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field, SQLModel

from core.domain.backorders import BackorderPolicy
from core.domain.products import Approval, ProductStatus
from models import columns


class MediaStatus(StrEnum):
    AWAITING_UPLOAD = "awaiting_upload"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    REMOVED = "removed"
    """Nobody sees it any more; its row goes when its files have gone."""


class VariantStatus(StrEnum):
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class Category(SQLModel, table=True):
    __tablename__ = "categories"

    id: str = Field(primary_key=True)
    parent_id: str | None = Field(default=None, foreign_key="categories.id", index=True)
    name: str
    slug: str = Field(unique=True)
    description: str = Field(default="", sa_column_kwargs={"server_default": ""})
    position: int = columns.count()
    """Among the children of one parent."""
    version: int = columns.count()
    """Counted by a trigger, which writes ``category.changed`` with it."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
    deleted_at: datetime | None = columns.timestamp()


class Product(SQLModel, table=True):
    __tablename__ = "products"
    __table_args__ = (
        columns.one_of("status", ProductStatus),
        columns.one_of("approval", Approval),
        Index("ix_products_status_id", "status", "id"),
        Index("ix_products_vendor_id", "vendor_id", "id"),
    )

    id: str = Field(primary_key=True)
    vendor_id: str = Field(foreign_key="vendors.id")
    name: str
    slug: str = Field(unique=True)
    description: str
    status: str
    options: list[dict[str, Any]] = columns.strings()
    """``name`` and the ``values`` that its variants are told apart by, in the order of the page."""
    attributes: dict[str, Any] = columns.mapping()
    """What all variants have in common: material, care."""
    approval: str = Field(
        default=Approval.NOT_REQUESTED,
        sa_column_kwargs={"server_default": Approval.NOT_REQUESTED.value},
    )
    approval_reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    version: int = columns.count()
    """Counted by a trigger, which writes ``product.changed`` with it; who changes a variant, a
    price, media or memberships updates ``updated_at`` in the same transaction."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
    deleted_at: datetime | None = columns.timestamp()


class ProductCategory(SQLModel, table=True):
    __tablename__ = "product_categories"

    product_id: str = Field(primary_key=True, foreign_key="products.id")
    category_id: str = Field(primary_key=True, foreign_key="categories.id", index=True)


class ProductMedia(SQLModel, table=True):
    """A picture of a product; only one that is ``ready`` is shown."""

    __tablename__ = "product_media"
    __table_args__ = (columns.one_of("status", MediaStatus),)

    id: str = Field(primary_key=True)
    product_id: str = Field(foreign_key="products.id", index=True)
    url: str = ""
    """Where it is read; empty until it is ready."""
    alt: str
    position: int
    status: str = Field(
        default=MediaStatus.READY, sa_column_kwargs={"server_default": MediaStatus.READY.value}
    )
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Why it was rejected, in words."""
    upload_key: str | None = None
    """The object that the uploader writes, and nobody reads but the workflow."""
    content_type: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    thumbnails: dict[str, str] = columns.mapping()
    """Address by width in pixels."""
    created_at: datetime = columns.created_at()
    upload_expires_at: datetime | None = columns.timestamp()


class Variant(SQLModel, table=True):
    """What a customer can put into a cart; its SKU never changes."""

    __tablename__ = "variants"
    __table_args__ = (
        columns.one_of("status", VariantStatus),
        columns.one_of("backorder_policy", BackorderPolicy),
        CheckConstraint("weight_grams >= 0", name="weight_not_negative"),
    )

    id: str = Field(primary_key=True)
    product_id: str = Field(foreign_key="products.id", index=True)
    sku: str = Field(unique=True)
    title: str
    attributes: dict[str, Any] = columns.document()
    status: str
    position: int
    weight_grams: int = columns.count()
    backorder_policy: str = Field(
        default=BackorderPolicy.DENY,
        sa_column_kwargs={"server_default": BackorderPolicy.DENY.value},
    )
    backorder_limit: int | None = None
    """The most units that may wait at once; None for any number."""
    promised_at: datetime | None = columns.timestamp()
    """When a back-ordered or pre-ordered unit is expected to leave."""
    low_stock_threshold: int | None = None
    """With fewer available units in all warehouses than this, people are told."""
    stock_alerts: int = columns.count()
    """Counts the events ``stock.low`` and ``stock.recovered``: odd while stock is low."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()


class VariantPrice(SQLModel, table=True):
    """The price of one unit in one currency; the buyer's country says whether it contains tax."""

    __tablename__ = "variant_prices"
    __table_args__ = (CheckConstraint("amount >= 0", name="not_negative"),)

    variant_id: str = Field(primary_key=True, foreign_key="variants.id")
    currency: str = Field(primary_key=True, max_length=3)
    amount: int = columns.amount()


class PricePeriod(SQLModel, table=True):
    """A price that holds for a time; while it runs it goes before that of ``variant_prices``."""

    __tablename__ = "price_periods"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="not_negative"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ends_after_start"),
        ExcludeConstraint(
            (text("(variant_id || currency)"), "="),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_price_periods_one_at_a_time",
            using="gist",
        ),
        # The constraint's index would be taken for reads too if it had these columns, and is slow.
        Index("ix_price_periods_variant_id", "variant_id", "currency", "starts_at"),
        Index("ix_price_periods_starts_at", "starts_at", postgresql_where=text("told = 0")),
        Index("ix_price_periods_ends_at", "ends_at", postgresql_where=text("told = 1")),
    )

    id: str = Field(primary_key=True)
    variant_id: str = Field(foreign_key="variants.id")
    currency: str = Field(max_length=3)
    amount: int = columns.amount()
    starts_at: datetime = columns.timestamp(nullable=False)
    ends_at: datetime | None = columns.timestamp()
    told: int = columns.count()
    """0 at first, 1 when its start is told by the product's event, 2 when all is told."""
    created_at: datetime = columns.created_at()


class TaxRate(SQLModel, table=True):
    """What countries' rates were before ``tax_rules``; nothing reads it any more."""

    __tablename__ = "tax_rates"
    __table_args__ = (CheckConstraint("basis_points BETWEEN 0 AND 10000", name="is_a_share"),)

    country: str = Field(primary_key=True, max_length=2)
    basis_points: int


class ShippingRate(SQLModel, table=True):
    """What fees were before ``shipping_options``; nothing reads it any more."""

    __tablename__ = "shipping_rates"
    __table_args__ = (CheckConstraint("amount >= 0", name="not_negative"),)

    method: str = Field(primary_key=True)
    currency: str = Field(primary_key=True, max_length=3)
    amount: int = columns.amount()


class TaxRule(SQLModel, table=True):
    """The rate of a country (ISO 3166-1 alpha-2), or of one of its regions (``region`` not empty).

    A region's rule goes before its country's.
    """

    __tablename__ = "tax_rules"
    __table_args__ = (CheckConstraint("basis_points BETWEEN 0 AND 10000", name="is_a_share"),)

    country: str = Field(primary_key=True, max_length=2)
    region: str = Field(primary_key=True, default="")
    basis_points: int
    prices_include_tax: bool = columns.flag()


EVERYWHERE = "zon_01jgfjjz00e008000000000000"
"""The zone of places that belong to no other; the migration makes it."""


class ShippingZone(SQLModel, table=True):
    __tablename__ = "shipping_zones"

    id: str = Field(primary_key=True)
    name: str


class ShippingZonePlace(SQLModel, table=True):
    """A country, or a region of it, belongs to one zone; ``*`` is everywhere else."""

    __tablename__ = "shipping_zone_places"

    country: str = Field(primary_key=True, max_length=2)
    region: str = Field(primary_key=True, default="")
    zone_id: str = Field(foreign_key="shipping_zones.id", index=True)


class ShippingOption(SQLModel, table=True):
    """The fee of a method in a zone, in one currency, from a weight (grams) on."""

    __tablename__ = "shipping_options"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="not_negative"),
        CheckConstraint("from_grams >= 0", name="weight_not_negative"),
    )

    method: str = Field(primary_key=True)
    zone_id: str = Field(primary_key=True, foreign_key="shipping_zones.id")
    currency: str = Field(primary_key=True, max_length=3)
    from_grams: int = Field(primary_key=True, default=0)
    amount: int = columns.amount()
