"""Answers of the search."""

from __future__ import annotations

from api.schemas.base import Moment, Schema, example
from api.schemas.catalogue import PRODUCT_EXAMPLE, Product
from search.queries import SuggestionKind

_SUGGESTION = {"text": "Plain tee", "kind": "product", "id": "prd_01jd7x9k2me8kv1qzr5t0w3y4b"}


class SearchPage(Schema):
    """``facets`` counts the products found by id, for each facet that was asked for.

    ``took_ms`` is how long the search took when it was made: an answer may come from a cache.
    """

    model_config = example(
        {
            "data": [PRODUCT_EXAMPLE],
            "facets": {
                "category": {"cat_01jd7x9k2me8kv1qzr5t0w3y4b": 1},
                "vendor": {"ven_01jd7x9k2me8kv1qzr5t0w3y4b": 1},
            },
            "estimated_total": 1,
            "next_cursor": None,
            "took_ms": 7,
        }
    )

    data: list[Product]
    facets: dict[str, dict[str, int]]
    estimated_total: int
    next_cursor: str | None
    took_ms: int


class Suggestion(Schema):
    """``id`` is that of the product, category or vendor with this name."""

    model_config = example(_SUGGESTION)

    text: str
    kind: SuggestionKind
    id: str


class Suggestions(Schema):
    model_config = example({"data": [_SUGGESTION]})

    data: list[Suggestion]


class SearchToken(Schema):
    """``token`` is a bearer token for searches of ``index`` at ``url``, until it expires."""

    model_config = example(
        {
            "url": "https://search.example.com",
            "index": "products",
            "token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzZWFyY2hSdWxlcyI6e319.c2lnbmF0dXJl",
            "expires_at": "2026-11-23T09:15:00Z",
        }
    )

    url: str
    index: str
    token: str
    expires_at: Moment
