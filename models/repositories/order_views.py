"""Orders as their customers see them: each view is one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import TextClause, text

from core.database import Database
from core.domain.statuses import OrderStatus

# RFC 3339 in UTC, whatever the session's time zone.
_AT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""

_SHIPMENTS = f"""
SELECT coalesce(json_agg(json_build_object(
    'id', s.id, 'number', s.number, 'purpose', s.purpose, 'carrier', s.carrier,
    'tracking_number', s.tracking_number, 'status', s.status, 'failure', s.failure,
    'vendor_id', s.vendor_id, 'label_url', s.label_url,
    'events', (SELECT coalesce(json_agg(json_build_object(
                   'status', e.status, 'description', e.description, 'location', e.location,
                   'at', {_AT.format("e.occurred_at")})
                   ORDER BY e.occurred_at, e.event_id), '[]'::json)
               FROM shipment_events e WHERE e.shipment_id = s.id),
    'items', (SELECT coalesce(json_agg(json_build_object(
                   'item_id', i.item_id, 'sku', i.sku, 'quantity', i.quantity)
                   ORDER BY i.item_id), '[]'::json)
              FROM shipment_items i WHERE i.shipment_id = s.id)
) ORDER BY s.number), '[]'::json)
FROM shipments s WHERE s.order_id = o.id
"""

# What waits of an item; an exchange is never back-ordered.
_BACKORDERED = f"""
SELECT json_build_object('quantity', sum(b.quantity),
    'promised_at', {_AT.format("max(b.promised_at)")})
FROM backorders b
WHERE b.order_id = i.order_id AND b.sku = i.sku AND b.status = 'waiting' AND i.kind = 'ordered'
HAVING count(*) > 0
"""

_ORDER = f"""
SELECT o.id, o.number, o.customer_id, o.status, o.payment_status, o.fulfillment_status, o.currency,
    o.subtotal_amount, o.discount_amount, o.shipping_amount, o.tax_amount, o.total_amount,
    o.tax_included,
    o.shipping_address::text AS shipping_address, o.next_action::text AS next_action,
    o.failure::text AS failure, o.workflow_id, o.created_at, o.updated_at,
    (SELECT coalesce(json_agg(json_build_object(
        'id', i.id, 'sku', i.sku, 'name', i.name, 'quantity', i.quantity,
        'unit_price', i.unit_price_amount, 'total', i.total_amount,
        'discount', i.discount_amount, 'vendor_id', i.vendor_id, 'kind', i.kind,
        'returned_quantity', i.returned_quantity, 'backordered', ({_BACKORDERED}))
        ORDER BY i.position), '[]'::json)
     FROM order_items i WHERE i.order_id = o.id)::text AS items,
    (SELECT coalesce(json_agg(json_build_object('code', p.code, 'name', p.name, 'amount', u.amount)
                              ORDER BY p.id), '[]'::json)
     FROM promotion_uses u JOIN promotions p ON p.id = u.promotion_id
     WHERE u.order_id = o.id)::text AS promotions,
    ({_SHIPMENTS})::text AS shipments,
    (SELECT coalesce(json_agg(json_build_object(
        'id', r.id, 'amount', r.amount, 'status', r.status, 'reason', r.reason,
        'created_at', {_AT.format("r.created_at")}) ORDER BY r.created_at, r.id), '[]'::json)
     FROM refunds r WHERE r.order_id = o.id)::text AS refunds
FROM orders o
"""

# Staff see every order: for them there is no customer to compare with.
_ONE = text(f"""{_ORDER}
WHERE o.id = :id AND o.customer_id = coalesce(CAST(:customer_id AS text), o.customer_id)""")
_MANY = text(f"""{_ORDER}
WHERE o.customer_id = :customer_id
  AND (CAST(:before AS text) IS NULL OR o.id < :before)
  AND (CAST(:status AS text) IS NULL OR o.status = :status)
  AND (CAST(:created_from AS timestamptz) IS NULL OR o.created_at >= :created_from)
  AND (CAST(:created_to AS timestamptz) IS NULL OR o.created_at < :created_to)
ORDER BY o.id DESC LIMIT :limit
""")

# A draft is shown as a pending order once its caller was told about it.
_DRAFT = text("""
SELECT d.order_id, d.number, d.cart::text AS cart, d.created_at
FROM checkout_drafts d JOIN idempotency_keys k ON k.resource_id = d.order_id
WHERE d.order_id = :id AND d.customer_id = coalesce(CAST(:customer_id AS text), d.customer_id)
  AND (k.response_status = 202 OR NOT CAST(:promised AS boolean))
""")

_TIMELINE = text(f"""
SELECT o.waiting_for::text AS waiting_for,
    (SELECT coalesce(json_agg(json_build_object(
        'at', {_AT.format("t.at")}, 'type', t.type, 'title', t.title, 'detail', t.detail,
        'actor', t.actor) ORDER BY t.sequence), '[]'::json)
     FROM order_timeline t WHERE t.order_id = o.id)::text AS entries
FROM orders o WHERE o.id = :id AND o.customer_id = :customer_id
""")

_SHIPMENTS_OF = text(
    f"SELECT ({_SHIPMENTS})::text AS shipments "
    "FROM orders o WHERE o.id = :id AND o.customer_id = :customer_id"
)

_OWNED = text("SELECT 1 FROM orders WHERE id = :id AND customer_id = :customer_id")

_OWNER = text("""
SELECT customer_id FROM orders WHERE id = :id
UNION ALL SELECT customer_id FROM checkout_drafts WHERE order_id = :id LIMIT 1
""")

# All listeners of a process in one statement; `done` says that nothing more will come.
_NEWS = text(f"""
SELECT want.order_id, o.status, o.version, (
    SELECT coalesce(json_agg(json_build_object(
        'sequence', t.sequence, 'at', {_AT.format("t.at")}, 'type', t.type, 'title', t.title,
        'detail', t.detail, 'actor', t.actor) ORDER BY t.sequence), '[]'::json)
    FROM order_timeline t
    WHERE t.order_id = want.order_id AND t.sequence > want.after)::text AS news
