"""A product as Meilisearch is given it, and names to complete as its facets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from search.documents import ProductDocument
from search.words import fold, singular, words

_END = "\t"
"""Between the parts of a facet's value; no name has it."""
_LONGEST_NAME = 100
"""Letters of a name in a facet's value, of which Meilisearch keeps some hundred bytes."""
_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxz")


def to_meilisearch(document: ProductDocument) -> Mapping[str, Any]:
    """Return the JSON document; what is equal for us is equal there."""
    return {
        "id": document.id,
        "name": document.name,
        "description": document.description,
        "vendor_id": document.vendor_id,
        "vendor_name": document.vendor_name,
        "vendor_keys": list(keys_of(document.vendor_id, document.vendor_name)),
        "category_ids": list(document.category_ids),
        "category_names": list(document.category_names),
        "category_keys": [
            key
            for each_id, name in zip(document.category_ids, document.category_names, strict=True)
            for key in keys_of(each_id, name)
        ],
        "skus": list(document.skus),
        "variant_titles": list(document.variant_titles),
        "attribute_values": list(document.attribute_values),
        "other_forms": list(_other_forms(document)),
        "prices": {currency: list(amounts) for currency, amounts in document.prices.items()},
        "price_from": dict(document.price_from),
        "in_stock": document.in_stock,
        "created_at": document.created_at,
        "checksum": document.checksum,
    }


def keys_of(named_id: str, name: str) -> Sequence[str]:
    """Return a value for each word of a name that begins with it, and ends with name and id.

    Meilisearch completes a facet's value from its beginning only, by one word.
    """
    short = name.replace(_END, " ")[:_LONGEST_NAME]
    found = words(short)
    return [_END.join((" ".join(found[place:]), short, named_id)) for place in range(len(found))]


def completed(key: str, beginning: str) -> tuple[str, str] | None:
    """Return name and id of a facet's value that begins so; None for any other."""
    parts = key.split(_END)
    if len(parts) != 3 or not parts[0].startswith(beginning):  # noqa: PLR2004  # as keys_of made it
        return None
    return parts[1], parts[2]


def begins_inside(name: str, beginning: str) -> bool:
    """Tell whether the name, from one of its words on, begins so."""
    found = words(name)
    return any(" ".join(found[place:]).startswith(beginning) for place in range(len(found)))


def plain(text: str) -> str:
    """Return a text as words alone: quotes and a minus would be operators to Meilisearch."""
    return " ".join(words(fold(text)))


def _other_forms(document: ProductDocument) -> Sequence[str]:
    texts = (
        document.name,
        *document.category_names,
        *document.variant_titles,
        *document.attribute_values,
    )
    present = {word for text in texts for word in words(text)}
    return sorted(set(_singulars_and_plurals(present)) - present)


def _singulars_and_plurals(present: Iterable[str]) -> Iterable[str]:
    for word in present:
        if word.isalpha():
            yield singular(word)
            yield _plural(singular(word))


def _plural(word: str) -> str:
    """Return the regular plural of an English word."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] in _CONSONANTS:
        return f"{word[:-1]}ies"
    if word.endswith("fe"):
        return f"{word[:-2]}ves"
    return f"{word[:-1]}ves" if word.endswith("lf") else f"{word}s"
