"""Products that change: their version counts, and whoever follows the catalogue is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Locked by id, like all rows. The trigger counts the version and writes the event.
_TOUCH = text("""
WITH locked AS MATERIALIZED (
    SELECT id FROM products WHERE id = ANY(CAST(:ids AS text[])) ORDER BY id FOR NO KEY UPDATE
)
UPDATE products p SET updated_at = now() FROM locked WHERE p.id = locked.id
RETURNING p.id, p.version
""")


async def touch(session: AsyncSession, product_ids: Iterable[str]) -> Mapping[str, int]:
    """Count a change of each product, and tell of it; return their new versions.

    Whoever changes a variant, a price, a picture or a membership calls it in the same transaction,
    once for each product. Who updates the row of the product itself need not.
    """
    rows = await session.execute(_TOUCH, {"ids": sorted(set(product_ids))})
    return {row.id: row.version for row in rows}
