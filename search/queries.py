"""What is asked of an index, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

DEEPEST = 1_000
"""Results end here, as Meilisearch's do by default: who wants more narrows the search."""


class Sort(StrEnum):
    RELEVANCE = "relevance"
    """Without words the newest first."""
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NEWEST = "newest"


class Facet(StrEnum):
    CATEGORY = "category"
    VENDOR = "vendor"


class SuggestionKind(StrEnum):
    PRODUCT = "product"
    CATEGORY = "category"
    VENDOR = "vendor"


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchQuery:
    """Words and filters; all filters hold at once.

    Every word has to be found, as it is, as the beginning of a word (the last one), as a synonym or
    with a typo; only when that gives too few products, some words may be missing, and products
    with more of the words come first.
    """

    text: str = ""
    category_id: str | None = None
    """The category and all below it."""
    vendor_id: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    """Minor units of ``currency``; a product is in the range when one of its variants is."""
    currency: str = "USD"
    """For the price filter and the order by price; products without a price in it come last."""
    in_stock: bool | None = None
    sort: Sort = Sort.RELEVANCE
    facets: Sequence[Facet] = ()
    offset: int = 0
    limit: int = 20
    """``offset + limit`` is at most ``DEEPEST``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    product_ids: Sequence[str]
    estimated_total: int
    facets: Mapping[Facet, Mapping[str, int]] = field(default_factory=dict)
    """Products by category id (a product counts for every category above it too) or vendor id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A completion; ``id`` is that of the product, category or vendor with this name."""

    text: str
    kind: SuggestionKind
    id: str
