"""Returns as their customers and staff see them: each view is one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, text

from core.database import Database

_RETURN = """
SELECT r.id, r.order_id, r.customer_id, r.status, r.deadline_at, r.rejection_reason,
    r.tracking_number, r.warehouse_id, r.refund_id, r.refund_amount, r.refund_shipping,
    o.currency, r.created_at, r.updated_at,
    (SELECT json_agg(json_build_object(
        'item_id', i.item_id, 'sku', oi.sku, 'quantity', i.quantity, 'reason', i.reason,
        'exchange_sku', i.exchange_sku, 'sellable_quantity', i.sellable_quantity,
        'damaged_quantity', i.damaged_quantity) ORDER BY oi.position)
     FROM return_items i JOIN order_items oi ON oi.id = i.item_id
     WHERE i.return_id = r.id)::text AS items
FROM returns r JOIN orders o ON o.id = r.order_id
"""

_ONE = text(f"""{_RETURN}
WHERE r.id = :id AND (CAST(:customer_id AS text) IS NULL OR r.customer_id = :customer_id)
""")

_OF_ORDER = text(f"{_RETURN} WHERE r.order_id = :order_id ORDER BY r.id")

_MANY = text(f"""{_RETURN}
WHERE (CAST(:before AS text) IS NULL OR r.id < :before)
  AND (CAST(:status AS text) IS NULL OR r.status = :status)
ORDER BY r.id DESC LIMIT :limit
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnView:
    """A return with its items; ``refund_amount`` in minor units of ``currency``."""

    id: str
    order_id: str
    customer_id: str
    status: str
    deadline_at: datetime | None
    rejection_reason: str | None
    tracking_number: str | None
    warehouse_id: str | None
    refund_id: str | None
    refund_amount: int
    refund_shipping: bool
    currency: str
    created_at: datetime
    updated_at: datetime
    items: Sequence[Mapping[str, Any]]


async def find_return(
    database: Database, return_id: str, *, customer_id: str | None
) -> ReturnView | None:
    """Return one; only the customer's own, unless ``customer_id`` is None."""
    rows = await database.statement(_ONE, {"id": return_id, "customer_id": customer_id})
    return _view(rows[0]) if rows else None


async def returns_of(database: Database, order_id: str) -> list[ReturnView]:
    """Return those of an order, the oldest first."""
    return [_view(row) for row in await database.statement(_OF_ORDER, {"order_id": order_id})]


async def list_returns(
    database: Database, *, limit: int, before: str | None, status: str | None
) -> list[ReturnView]:
    """Return everybody's, the newest first, those older than ``before``."""
    rows = await database.statement(_MANY, {"limit": limit, "before": before, "status": status})
    return [_view(row) for row in rows]


def _view(row: RowMapping) -> ReturnView:
    return ReturnView(**{**row, "items": orjson.loads(row["items"] or "[]")})
