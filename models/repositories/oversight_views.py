"""Orders as staff see them: any customer's, with what they wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from core.database import Database
from core.domain.statuses import OrderStatus
from models.repositories.order_filters import Filters, condition_of
from models.repositories.order_views import (
    TERMINAL,
    OrderView,
    order_of,
    order_statement,
)

_ONE = order_statement("WHERE o.id = :id")

_WAITS = text("""
SELECT order_id, workflow_id, what, since_at, attempts, last_error, next_attempt_at,
    actions::text AS actions
FROM order_waits WHERE order_id = ANY(CAST(:order_ids AS text[]))
ORDER BY order_id, since_at, workflow_id, what
""")
_CAUSE = text("""
SELECT order_id, workflow_id, what, since_at, attempts, last_error, next_attempt_at,
    actions::text AS actions
FROM order_waits
WHERE (CAST(:cause AS text) IS NULL
       OR strpos(lower(what || ': ' || last_error), lower(:cause)) > 0)
  AND since_at <= now() - :older_than * interval '1 second'
ORDER BY since_at, order_id, workflow_id, what
""")
_NAMED = text("SELECT id FROM orders WHERE id = :id OR number = CAST(:number AS bigint) LIMIT 1")
_MONEY = text("""
SELECT purpose, attempt, provider, status, currency, amount, authorized_amount, captured_amount,
    refunded_amount
FROM payments WHERE order_id = :id ORDER BY attempt
""")
_TIMELINE = text("""
SELECT at, type, title, detail, actor FROM order_timeline WHERE order_id = :id ORDER BY sequence
""")

# A state began with its entry in the timeline: every other entry changes `updated_at`, too.
_SCAN = text("""
SELECT o.id, o.number, o.customer_id, o.status, o.payment_status, o.fulfillment_status,
    o.workflow_id, o.cancel_requested_at, o.updated_at, now() AS now,
    coalesce(entered.at, o.created_at) AS state_since,
    o.review IS NOT NULL OR EXISTS (
        SELECT FROM backorders b WHERE b.order_id = o.id AND b.status = 'waiting') AS is_held
FROM orders o
LEFT JOIN LATERAL (
    SELECT t.at FROM order_timeline t
    WHERE t.order_id = o.id AND t.type = CASE o.status
        WHEN 'pending' THEN 'order.placed'
        WHEN 'requires_action' THEN 'payment.requires_action'
        ELSE 'order.' || o.status END
    ORDER BY t.sequence DESC LIMIT 1
) entered ON true
WHERE (CAST(:before AS text) IS NULL OR o.id < :before)
  AND (CAST(:only AS text) IS NULL OR o.id = :only)
  AND (o.id = :only OR o.status <> ALL(CAST(:finished AS text[]))
       OR o.id = ANY(CAST(:failing AS text[]))
       OR EXISTS (SELECT FROM order_waits w WHERE w.order_id = o.id))
ORDER BY o.id DESC LIMIT :limit
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitView:
    """One parked step; ``actions`` are the ways in which a person may resolve it."""

    order_id: str
    workflow_id: str
    what: str
    since_at: datetime
    attempts: int
    last_error: str
    next_attempt_at: datetime | None
    actions: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanned:
    """What tells whether an order is stuck; ``is_held`` when it waits for a review or for stock."""

    id: str
    number: int
    customer_id: str
    status: OrderStatus
    payment_status: str
    fulfillment_status: str
    workflow_id: str
    cancel_requested_at: datetime | None
    updated_at: datetime
    now: datetime
    state_since: datetime
    is_held: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffOrder:
    """An order, and every parked step of its workflows, the longest first."""

    order: OrderView
    waits: Sequence[WaitView] = field(default_factory=list)


async def list_orders(
    database: Database, filters: Filters, *, limit: int, before: str | None = None
) -> list[StaffOrder]:
    """Return orders of all customers, the newest first, those older than ``before``."""
    condition, values = condition_of(filters)
    if before is not None:
        condition, values = f"{condition} AND o.id < :before", {**values, "before": before}
    statement = order_statement(f"WHERE {condition} ORDER BY o.id DESC LIMIT :limit")
    rows = await database.statement(statement, {**values, "limit": limit})
    found = [order_of(dict(row)) for row in rows]
    waits = await waits_of(database, [order.id for order in found])
    return [StaffOrder(order=order, waits=waits.get(order.id, [])) for order in found]


async def find_order(database: Database, order_id: str) -> StaffOrder | None:
    rows = await database.statement(_ONE, {"id": order_id})
    if not rows:
        return None
    waits = await waits_of(database, [order_id])
    return StaffOrder(order=order_of(dict(rows[0])), waits=waits.get(order_id, []))


async def id_of(database: Database, name: str) -> str | None:
    """Return the id of the order with this id or number, ``ord_…`` or ``P-100042``."""
    number = name.upper().removeprefix("P-")
    rows = await database.statement(
        _NAMED, {"id": name, "number": int(number) if number.isdecimal() else None}
    )
    return str(rows[0]["id"]) if rows else None


async def find_money(database: Database, order_id: str) -> list[Mapping[str, Any]]:
    """Return the payments of an order, the first one first; amounts in minor units."""
    rows = await database.statement(_MONEY, {"id": order_id})
    return [dict(row) for row in rows]


async def find_timeline(database: Database, order_id: str) -> list[Mapping[str, Any]]:
    """Return every step of an order so far, the oldest first."""
    rows = await database.statement(_TIMELINE, {"id": order_id})
    return [dict(row) for row in rows]


async def waits_of(database: Database, order_ids: Sequence[str]) -> dict[str, list[WaitView]]:
    """Return what the orders wait for, by order, the longest first."""
    found: dict[str, list[WaitView]] = {}
    for row in await database.statement(_WAITS, {"order_ids": list(order_ids)}):
        found.setdefault(row["order_id"], []).append(_wait(dict(row)))
    return found


async def waits_for(
    database: Database, cause: str | None = None, *, older_than_seconds: int = 0
) -> list[WaitView]:
    """Return every wait whose step or last error contains ``cause``, the longest first."""
    rows = await database.statement(_CAUSE, {"cause": cause, "older_than": older_than_seconds})
    return [_wait(dict(row)) for row in rows]


async def scan(
    database: Database,
    *,
    failing: Sequence[str] = (),
    limit: int,
    before: str | None = None,
    only: str | None = None,
) -> list[Scanned]:
    """Return orders that may be stuck, the newest first: unfinished, waiting, or ``failing``.

    ``only`` is the id of the one order that is asked for, whatever its state.
    """
    rows = await database.statement(
        _SCAN,
        {
            "failing": list(failing),
            "finished": [str(status) for status in TERMINAL],
            "limit": limit,
            "before": before,
            "only": only,
        },
    )
    return [Scanned(**{**row, "status": OrderStatus(row["status"])}) for row in rows]


def _wait(row: Mapping[str, Any]) -> WaitView:
    return WaitView(**{**row, "actions": orjson.loads(row["actions"])})
