"""Categories, products and stock."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.schemas.base import MONEY_EXAMPLE, Moment, Money, Schema, example
from core.domain.backorders import BackorderPolicy

CATEGORY_EXAMPLE = {
    "id": "cat_01jd7x9k2me8kv1qzr5t0w3y4b",
    "name": "T-shirts",
    "slug": "t-shirts",
    "parent_id": None,
    "description": "Short sleeves, long lives.",
    "position": 0,
    "path": "clothing/t-shirts",
}
PRODUCT_EXAMPLE: dict[str, Any] = {
    "id": "prd_01jd7x9k2me8kv1qzr5t0w3y4b",
    "name": "Plain tee",
    "slug": "plain-tee",
    "description": "Heavy cotton, cut straight.",
    "vendor_id": "ven_01jd7x9k2me8kv1qzr5t0w3y4b",
    "status": "published",
    "options": [{"name": "color", "values": ["black"]}, {"name": "size", "values": ["M", "L"]}],
    "attributes": {"material": "cotton"},
    "category_ids": ["cat_01jd7x9k2me8kv1qzr5t0w3y4b"],
    "media": [
        {
            "id": "med_01jd7x9k2me8kv1qzr5t0w3y4b",
            "url": "https://media.perdure.dev/tee.jpg",
            "alt": "A black tee",
            "width": 1600,
            "height": 1200,
            "thumbnails": {"480": "https://media.perdure.dev/tee-480.webp"},
        }
    ],
    "variants": [
        {
            "id": "var_01jd7x9k2me8kv1qzr5t0w3y4b",
            "sku": "TEE-BLK-M",
            "title": "Black, M",
            "price": MONEY_EXAMPLE,
            "attributes": {"color": "black", "size": "M"},
            "available": 42,
            "backorder_policy": "backorder",
            "promised_at": "2026-12-01T00:00:00Z",
        }
    ],
}
_STOCK = {
    "sku": "TEE-BLK-M",
    "available": 42,
    "by_warehouse": [
        {
            "warehouse_id": "whs_01jd7x9k2me8kv1qzr5t0w3y4b",
            "on_hand": 50,
            "reserved": 8,
            "available": 42,
        }
    ],
}


class Category(Schema):
    """``path`` has the slugs from the top down; ``position`` orders those of one parent."""

    model_config = example(CATEGORY_EXAMPLE)

    id: str
    name: str
    slug: str
    parent_id: str | None
    description: str
    position: int
    path: str


class Media(Schema):
    """A picture; ``thumbnails`` are smaller ones by their width, all lengths in pixels.

    The size is not known of pictures that were not uploaded here.
    """

    id: str
    url: str
    alt: str
    width: int | None = None
    height: int | None = None
    thumbnails: dict[str, str] = Field(default_factory=dict)


class Variant(Schema):
    """``available`` units lie in stock; ``price`` is of one unit, tax excluded.

    With ``backorder`` more can be ordered, and with ``preorder`` any number before the sale begins:
    those units are expected to leave at ``promised_at``.
    """

    id: str
    sku: str
    title: str
    price: Money
    attributes: dict[str, Any]
    available: int
    backorder_policy: BackorderPolicy = BackorderPolicy.DENY
    promised_at: Moment | None = None


class Option(Schema):
    """What variants are told apart by."""

    name: str
    values: list[str]


class Product(Schema):
    """``attributes`` are what all of its variants have in common."""

    model_config = example(PRODUCT_EXAMPLE)

    id: str
    name: str
    slug: str
    description: str
    vendor_id: str
    status: str
    options: list[Option]
    attributes: dict[str, Any]
    category_ids: list[str]
    media: list[Media]
    variants: list[Variant]


class CategoryPage(Schema):
    model_config = example({"data": [CATEGORY_EXAMPLE], "next_cursor": None})

    data: list[Category]
    next_cursor: str | None


class ProductPage(Schema):
    model_config = example({"data": [PRODUCT_EXAMPLE], "next_cursor": None})

    data: list[Product]
    next_cursor: str | None


class WarehouseStock(Schema):
    warehouse_id: str
    on_hand: int
    reserved: int
    available: int


class Stock(Schema):
    """``by_warehouse`` is for staff only, and absent for everybody else."""

    model_config = example(_STOCK)

    sku: str
    available: int
    by_warehouse: list[WarehouseStock] | None = None
