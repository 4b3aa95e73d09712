"""As much of Meilisearch's behaviour as the contract asks for: filters, order, counts, plain words.

Relevance, typos, synonyms and plurals are not here: the real server is asked for those.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.words import words

Document = Mapping[str, Any]
Test = Callable[[Document], bool]

_CONDITION = re.compile(
    r"""(?P<attribute>[\w.]+)\s+(?:
        (?P<low>\d+)\s+TO\s+(?P<high>\d+)
        | IN\s+\[(?P<many>.*)\]
        | (?P<operator>=|>=|<=|>|<)\s+(?P<value>"(?:[^"\\]|\\.)*"|[\w.-]+)
    )""",
    re.VERBOSE,
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


class RefusedError(Exception):
    """A 4xx answer with its documented code."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.status, self.code = status, code


@dataclass
class Index:
    uid: str
    primary_key: str | None = None
    documents: dict[str, Document] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        found = self._filtered(asked.get("filter"), "invalid_search_filter")
        typed = list(words(asked.get("q") or ""))
        matching = self._with_words(found, typed, asked)
        ordered = self._ordered(matching, asked.get("sort", []), "invalid_search_sort")
        offset, limit = asked.get("offset", 0), asked.get("limit", 20)
        most = self.settings.get("pagination", {}).get("maxTotalHits", 1000)
        page = ordered[:most][offset : offset + limit]
        answer = {
            "hits": [_only(one, asked.get("attributesToRetrieve", ["*"])) for one in page],
            "offset": offset,
            "limit": limit,
            "estimatedTotalHits": min(len(matching), most),
            "processingTimeMs": 0,
            "query": asked.get("q") or "",
        }
        if asked.get("facets"):
            answer["facetDistribution"] = self._counts(matching, asked["facets"])
            answer["facetStats"] = {}
        return answer

    def facet_search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """By the first word of the question alone, and from the beginning of the value."""
        name = asked["facetName"]
        self._allow(name, "filterableAttributes", "invalid_facet_search_facet_name")
        first = next(iter(words(asked.get("facetQuery") or "")), "")
        counted = self._counts(list(self.documents.values()), [name])[name]
        most = self.settings.get("faceting", {}).get("maxValuesPerFacet", 100)
        hits = [
            {"value": value, "count": count}
            for value, count in sorted(counted.items())
            if " ".join(words(value)).startswith(first)
        ]
        return {
            "facetHits": hits[:most],
            "facetQuery": asked.get("facetQuery"),
            "processingTimeMs": 0,
        }

    def fetch(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        found = self._filtered(asked.get("filter"), "invalid_document_filter")
        ordered = self._ordered(found, asked.get("sort", []), "invalid_document_sort")
        offset, limit = asked.get("offset", 0), asked.get("limit", 20)
        page = ordered[offset : offset + limit]
        return {
            "results": [_only(one, asked.get("fields", ["*"])) for one in page],
            "offset": offset,
            "limit": limit,
            "total": len(found),
        }

    def delete_where(self, expression: Any) -> int:
        gone = self._filtered(expression, "invalid_document_filter")
        for one in gone:
            del self.documents[str(one[self.primary_key or "id"])]
        return len(gone)

    def _filtered(self, expression: Any, code: str) -> list[Document]:
        tests = [self._test(one, code) for one in _conditions(expression)]
        return [one for one in self.documents.values() if all(test(one) for test in tests)]

    def _test(self, condition: str, code: str) -> Test:
        match = _CONDITION.fullmatch(condition.strip())
        if match is None:
            raise RefusedError(400, code, f"cannot parse {condition!r}")
        attribute = match["attribute"]
        self._allow(attribute, "filterableAttributes", code)
        if match["low"]:
            low, high = int(match["low"]), int(match["high"])
            return lambda one: any(low <= value <= high for value in _values(one, attribute))
        if match["many"] is not None:
            wanted = {_unescaped(value) for value in _QUOTED.findall(match["many"])}
            return lambda one: any(value in wanted for value in _values(one, attribute))
        value = _literal(match["value"])
        compare = _COMPARE[match["operator"]]
        return lambda one: any(
            type(each) is type(value) and compare(each, value) for each in _values(one, attribute)
        )

    def _with_words(
        self, found: Sequence[Document], typed: Sequence[str], asked: Mapping[str, Any]
    ) -> list[Document]:
        searched = self.settings.get("searchableAttributes", ["*"])
        chosen = asked.get("attributesToSearchOn", searched)
        if not set(chosen) <= set(searched):
            raise RefusedError(400, "invalid_search_attributes_to_search_on")
        wanted = [word for word in typed if word not in self.settings.get("stopWords", [])] or typed
        while True:
            matching = [one for one in found if _has_all(one, chosen, wanted)]
            if matching or len(wanted) <= 1 or asked.get("matchingStrategy", "last") == "all":
                return matching
            wanted = wanted[:-1]

    def _ordered(self, found: Iterable[Document], sort: Sequence[str], code: str) -> list[Document]:
        ordered = sorted(found, key=lambda one: -one.get("created_at", 0))
        for rule in reversed(sort):
            attribute, _, direction = rule.rpartition(":")
            if direction not in {"asc", "desc"}:
                raise RefusedError(400, code)
            self._allow(attribute, "sortableAttributes", code)
            present = [one for one in ordered if _values(one, attribute)]
            absent = [one for one in ordered if not _values(one, attribute)]
            present.sort(
                key=lambda one, name=attribute: _values(one, name)[0],  # type: ignore[misc]  # bound
                reverse=direction == "desc",
            )
            ordered = [*present, *absent]
        return ordered

    def _counts(
        self, found: Sequence[Document], facets: Sequence[str]
    ) -> dict[str, dict[str, int]]:
        for name in facets:
            self._allow(name, "filterableAttributes", "invalid_search_facets")
        return {
            name: dict(Counter(str(value) for one in found for value in _values(one, name)))
            for name in facets
        }

    def _allow(self, attribute: str, setting: str, code: str) -> None:
        """An object that is allowed allows what is in it."""
        allowed = self.settings.get(setting, [])
        if not any(attribute == one or attribute.startswith(f"{one}.") for one in allowed):
            raise RefusedError(400, code, f"{attribute} is not in {setting}")


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}


def _conditions(expression: Any) -> Sequence[str]:
    if expression is None:
        return []
    return [expression] if isinstance(expression, str) else expression


def _literal(word: str) -> Any:
    if word.startswith('"'):
        return _unescaped(word[1:-1])
    if word in {"true", "false"}:
        return word == "true"
    return int(word) if word.isdigit() else word


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def _values(document: Document, attribute: str) -> list[Any]:
    value: Any = document
    for part in attribute.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _has_all(document: Document, attributes: Iterable[str], wanted: Iterable[str]) -> bool:
    present = {
        word
        for attribute in attributes
        for value in _values(document, attribute)
        for word in words(str(value))
    }
    return all(any(word.startswith(one) for word in present) for one in wanted)


def _only(document: Document, fields: Sequence[str]) -> Document:
    if "*" in fields:
        return document
    return {name: value for name, value in document.items() if name in fields}
