"""How a document lies in PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from search.documents import ProductDocument
from search.queries import SuggestionKind
from search.words import other_forms, words

MAX_DESCRIPTION = 20_000
"""Characters of a description that are searched."""
_MAX_KEY = 200

_ADD_SHELVES = text("""
INSERT INTO search_shelves (key, vendor_id, category_ids)
SELECT DISTINCT ON (r.shelf) r.shelf, r.vendor_id, r.category_ids
FROM json_to_recordset(CAST(:rows AS json))
    AS r(shelf text, vendor_id text, category_ids text[])
WHERE NOT EXISTS (SELECT 1 FROM search_shelves s WHERE s.key = r.shelf)
ORDER BY r.shelf
ON CONFLICT DO NOTHING
""")
# What is there already is left alone before the row is touched, and so locked, for nothing.
_ADD_NAMES = text("""
INSERT INTO search_names (kind, id, name, key)
SELECT r.kind, r.id, r.name, r.key FROM json_to_recordset(CAST(:rows AS json))
    AS r(kind text, id text, name text, key text)
WHERE NOT EXISTS (SELECT 1 FROM search_names n
                  WHERE n.kind = r.kind AND n.id = r.id AND n.name = r.name)
ORDER BY r.kind, r.id
ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, key = excluded.key
""")
_ADD_WORDS = text("""
INSERT INTO search_words (word, lexeme)
SELECT n.word, (ts_lexize('perdure_stem', unaccent(n.word)))[1]
FROM unnest(CAST(:words AS text[])) AS n(word)
WHERE NOT EXISTS (SELECT 1 FROM search_words w WHERE w.word = n.word)
ORDER BY n.word COLLATE "C"
ON CONFLICT DO NOTHING
""")
_ADD_DOCUMENTS = {
    slot: text(f"""
INSERT INTO search_documents_{slot} AS d (product_id, terms, shelf, prices, currencies, lowest,
    highest, in_stock, created_at, name, name_key, name_words, checksum)
SELECT r.product_id, setweight(to_tsvector('perdure_search', r.a), 'A')
    || setweight(to_tsvector('perdure_search', r.b), 'B')
    || setweight(to_tsvector('perdure_search', r.c), 'C')
    || setweight(to_tsvector('perdure_search', r.d), 'D') || array_to_tsvector(r.skus),
    s.number, r.prices, r.currencies, r.lowest, r.highest, r.in_stock,
    r.created_at, r.name, r.name_key, r.name_words, r.checksum
FROM json_to_recordset(CAST(:rows AS json)) AS r(product_id text, a text, b text, c text, d text,
    skus text[], shelf text, prices jsonb, currencies text[], lowest bigint[], highest bigint[],
    in_stock boolean, created_at bigint, name text, name_key text, name_words integer,
    checksum text)
JOIN search_shelves s ON s.key = r.shelf
ORDER BY r.product_id
ON CONFLICT (product_id) DO UPDATE SET terms = excluded.terms, shelf = excluded.shelf,
    prices = excluded.prices, currencies = excluded.currencies, lowest = excluded.lowest,
    highest = excluded.highest, in_stock = excluded.in_stock, created_at = excluded.created_at,
    name = excluded.name, name_key = excluded.name_key, name_words = excluded.name_words,
    checksum = excluded.checksum
WHERE d.checksum <> excluded.checksum
""")
    for slot in ("a", "b")
}


async def write_documents(
    session: AsyncSession, documents: Sequence[ProductDocument], slots: Iterable[str]
) -> None:
    """Write documents into the tables of these slots; one that has not changed costs a look.

    Each statement takes its rows in the order of their keys, so two writers wait and never block
    each other. The caller holds the state.
    """
    latest = {document.id: document for document in documents}.values()
    rows = orjson.dumps([_row(document) for document in latest]).decode()
    names = {(kind, id_): name for each in latest for kind, id_, name in _names(each)}
    await session.execute(_ADD_SHELVES, {"rows": rows})
    await session.execute(
        _ADD_NAMES,
        {
            "rows": orjson.dumps(
                [
                    {"kind": kind, "id": id_, "name": name, "key": f" {name_key(name)}"}
                    for (kind, id_), name in names.items()
                ]
            ).decode()
        },
    )
    await session.execute(
        _ADD_WORDS, {"words": sorted({word for each in latest for word in _vocabulary(each)})}
    )
    for slot in slots:
        await session.execute(_ADD_DOCUMENTS[slot], {"rows": rows})


def name_key(name: str) -> str:
    """Return the folded words of a name with one space between them, cut at 200 characters."""
    return " ".join(words(name))[:_MAX_KEY]


def _row(document: ProductDocument) -> dict[str, Any]:
    named, described, sold_by, told = _texts(document)
    shelf = "\x1f".join((document.vendor_id, *document.category_ids))
    return {
        "product_id": document.id,
        "a": _searchable(named),
        "b": _searchable(described),
        "c": _searchable(sold_by),
        "d": _searchable(told),
        "skus": sorted({sku.lower() for sku in document.skus}),
        "shelf": hashlib.sha256(shelf.encode()).hexdigest(),
        "vendor_id": document.vendor_id,
        "category_ids": document.category_ids,
        "prices": document.prices,
        "currencies": list(document.prices),
        "lowest": [amounts[0] for amounts in document.prices.values()],
        "highest": [amounts[-1] for amounts in document.prices.values()],
        "in_stock": document.in_stock,
        "created_at": document.created_at,
        "name": document.name,
        "name_key": name_key(document.name),
        "name_words": len(words(document.name)),
        "checksum": document.checksum,
    }


def _texts(document: ProductDocument) -> tuple[str, str, str, str]:
    described = (
        *document.category_names,
        *document.attribute_values,
        *document.variant_titles,
    )
    return (
        document.name,
        "\n".join(described),
        document.vendor_name,
        document.description[:MAX_DESCRIPTION],
    )


def _searchable(text_: str) -> str:
    return " ".join((*words(text_), *other_forms(text_)))


def _vocabulary(document: ProductDocument) -> Iterable[str]:
    return (word for part in _texts(document) for word in (*words(part), *other_forms(part)))


def _names(document: ProductDocument) -> Iterable[tuple[str, str, str]]:
    yield SuggestionKind.VENDOR, document.vendor_id, document.vendor_name
    for id_, name in zip(document.category_ids, document.category_names, strict=True):
        yield SuggestionKind.CATEGORY, id_, name
