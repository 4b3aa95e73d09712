"""Products with their variants, page by page, as a list that can be imported again has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text

from core.database import Database

_FITS = """
    p.deleted_at IS NULL
    AND (CAST(:vendor_id AS text) IS NULL OR p.vendor_id = :vendor_id)
    AND (CAST(:status AS text) IS NULL OR p.status = :status)
    AND (CAST(:category_id AS text) IS NULL OR EXISTS (
        SELECT FROM product_categories m
        WHERE m.product_id = p.id AND m.category_id = :category_id))
"""

# What the columns are: names of options stand for a product, so others are the variant's own.
_SHAPE = text(f"""
WITH fitting AS MATERIALIZED (SELECT p.id, p.options, p.attributes FROM products p WHERE {_FITS}),
variant AS MATERIALIZED (
    SELECT v.id, name.name, EXISTS (
        SELECT FROM jsonb_array_elements(f.options) o WHERE o ->> 'name' = name.name) AS is_option
    FROM fitting f JOIN variants v ON v.product_id = f.id
    LEFT JOIN LATERAL jsonb_object_keys(v.attributes) AS name (name) ON true)
SELECT (SELECT count(DISTINCT id) FROM variant) AS rows,
    (SELECT coalesce(json_agg(DISTINCT name), '[]') FROM variant WHERE is_option)::text AS options,
    (SELECT coalesce(json_agg(DISTINCT name), '[]') FROM variant
     WHERE NOT is_option AND name IS NOT NULL)::text AS variant,
    (SELECT coalesce(json_agg(DISTINCT name), '[]')
     FROM fitting f, jsonb_object_keys(f.attributes) AS key (name))::text AS attributes,
    (SELECT coalesce(json_agg(DISTINCT currency), '[]') FROM variant_prices
     WHERE variant_id IN (SELECT id FROM variant))::text AS currencies
""")

_PAGE = text(f"""
SELECT p.id, p.slug, d.slug AS vendor, p.name, p.description, p.status, p.options::text AS options,
    p.attributes::text AS attributes,
    (SELECT coalesce(json_agg(c.slug ORDER BY c.slug), '[]') FROM product_categories m
     JOIN categories c ON c.id = m.category_id AND c.deleted_at IS NULL
     WHERE m.product_id = p.id)::text AS categories,
    (SELECT coalesce(json_agg(json_build_object('sku', v.sku, 'title', v.title,
            'attributes', v.attributes, 'status', v.status, 'weight_grams', v.weight_grams,
            'backorder_policy', v.backorder_policy,
            'prices', (SELECT coalesce(json_object_agg(currency, amount), '{{}}')
                       FROM variant_prices WHERE variant_id = v.id))
        ORDER BY v.position, v.id), '[]')
     FROM variants v WHERE v.product_id = p.id)::text AS variants
FROM products p JOIN vendors d ON d.id = p.vendor_id
WHERE {_FITS} AND p.id > :after ORDER BY p.id LIMIT :limit
""")
_DOCUMENTS = ("options", "attributes", "categories", "variants")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which products; all that is named has to fit."""

    vendor_id: str | None = None
    category_id: str | None = None
    status: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How many rows a list has, and which columns beside those that every list has."""

    rows: int
    options: Sequence[str]
    variant: Sequence[str]
    attributes: Sequence[str]
    currencies: Sequence[str]


async def shape_of(database: Database, wanted: Wanted) -> Shape:
    """Return what a list of these products needs."""
    (row,) = await database.statement(_SHAPE, _parameters(wanted))
    names = ("options", "variant", "attributes", "currencies")
    return Shape(rows=row["rows"], **{name: orjson.loads(row[name]) for name in names})


async def page_of(
    database: Database, wanted: Wanted, *, after: str, limit: int
) -> list[dict[str, Any]]:
    """Return products by id with all that belongs to them, those after one first."""
    parameters = {**_parameters(wanted), "after": after, "limit": limit}
    rows = await database.statement(_PAGE, parameters)
    return [{**row, **{name: orjson.loads(row[name]) for name in _DOCUMENTS}} for row in rows]


def _parameters(wanted: Wanted) -> dict[str, object]:
    return {name: getattr(wanted, name) for name in Wanted.__slots__}
