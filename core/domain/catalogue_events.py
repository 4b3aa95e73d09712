"""What changes in what is sold: events that searches and caches follow."""

from __future__ import annotations

from enum import StrEnum


class CatalogueEvent(StrEnum):
    """Wire names; triggers of the database write them with the change itself.

    The payload has the ``id`` (``sku`` for availability) of what changed and nothing else: whoever
    follows reads the present state.
    """

    PRODUCT_CHANGED = "product.changed"
    """The product, its variants, prices, media or memberships."""
    CATEGORY_CHANGED = "category.changed"
    VENDOR_CHANGED = "vendor.changed"
    AVAILABILITY_CHANGED = "stock.availability_changed"
    """In one warehouse the last unit of a SKU became taken, or one became free again."""
