"""Variants and prices written many at once: a handful of statements for any number of them.

Every function may run twice with the same rows: what is there already is ``UNCHANGED`` then. Fields
that are None stay as they are. Rows are locked by id. None of the functions
tells of a change: call ``product_changes.touch`` once, at the end, for the products that have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.ids import Prefix, new_id
from models.repositories.catalogue_rows import Outcome, Written, outcomes, returned

_KNOWN_VARIANTS = text("""
SELECT sku, id, product_id FROM variants
WHERE sku = ANY(CAST(:skus AS text[])) ORDER BY id FOR NO KEY UPDATE
""")
_ADD_VARIANTS = text("""
INSERT INTO variants (id, product_id, sku, title, attributes, status, position, weight_grams,
    backorder_policy, backorder_limit, promised_at, low_stock_threshold)
SELECT id, product_id, sku, coalesce(title, ''), coalesce(attributes, '{}'),
    coalesce(status, 'active'), coalesce(position, 0), coalesce(weight_grams, 0),
    coalesce(backorder_policy, 'deny'), backorder_limit, promised_at, low_stock_threshold
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS wanted (
    id text, product_id text, sku text, title text, attributes jsonb, status text, position int,
    weight_grams int, backorder_policy text, backorder_limit int, promised_at timestamptz,
    low_stock_threshold int)
ORDER BY id ON CONFLICT (sku) DO NOTHING RETURNING sku
""")
_CHANGE_VARIANTS = text("""
WITH wanted AS (
    SELECT v.id, coalesce(w.title, v.title) AS title,
        coalesce(w.attributes, v.attributes) AS attributes, coalesce(w.status, v.status) AS status,
        coalesce(w.position, v.position) AS position,
        coalesce(w.weight_grams, v.weight_grams) AS weight_grams,
        coalesce(w.backorder_policy, v.backorder_policy) AS backorder_policy,
        coalesce(w.backorder_limit, v.backorder_limit) AS backorder_limit,
        coalesce(w.promised_at, v.promised_at) AS promised_at,
        coalesce(w.low_stock_threshold, v.low_stock_threshold) AS low_stock_threshold
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS w (
        id text, title text, attributes jsonb, status text, position int, weight_grams int,
        backorder_policy text, backorder_limit int, promised_at timestamptz,
        low_stock_threshold int)
    JOIN variants v ON v.id = w.id
)
UPDATE variants v SET title = w.title, attributes = w.attributes, status = w.status,
    position = w.position, weight_grams = w.weight_grams, backorder_policy = w.backorder_policy,
    backorder_limit = w.backorder_limit, promised_at = w.promised_at,
    low_stock_threshold = w.low_stock_threshold, updated_at = now()
FROM wanted w
WHERE v.id = w.id AND (v.title, v.attributes, v.status, v.position, v.weight_grams,
        v.backorder_policy, v.backorder_limit, v.promised_at, v.low_stock_threshold)
    IS DISTINCT FROM (w.title, w.attributes, w.status, w.position, w.weight_grams,
        w.backorder_policy, w.backorder_limit, w.promised_at, w.low_stock_threshold)
RETURNING v.sku
""")

_WRITE_PRICES = text("""
INSERT INTO variant_prices (variant_id, currency, amount)
SELECT variant_id, currency, amount FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS wanted (variant_id text, currency text, amount bigint)
ORDER BY variant_id, currency
ON CONFLICT (variant_id, currency) DO UPDATE SET amount = excluded.amount
WHERE variant_prices.amount <> excluded.amount
RETURNING variant_id
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantRow:
    """A variant under its SKU."""

    sku: str
    product_id: str
    title: str | None = None
    attributes: Mapping[str, Any] | None = None
    status: str | None = None
    position: int | None = None
    weight_grams: int | None = None
    backorder_policy: str | None = None
    backorder_limit: int | None = None
    promised_at: datetime | None = None
    low_stock_threshold: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceRow:
    """The price of one unit in one currency, in minor units."""

    variant_id: str
    currency: str
    amount: int


async def write_variants(
    session: AsyncSession, rows: Sequence[VariantRow]
) -> Mapping[str, Written]:
    """Write variants by SKU, each once in ``rows``; return what became of each.

    Whether the attributes fit the product's options is the caller's to check
    (``core.domain.products.attribute_faults``).
    """
    found = await session.execute(_KNOWN_VARIANTS, {"skus": [row.sku for row in rows]})
    known = {one.sku: one for one in found}
    results: dict[str, Written] = {}
    new: list[dict[str, Any]] = []
    old: list[dict[str, Any]] = []
    for row in rows:
        one = known.get(row.sku)
        if one is None:
            new.append({**asdict(row), "id": new_id(Prefix.VARIANT)})
        elif one.product_id != row.product_id:
            results[row.sku] = Written(id=None, outcome=Outcome.TAKEN)
        else:
            old.append({**asdict(row), "id": one.id})
    created = await returned(session, _ADD_VARIANTS, new)
    changed = await returned(session, _CHANGE_VARIANTS, old)
    return results | outcomes("sku", new, created, old, changed)


async def write_prices(session: AsyncSession, rows: Iterable[PriceRow]) -> set[str]:
    """Set prices by variant and currency; return the variants of which one has changed.

    The prices that hold for a time (``price_periods``) stay as they are.
    """
    return await returned(session, _WRITE_PRICES, [asdict(row) for row in rows])
