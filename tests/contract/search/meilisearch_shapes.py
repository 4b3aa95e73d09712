"""The shapes of what Meilisearch is sent, and its defaults (its OpenAPI document, 1.38)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contract.search.meilisearch_engine import RefusedError

TEXT, NUMBER, STRINGS, FILTER = str, int, [str], (str, list)
SEARCH = {
    "q": TEXT,
    "offset": NUMBER,
    "limit": NUMBER,
    "filter": FILTER,
    "facets": STRINGS,
    "sort": STRINGS,
    "matchingStrategy": ("last", "all", "frequency"),
    "attributesToRetrieve": STRINGS,
    "attributesToSearchOn": STRINGS,
}
SETTINGS = {
    "searchableAttributes": STRINGS,
    "filterableAttributes": STRINGS,
    "sortableAttributes": STRINGS,
    "rankingRules": STRINGS,
    "stopWords": STRINGS,
    "synonyms": dict,
    "typoTolerance": dict,
    "pagination": dict,
    "faceting": dict,
}
DEFAULTS: Mapping[str, Any] = {
    "searchableAttributes": ["*"],
    "filterableAttributes": [],
    "sortableAttributes": [],
    "rankingRules": ["words", "typo", "proximity", "attribute", "sort", "exactness"],
    "stopWords": [],
    "synonyms": {},
    "typoTolerance": {"enabled": True, "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9}},
    "pagination": {"maxTotalHits": 1000},
    "faceting": {"maxValuesPerFacet": 100},
}


def check(
    body: Any, shape: Mapping[str, Any], *, required: frozenset[str] | set[str] = frozenset()
) -> None:
    """Refuse a body with an unknown field, a missing one, or a value of another type."""
    if not isinstance(body, dict):
        raise RefusedError(400, "bad_request", "the body is no object")
    for name in required - body.keys():
        raise RefusedError(400, f"missing_{name}", f"{name} is missing")
    for name, value in body.items():
        if name not in shape:
            raise RefusedError(400, "bad_request", f"unknown field {name}")
        if not _fits(value, shape[name]):
            raise RefusedError(400, f"invalid_{name}", f"{name} is {value!r}")


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(value, list) and all(isinstance(one, wanted[0]) for one in value)
    if isinstance(wanted, tuple) and isinstance(wanted[0], str):
        return value in wanted
    if wanted is NUMBER:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, wanted)


def check_names(query: Mapping[str, str], names: set[str]) -> None:
    if query.keys() - names:
        raise RefusedError(400, "bad_request", f"unknown parameters {sorted(query)}")
