"""Reads of stock and holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, text

from core.database import Database

_STOCK = text("""
SELECT v.sku, coalesce(sum(s.on_hand - s.reserved), 0)::bigint AS available,
    coalesce(json_agg(json_build_object(
        'warehouse_id', s.warehouse_id, 'on_hand', s.on_hand, 'reserved', s.reserved,
        'available', s.on_hand - s.reserved) ORDER BY s.warehouse_id)
        FILTER (WHERE s.sku IS NOT NULL), '[]'::json)::text AS by_warehouse
FROM variants v LEFT JOIN stock s ON s.sku = v.sku
WHERE v.sku = :sku GROUP BY v.sku
""")

_HOLD = text("""
SELECT h.id, h.status, h.expires_at, h.order_id,
    (SELECT json_agg(json_build_object('sku', l.sku, 'quantity', l.quantity) ORDER BY l.sku)
     FROM (SELECT sku, sum(quantity) AS quantity FROM reservation_lines
           WHERE hold_id = h.id GROUP BY sku) l)::text AS items
FROM holds h WHERE h.id = :id AND h.owner_id = :owner_id
""")

_MOVEMENTS = text("""
SELECT id, warehouse_id, sku, delta, reason, reference, actor, created_at FROM stock_movements
WHERE (CAST(:before AS bigint) IS NULL OR id < :before)
  AND (CAST(:sku AS text) IS NULL OR sku = :sku)
  AND (CAST(:warehouse_id AS text) IS NULL OR warehouse_id = :warehouse_id)
ORDER BY id DESC LIMIT :limit
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class StockView:
    sku: str
    available: int
    by_warehouse: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldView:
    id: str
    status: str
    expires_at: datetime
    order_id: str | None
    items: list[dict[str, Any]]


async def stock_of(database: Database, sku: str) -> StockView | None:
    rows = await database.statement(_STOCK, {"sku": sku})
    if not rows:
        return None
    return StockView(**{**rows[0], "by_warehouse": orjson.loads(rows[0]["by_warehouse"])})


async def find_hold(database: Database, hold_id: str, owner_id: str) -> HoldView | None:
    """Return a hold of this owner, or None: somebody else's does not exist for them."""
    rows = await database.statement(_HOLD, {"id": hold_id, "owner_id": owner_id})
    if not rows:
        return None
    return HoldView(**{**rows[0], "items": orjson.loads(rows[0]["items"] or "[]")})


async def movements(
    database: Database,
    *,
    before: int | None,
    limit: int,
    sku: str | None = None,
    warehouse_id: str | None = None,
) -> list[RowMapping]:
    """Return movements, the newest first, those before a number."""
    return list(
        await database.statement(
            _MOVEMENTS,
            {"before": before, "limit": limit, "sku": sku, "warehouse_id": warehouse_id},
        )
    )
