"""A search in Meilisearch's words, and its counts in ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.meilisearch_documents import plain
from search.queries import Facet, SearchQuery, Sort

_FACETS = {Facet.CATEGORY: "category_ids", Facet.VENDOR: "vendor_id"}


def asked_for(query: SearchQuery) -> tuple[str, dict[str, Any]]:
    """Return the words, and the other parameters of a search."""
    text = plain(query.text)
    options: dict[str, Any] = {
        "offset": query.offset,
        "limit": query.limit,
        "attributesToRetrieve": ["id"],
        # Whoever orders by price wants what they asked for, cheapest first, and nothing else.
        "matchingStrategy": "last" if query.sort is Sort.RELEVANCE else "all",
    }
    filters = _filters(query)
    if filters:
        options["filter"] = filters
    order = _order(query, has_words=bool(text))
    if order:
        options["sort"] = order
    if query.facets:
        options["facets"] = [_FACETS[facet] for facet in query.facets]
    return text, options


def facet_counts(
    query: SearchQuery, distribution: Mapping[str, Mapping[str, int]]
) -> Mapping[Facet, Mapping[str, int]]:
    """Return the counts of the facets that were asked for."""
    return {facet: dict(distribution.get(_FACETS[facet], {})) for facet in query.facets}


def quoted(value: str) -> str:
    """Return a value as a filter has it: between quotes, which it cannot leave."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _filters(query: SearchQuery) -> list[str]:
    """All of them hold. One price of a product has to be within both bounds, hence ``TO``."""
    found = []
    if query.category_id is not None:
        found.append(f"category_ids = {quoted(query.category_id)}")
    if query.vendor_id is not None:
        found.append(f"vendor_id = {quoted(query.vendor_id)}")
    if query.in_stock is not None:
        found.append(f"in_stock = {str(query.in_stock).lower()}")
    price = f"prices.{query.currency}"
    match query.min_price, query.max_price:
        case int(lowest), int(highest):
            found.append(f"{price} {lowest} TO {highest}")
        case int(lowest), None:
            found.append(f"{price} >= {lowest}")
        case None, int(highest):
            found.append(f"{price} <= {highest}")
    return found


def _order(query: SearchQuery, *, has_words: bool) -> list[str]:
    match query.sort:
        case Sort.PRICE_ASC:
            return [f"price_from.{query.currency}:asc", "id:asc"]
        case Sort.PRICE_DESC:
            return [f"price_from.{query.currency}:desc", "id:asc"]
        case Sort.NEWEST:
            return ["created_at:desc", "id:asc"]
    return [] if has_words else ["created_at:desc", "id:asc"]
