"""The tags of cached answers: who makes an answer names them, who follows changes bumps them."""

from __future__ import annotations

PRODUCTS = "products"
"""Every list of products."""
SHOP = "shop"
"""Whatever shows vendors or categories, or leaves out what is not on sale because of them."""
SEARCH = "search"
"""Every answer of the search; it is bumped after the index has the change."""


def product(product_id: str) -> str:
    """The page of one product."""
    return f"product:{product_id}"
