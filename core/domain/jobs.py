"""Jobs before there is a database: what they do, and the shape of what was wrong."""

from __future__ import annotations

from enum import StrEnum


class JobKind(StrEnum):
    IMPORT_PRODUCTS = "import_products"
    EXPORT_PRODUCTS = "export_products"
    CHANGE_PRODUCTS = "change_products"
    CHANGE_ORDERS = "change_orders"


class ProductDeed(StrEnum):
    """What a bulk action does with products."""

    PUBLISH = "publish"
    ARCHIVE = "archive"
    CHANGE_PRICES = "change_prices"


class OrderDeed(StrEnum):
    """What a bulk action asks the workflows of orders for."""

    CANCEL = "cancel"
    HOLD = "hold"
    RELEASE = "release"
