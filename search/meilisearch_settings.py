"""Settings of the index in Meilisearch, as code; every new index is given them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.queries import DEEPEST
from search.synonyms import expansions
from search.words import STOP_WORDS

PRIMARY_KEY = "id"
MOST_FACET_VALUES = 1_000
"""More categories or vendors than this are not counted in one answer."""

INDEX_SETTINGS: Mapping[str, Any] = {
    # What comes first is worth more. Meilisearch knows no plurals: other forms stand for them.
    "searchableAttributes": [
        "name",
        "skus",
        "category_names",
        "variant_titles",
        "attribute_values",
        "vendor_name",
        "other_forms",
        "description",
    ],
    # An object stands for all that is in it: ``prices`` for ``prices.USD``.
    "filterableAttributes": [
        "id",
        "category_ids",
        "category_keys",
        "vendor_id",
        "vendor_keys",
        "in_stock",
        "prices",
    ],
    "sortableAttributes": ["id", "created_at", "price_from"],
    # Who asks for an order gets it: relevance decides among equals only.
    "rankingRules": [
        "sort",
        "words",
        "typo",
        "proximity",
        "attribute",
        "exactness",
        "created_at:desc",
    ],
    "stopWords": sorted(STOP_WORDS),
    "synonyms": {term: list(others) for term, others in expansions().items()},
    "typoTolerance": {
        "enabled": True,
        "minWordSizeForTypos": {"oneTypo": 4, "twoTypos": 8},
        "disableOnAttributes": ["skus"],
        "disableOnNumbers": True,
    },
    "pagination": {"maxTotalHits": DEEPEST},
    "faceting": {"maxValuesPerFacet": MOST_FACET_VALUES},
}


def differs(present: Mapping[str, Any], wanted: Mapping[str, Any] = INDEX_SETTINGS) -> bool:
    """Tell whether some setting of ours is not as wanted; others are not looked at."""
    for name, value in wanted.items():
        found = present.get(name)
        if isinstance(value, Mapping) and isinstance(found, Mapping):
            if differs(found, value):
                return True
        elif found != value:
            return True
    return False
