"""Categories, products and stock."""

from __future__ import annotations

from typing import Any

from api.schemas.base import MONEY_EXAMPLE, Moment, Money, Schema, example
from core.domain.backorders import BackorderPolicy

_CATEGORY = {
    "id": "cat_01jd7x9k2me8kv1qzr5t0w3y4b",
    "name": "T-shirts",
    "slug": "t-shirts",
    "parent_id": None,
}
PRODUCT_EXAMPLE = {
    "id": "prd_01jd7x9k2me8kv1qzr5t0w3y4b",
    "name": "Plain tee",
    "slug": "plain-tee",
    "description": "Heavy cotton, cut straight.",
    "vendor_id": "ven_01jd7x9k2me8kv1qzr5t0w3y4b",
    "status": "published",
    "category_ids": ["cat_01jd7x9k2me8kv1qzr5t0w3y4b"],
    "media": [
        {
            "id": "med_01jd7x9k2me8kv1qzr5t0w3y4b",
            "url": "https://media.perdure.dev/tee.jpg",
            "alt": "A black tee",
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
    model_config = example(_CATEGORY)

    id: str
    name: str
    slug: str
    parent_id: str | None


class Media(Schema):
    id: str
    url: str
    alt: str


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


class Product(Schema):
    model_config = example(PRODUCT_EXAMPLE)

    id: str
    name: str
    slug: str
    description: str
    vendor_id: str
    status: str
    category_ids: list[str]
    media: list[Media]
    variants: list[Variant]


class CategoryPage(Schema):
    model_config = example({"data": [_CATEGORY], "next_cursor": None})

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
