"""Which orders staff want to see, or to change all at once.

Only what is asked for stands in the statement, so that the planner finds an index for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.ids import Prefix, first_id

_KEY_LIVES = timedelta(days=8)
"""An order's id is as old as its idempotency key, which may be some days older than the order."""

_CLAUSES: Mapping[str, str] = {
    "status": "o.status = :status",
    "payment_status": "o.payment_status = :payment_status",
    "fulfillment_status": "o.fulfillment_status = :fulfillment_status",
    "customer_id": "o.customer_id = :customer_id",
    "number": "o.number = :number",
    "currency": "o.currency = :currency",
    "min_total": "o.total_amount >= :min_total",
    "max_total": "o.total_amount <= :max_total",
    "created_from": "o.created_at >= :created_from AND o.id >= :first_id",
    "created_to": "o.created_at < :created_to AND o.id < :last_id",
    "country": "o.shipping_address ->> 'country' = :country",
    "shipping_method": "o.shipping_method = :shipping_method",
    "email": """o.id IN (
        SELECT g.id FROM orders g WHERE lower(g.email) = lower(:email)
        UNION ALL SELECT k.id FROM users u JOIN orders k ON k.customer_id = u.id
        WHERE lower(u.email) = lower(:email))""",
    "vendor_id": """EXISTS (
        SELECT FROM order_items i WHERE i.order_id = o.id AND i.vendor_id = :vendor_id)""",
    "sku": "o.id IN (SELECT i.order_id FROM order_items i WHERE i.sku = :sku)",
    "warehouse_id": """EXISTS (
        SELECT FROM shipments s WHERE s.order_id = o.id AND s.warehouse_id = :warehouse_id)""",
    "promotion_code": """EXISTS (
        SELECT FROM promotion_uses n JOIN promotions p ON p.id = n.promotion_id
        WHERE n.order_id = o.id AND upper(p.code) = upper(:promotion_code))""",
    "payment_provider": """EXISTS (
        SELECT FROM payments y WHERE y.order_id = o.id AND y.provider = :payment_provider)""",
    "stuck_for": """EXISTS (
        SELECT FROM order_waits w WHERE w.order_id = o.id
            AND w.since_at <= now() - :stuck_for * interval '1 second')""",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """All that is named has to fit; ``stuck_for`` in seconds, totals in minor units.

    ``created_from`` is in, ``created_to`` is not.
    """

    status: str | None = None
    payment_status: str | None = None
    fulfillment_status: str | None = None
    customer_id: str | None = None
    number: int | None = None
    email: str | None = None
    vendor_id: str | None = None
    sku: str | None = None
    warehouse_id: str | None = None
    country: str | None = None
    currency: str | None = None
    min_total: int | None = None
    max_total: int | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    promotion_code: str | None = None
    payment_provider: str | None = None
    shipping_method: str | None = None
    stuck_for: int | None = None


def condition_of(filters: Filters) -> tuple[str, dict[str, object]]:
    """Return what an order ``o`` has to fulfil, and the values in it."""
    wanted = {
        name: value for name in Filters.__slots__ if (value := getattr(filters, name)) is not None
    }
    values: dict[str, object] = dict(wanted)
    if filters.created_from is not None:
        values["first_id"] = first_id(Prefix.ORDER, filters.created_from - _KEY_LIVES)
    if filters.created_to is not None:
        values["last_id"] = first_id(Prefix.ORDER, filters.created_to + timedelta(minutes=1))
    return " AND ".join(["true", *(_CLAUSES[name] for name in wanted)]), values
