"""Products that change: their version counts, and whoever follows the catalogue is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

WAITS_FOR_STAFF = """(p.approval IN ('requested', 'rejected')
    OR (d.products_need_approval AND p.approval <> 'approved'))"""
"""Of ``products p`` and ``vendors d``: ``core.domain.products.waits_for_staff`` as a condition."""

LOOKED_AT = """(d.products_need_approval
    AND (p.status = 'published' OR p.approval = 'approved'))"""
"""Of ``products p`` and ``vendors d``: what its vendor changes, staff have to look at again."""

_LOOK_AGAIN = text(f"""
WITH locked AS MATERIALIZED (
    SELECT id FROM products WHERE id = ANY(CAST(:ids AS text[])) ORDER BY id FOR NO KEY UPDATE
)
UPDATE products p SET approval = 'requested', updated_at = now(),
    status = CASE p.status WHEN 'published' THEN 'draft' ELSE p.status END
FROM locked JOIN vendors d ON true
WHERE p.id = locked.id AND d.id = p.vendor_id AND {LOOKED_AT}
RETURNING p.id
""")

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


async def look_again(session: AsyncSession, product_ids: Iterable[str]) -> set[str]:
    """Let staff look again at products of which their vendor has changed what customers see.

    Those whose vendor needs approval are not on sale until then, and are told of: the others are
    left as they are. Call ``touch`` for the rest alone.

    Returns:
        The products that wait now.
    """
    rows = await session.execute(_LOOK_AGAIN, {"ids": sorted(set(product_ids))})
    return set(rows.scalars())
