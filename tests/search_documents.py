"""Documents for tests of the search."""

from __future__ import annotations

from typing import Any

from core.domain.ids import Prefix, dated_id
from search.documents import ProductDocument


def product_id(name: str) -> str:
    return dated_id(Prefix.PRODUCT, 0, name)


def category_id(name: str) -> str:
    return dated_id(Prefix.CATEGORY, 0, name)


def vendor_id(name: str) -> str:
    return dated_id(Prefix.VENDOR, 0, name)


def document(
    name: str,
    *,
    categories: tuple[str, ...] = ("Things",),
    vendor: str = "Shop",
    price: int | None = 1000,
    **changes: Any,
) -> ProductDocument:
    """Return the document of a product; its id follows from its name."""
    places = sorted((category_id(each), each) for each in categories)
    fields: dict[str, Any] = {
        "id": product_id(name),
        "name": name,
        "slug": name.lower(),
        "description": "",
        "vendor_id": vendor_id(vendor),
        "vendor_name": vendor,
        "category_ids": tuple(id_ for id_, _ in places),
        "category_names": tuple(each for _, each in places),
        "skus": (),
        "variant_titles": (),
        "attribute_values": (),
        "prices": {} if price is None else {"USD": (price,)},
        "in_stock": True,
        "created_at": 1_700_000_000,
    }
    return ProductDocument(**{**fields, **changes})
