"""Promotions as carts see them, and their uses: reserved, used, given back.

Rows are locked in the order of their ids, after the order and before any stock, by everyone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.promotions import Promotion, PromotionKind, PromotionScope

RUNNING = "p.active AND p.starts_at <= now() AND (p.ends_at IS NULL OR p.ends_at > now())"
USED_UP = """(
    p.used >= p.usage_limit OR (SELECT count(*) FROM promotion_uses u
        WHERE p.usage_limit_per_customer IS NOT NULL AND u.promotion_id = p.id
          AND u.customer_id = :counted_as AND u.status IN ('reserved', 'used')
    ) >= p.usage_limit_per_customer
) IS TRUE"""
DOCUMENT = """json_build_object(
    'id', p.id, 'name', p.name, 'code', p.code, 'kind', p.kind, 'scope', p.scope,
    'target_ids', p.target_ids, 'basis_points', p.basis_points, 'amounts', p.amounts,
    'buy', p.buy_quantity, 'get', p.get_quantity, 'minimums', p.minimum_amounts)"""

_LOCK = text("""
SELECT p.id FROM promotions p WHERE p.id = ANY(CAST(:ids AS text[]))
ORDER BY p.id FOR NO KEY UPDATE
""")

# Its own statement, so that it sees what was committed while the locks were waited for.
_UNAVAILABLE = text(f"""
SELECT coalesce(p.code, p.name) AS label FROM promotions p
WHERE p.id = ANY(CAST(:ids AS text[])) AND (NOT ({RUNNING}) OR {USED_UP})
ORDER BY p.id LIMIT 1
""")

_TAKE = text("""
WITH taken AS (
    INSERT INTO promotion_uses (order_id, promotion_id, customer_id, amount, currency, status)
    SELECT :order_id, use.promotion_id, :counted_as, use.amount, :currency, 'reserved'
    FROM jsonb_to_recordset(CAST(:uses AS jsonb)) AS use (promotion_id text, amount bigint)
    RETURNING promotion_id
)
UPDATE promotions SET used = used + 1 FROM taken WHERE id = taken.promotion_id
""")

_RELEASE = text("""
WITH locked AS (
    SELECT p.id FROM promotion_uses u JOIN promotions p ON p.id = u.promotion_id
    WHERE u.order_id = :order_id AND u.status IN ('reserved', 'used')
    ORDER BY p.id FOR NO KEY UPDATE OF p
), released AS (
    UPDATE promotion_uses SET status = 'released'
    WHERE order_id = :order_id AND status IN ('reserved', 'used')
      AND promotion_id IN (SELECT id FROM locked)
    RETURNING promotion_id
)
UPDATE promotions SET used = used - 1 FROM released WHERE id = released.promotion_id
""")


def promotion_of(row: Mapping[str, Any]) -> Promotion:
    """Return the promotion of a ``DOCUMENT``."""
    return Promotion(
        id=row["id"],
        name=row["name"],
        code=row["code"],
        kind=PromotionKind(row["kind"]),
        scope=PromotionScope(row["scope"]),
        targets=frozenset(row["target_ids"]),
        basis_points=row["basis_points"],
        amounts=row["amounts"],
        buy=row["buy"] or 0,
        get=row["get"] or 0,
        minimums=row["minimums"],
    )


async def lock_unavailable(
    session: AsyncSession, promotion_ids: Sequence[str], *, counted_as: str
) -> str | None:
    """Lock the promotions; return the code (or name) of one that cannot be used any more, if any.

    ``counted_as`` is whose uses count against the limit per customer.
    """
    await session.execute(_LOCK, {"ids": list(promotion_ids)})
    found = await session.execute(
        _UNAVAILABLE, {"ids": list(promotion_ids), "counted_as": counted_as}
    )
    label: str | None = found.scalar_one_or_none()
    return label


async def take(
    session: AsyncSession,
    order_id: str,
    uses: Sequence[Mapping[str, Any]],
    *,
    counted_as: str,
    currency: str,
) -> None:
    """Reserve a use of each promotion that is locked; ``uses`` as ``drafts.Cart.promotions``."""
    if not uses:
        return
    await session.execute(
        _TAKE,
        {
            "order_id": order_id,
            "counted_as": counted_as,
            "currency": currency,
            "uses": orjson.dumps(list(uses)).decode(),
        },
    )


async def release(session: AsyncSession, order_id: str) -> None:
    """Give back every use of an order whose row is locked, before any of its stock is."""
    await session.execute(_RELEASE, {"order_id": order_id})