FROM unnest(CAST(:order_ids AS text[]), CAST(:after AS int[])) AS want(order_id, after)
JOIN orders o ON o.id = want.order_id
WHERE o.version > want.after OR o.status = ANY(CAST(:terminal AS text[]))
""")

TERMINAL = (OrderStatus.COMPLETED, OrderStatus.FAILED, OrderStatus.CANCELED)
"""Nothing happens to an order after these."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderView:
    """An order row with its items and shipments; amounts in minor units of ``currency``."""

    id: str
    number: int
    customer_id: str
    status: str
    payment_status: str
    fulfillment_status: str
    currency: str
    subtotal_amount: int
    discount_amount: int
    shipping_amount: int
    tax_amount: int
    total_amount: int
    tax_included: bool
    shipping_address: Mapping[str, Any]
    next_action: Mapping[str, Any] | None
    failure: Mapping[str, Any] | None
    workflow_id: str
    created_at: datetime
    updated_at: datetime
    items: Sequence[Mapping[str, Any]]
    promotions: Sequence[Mapping[str, Any]]
    shipments: Sequence[Mapping[str, Any]]
    refunds: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftView:
    """What was asked for, before there is an order; ``cart`` as ``drafts.Cart`` has it."""

    order_id: str
    number: int
    cart: Mapping[str, Any]
    created_at: datetime
    status: OrderStatus = OrderStatus.PENDING


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineView:
    entries: Sequence[Mapping[str, Any]]
    waiting_for: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """Timeline entries that a listener has not seen; ``done`` when the order has ended."""

    order_id: str
    entries: Sequence[Mapping[str, Any]]
    done: bool


async def find_order(
    database: Database, order_id: str, customer_id: str | None
) -> OrderView | None:
    """Return an order of a customer; anybody's when ``customer_id`` is None."""
    rows = await database.statement(_ONE, {"id": order_id, "customer_id": customer_id})
    return _order(dict(rows[0])) if rows else None


async def list_orders(
    database: Database,
    *,
    customer_id: str,
    limit: int,
    before: str | None = None,
    status: str | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
) -> list[OrderView]:
    """Return a customer's orders, the newest first, those older than ``before``."""
    rows = await database.statement(
        _MANY,
        {
            "customer_id": customer_id,
            "limit": limit,
            "before": before,
            "status": status,
            "created_from": created_from,
            "created_to": created_to,
        },
    )
    return [_order(dict(row)) for row in rows]


async def find_draft(
    database: Database, order_id: str, customer_id: str | None, *, promised: bool
) -> DraftView | None:
    """Return a draft of a customer, or of anybody without one.

    With ``promised`` only one whose caller was answered with 202.
    """
    rows = await database.statement(
        _DRAFT, {"id": order_id, "customer_id": customer_id, "promised": promised}
    )
    if not rows:
        return None
    return DraftView(**{**rows[0], "cart": orjson.loads(rows[0]["cart"])})


async def find_timeline(database: Database, order_id: str, customer_id: str) -> TimelineView | None:
    rows = await database.statement(_TIMELINE, {"id": order_id, "customer_id": customer_id})
    if not rows:
        return None
    return TimelineView(
        entries=orjson.loads(rows[0]["entries"]), waiting_for=_document(rows[0]["waiting_for"])
    )


async def find_shipments(database: Database, order_id: str, customer_id: str) -> list[Any] | None:
    rows = await database.statement(_SHIPMENTS_OF, {"id": order_id, "customer_id": customer_id})
    return list(orjson.loads(rows[0]["shipments"])) if rows else None


async def owns_order(database: Database, order_id: str, customer_id: str) -> bool:
    rows = await database.statement(_OWNED, {"id": order_id, "customer_id": customer_id})
    return bool(rows)


async def owner_of(database: Database, order_id: str) -> str | None:
    """Return whose an order or a draft is."""
    rows = await database.statement(_OWNER, {"id": order_id})
    return str(rows[0]["customer_id"]) if rows else None


async def news_since(database: Database, seen: Mapping[str, int]) -> list[News]:
    """Return what happened to the orders after the sequence number that each listener has seen."""
    rows = await database.statement(
        _NEWS,
        {
            "order_ids": list(seen),
            "after": list(seen.values()),
            "terminal": [str(status) for status in TERMINAL],
        },
    )
    return [
        News(
            order_id=row["order_id"],
            entries=orjson.loads(row["news"]),
            done=row["status"] in TERMINAL,
        )
        for row in rows
    ]


def _order(row: Mapping[str, Any]) -> OrderView:
    documents = (
        "shipping_address",
        "next_action",
        "failure",
        "items",
        "promotions",
        "shipments",
        "refunds",
    )
    return OrderView(**{**row, **{name: _document(row[name]) for name in documents}})


def _document(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)


def order_statement(clauses: str) -> TextClause:
    """Return a select of the rows that ``order_of`` reads, ``FROM orders o`` and these clauses."""
    return text(f"{_ORDER} {clauses}")


def order_of(row: Mapping[str, Any]) -> OrderView:
    """Return the order of a row of ``order_statement``."""
    return _order(row)
