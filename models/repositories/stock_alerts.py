"""Tell people that stock is low, once for each fall, and when there is enough again.

Nothing of it is on the path of an order: stock falls by a sale, and the housekeeping notices within
minutes; after a change by staff it is noticed at once. ``variants.stock_alerts`` counts the events,
so it tells whether a fall was told, and numbers the events of the variant in the outbox.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from core.database import Database

_WATCH = text("""
WITH watched AS (
    SELECT id, sku, stock_alerts, low_stock_threshold AS threshold FROM variants
    WHERE low_stock_threshold IS NOT NULL
        AND (CAST(:skus AS text[]) IS NULL OR sku = ANY(CAST(:skus AS text[])))
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), levels AS (
    SELECT w.*, coalesce((
        SELECT sum(on_hand - reserved) FROM stock s WHERE s.sku = w.sku), 0)::bigint AS available
    FROM watched w
), turned AS (
    UPDATE variants v SET stock_alerts = l.stock_alerts + 1 FROM levels l
    WHERE v.id = l.id AND (l.available < l.threshold) <> (l.stock_alerts % 2 = 1)
    RETURNING v.id, v.sku, v.stock_alerts AS sequence, l.available, l.threshold
), told AS (
    INSERT INTO outbox (aggregate_id, sequence, type, payload)
    SELECT id, sequence, CASE sequence % 2 WHEN 1 THEN 'stock.low' ELSE 'stock.recovered' END,
        jsonb_build_object('variant_id', id, 'sku', sku, 'available', available,
            'threshold', threshold, 'sequence', sequence)
    FROM turned
)
SELECT sku FROM turned ORDER BY sku
""")


async def watch(database: Database, skus: Sequence[str] | None = None) -> list[str]:
    """Write ``stock.low`` and ``stock.recovered`` where they are due; return the SKUs concerned.

    Args:
        database: a transaction of its own, after the one that changed the stock: variants are
            locked before stock rows, never after.
        skus: only these; None for every variant with a threshold.
    """
    wanted = None if skus is None else list(skus)
    return [row["sku"] for row in await database.statement(_WATCH, {"skus": wanted})]
