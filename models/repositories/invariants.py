"""What must be true of the rows at every commit, each as a query that returns what is not.

The numbers are those of the invariants in ``docs/architecture.md``. A query is one statement, so it
sees one snapshot: a transaction in flight is never taken for a violation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from core.database import Database
from core.domain.statuses import OrderStatus, PaymentStatus, ShipmentStatus

LATE = timedelta(seconds=60)
"""A hold may outlive its deadline by this much before it counts as forgotten."""

UNREAD = timedelta(minutes=15)
"""A provider's event is dealt with by then."""

_PARAMETERS: Mapping[str, object] = {
    "late": LATE,
    "unread": UNREAD,
    "confirmed": [
        OrderStatus.CONFIRMED,
        OrderStatus.PROCESSING,
        OrderStatus.SHIPPED,
        OrderStatus.DELIVERED,
        OrderStatus.COMPLETED,
    ],
    "paid": [
        PaymentStatus.AUTHORIZED,
        PaymentStatus.PARTIALLY_CAPTURED,
        PaymentStatus.CAPTURED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.DISPUTED,
    ],
    "gone": [
        ShipmentStatus.HANDED_OVER,
        ShipmentStatus.IN_TRANSIT,
        ShipmentStatus.DELIVERED,
        ShipmentStatus.DELIVERY_FAILED,
        ShipmentStatus.RETURNING,
        ShipmentStatus.RETURNED,
    ],
}


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """A promise about the rows; ``sql`` returns those that break it."""

    name: str
    number: int
    promise: str
    sql: str


STOCK = (
    Invariant(
        name="stock_within_bounds",
        number=1,
        promise="0 <= reserved <= on_hand for every stock row",
        sql="""
            SELECT warehouse_id, sku, on_hand, reserved FROM stock
            WHERE reserved < 0 OR reserved > on_hand""",
    ),
    Invariant(
        name="reserved_is_open_lines",
        number=1,
        promise="reserved is the sum of the open reservation lines",
        sql="""
            SELECT warehouse_id, sku, s.reserved, coalesce(l.quantity, 0) AS open_lines
            FROM stock s LEFT JOIN (
                SELECT warehouse_id, sku, sum(quantity) AS quantity FROM reservation_lines
                WHERE status IN ('held', 'committed') GROUP BY warehouse_id, sku
            ) l USING (warehouse_id, sku)
            WHERE s.reserved <> coalesce(l.quantity, 0)""",
    ),
    Invariant(
        name="on_hand_is_movements",
        number=1,
        promise="on_hand is the sum of the stock movements",
        sql="""
            SELECT warehouse_id, sku, s.on_hand, coalesce(m.delta, 0) AS movements
            FROM stock s LEFT JOIN (
                SELECT warehouse_id, sku, sum(delta) AS delta FROM stock_movements
                GROUP BY warehouse_id, sku
            ) m USING (warehouse_id, sku)
            WHERE s.on_hand <> coalesce(m.delta, 0)""",
    ),
    Invariant(
        name="confirmed_order_is_reserved",
        number=2,
        promise="a confirmed order has committed or consumed lines for exactly its items",
        sql="""
            SELECT order_id, sku, coalesce(i.quantity, 0) AS ordered,
                   coalesce(l.quantity, 0) AS reserved
            FROM (
                SELECT i.order_id, i.sku, sum(i.quantity) AS quantity
                FROM order_items i JOIN orders o ON o.id = i.order_id
                WHERE o.status = ANY(:confirmed) GROUP BY i.order_id, i.sku
            ) i FULL JOIN (
                SELECT l.order_id, l.sku, sum(l.quantity) AS quantity
                FROM reservation_lines l JOIN orders o ON o.id = l.order_id
                WHERE o.status = ANY(:confirmed) AND l.status IN ('committed', 'consumed')
                GROUP BY l.order_id, l.sku
            ) l USING (order_id, sku)
            WHERE coalesce(i.quantity, 0) <> coalesce(l.quantity, 0)""",
    ),
    Invariant(
        name="ended_order_holds_no_stock",
        number=6,
        promise="a failed, canceled or shipped order has no open line",
        sql="""
            SELECT l.order_id, o.status AS order_status, l.sku, l.quantity, l.status
            FROM reservation_lines l JOIN orders o ON o.id = l.order_id
            WHERE l.status IN ('held', 'committed')
              AND o.status IN ('failed', 'canceled', 'shipped', 'delivered', 'completed')""",
    ),
    Invariant(
        name="ended_hold_holds_no_stock",
        number=6,
        promise="only an active hold has open lines of its own",
        sql="""
            SELECT h.id AS hold_id, h.status AS hold_status, l.sku, l.quantity, l.status
            FROM holds h JOIN reservation_lines l ON l.hold_id = h.id
            WHERE h.status <> 'active' AND l.order_id IS NULL
              AND l.status IN ('held', 'committed')""",
    ),
    Invariant(
        name="hold_ends_at_its_deadline",
        number=7,
        promise="nothing is held more than 60 s after its deadline, unless its order is parked",
        sql="""
            SELECT l.hold_id, l.order_id, l.sku, l.expires_at
            FROM reservation_lines l LEFT JOIN orders o ON o.id = l.order_id
            WHERE l.status = 'held' AND l.expires_at < now() - CAST(:late AS interval)
              AND o.waiting_for IS NULL
            UNION ALL
            SELECT id, order_id, NULL, expires_at FROM holds
            WHERE status = 'active' AND expires_at < now() - CAST(:late AS interval)""",
    ),
)

MONEY = (
    Invariant(
        name="payment_within_bounds",
        number=3,
        promise="captured is at most authorized, refunded at most captured, none above the amount",
        sql="""
            SELECT id AS payment_id, order_id, amount, authorized_amount, captured_amount,
                   refunded_amount
            FROM payments
            WHERE captured_amount NOT BETWEEN 0 AND authorized_amount
               OR refunded_amount NOT BETWEEN 0 AND captured_amount
               OR authorized_amount > amount""",
    ),
    Invariant(
        name="captured_has_reservation",
        number=3,
        promise="nothing is captured without a committed reservation",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount FROM payments p
            WHERE p.captured_amount > 0 AND NOT EXISTS (
                SELECT FROM reservation_lines l
                WHERE l.order_id = p.order_id AND l.status IN ('committed', 'consumed'))""",
    ),
    Invariant(
        name="captured_is_captures",
        number=3,
        promise="captured_amount is the sum of the captures",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount,
                   coalesce(c.amount, 0) AS captures
            FROM payments p LEFT JOIN (
                SELECT payment_id, sum(amount) AS amount FROM captures GROUP BY payment_id
            ) c ON c.payment_id = p.id
            WHERE p.captured_amount <> coalesce(c.amount, 0)""",
    ),
    Invariant(
        name="captured_is_complete",
        number=5,
        promise="a captured payment has the shares of every parcel",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount,
                   sum(s.capture_amount) AS shares
            FROM payments p JOIN shipments s
              ON s.order_id = p.order_id AND s.status <> 'canceled'
            WHERE p.status = 'captured'
            GROUP BY p.id HAVING p.captured_amount <> sum(s.capture_amount)""",
    ),
    Invariant(
        name="confirmed_order_is_paid",
        number=3,
        promise="a confirmed order has exactly one authorized payment, of its total",
        sql="""
            SELECT o.id AS order_id, o.status, o.total_amount, o.currency,
                   count(p.id) AS payments, sum(p.amount) AS paid
            FROM orders o LEFT JOIN payments p
              ON p.order_id = o.id AND p.status = ANY(:paid) AND p.currency = o.currency
             AND p.authorized_amount > 0
            WHERE o.status = ANY(:confirmed)
            GROUP BY o.id HAVING count(p.id) <> 1 OR sum(p.amount) <> o.total_amount""",
    ),
    Invariant(
        name="ended_order_keeps_no_money",
        number=6,
        promise="a failed or canceled order has no payment that is still alive",
        sql="""
            SELECT p.order_id, o.status AS order_status, p.id AS payment_id, p.status,
                   p.captured_amount, p.refunded_amount
            FROM payments p JOIN orders o ON o.id = p.order_id
            WHERE o.status IN ('failed', 'canceled')
              AND p.status NOT IN ('pending', 'voided', 'failed', 'refunded')""",
    ),
    Invariant(
        name="order_shows_its_payment",
        number=10,
        promise="payment_status of an order is that of its latest payment, or follows in a moment",
        sql="""
            SELECT o.id AS order_id, o.payment_status, p.status AS payment
            FROM orders o JOIN LATERAL (
                SELECT status FROM payments WHERE order_id = o.id ORDER BY attempt DESC LIMIT 1
            ) p ON true
            WHERE o.payment_status <> p.status
              AND NOT (p.status IN ('unknown', 'requires_action')
                       AND o.payment_status IN ('pending', 'requires_action'))
        """,
    ),
    Invariant(
        name="order_adds_up",
        number=5,
        promise="the items of an order add up to its amounts",
        sql="""
            SELECT o.id AS order_id, o.subtotal_amount, o.tax_amount, o.total_amount,
                   coalesce(sum(i.total_amount), 0) AS items, coalesce(sum(i.tax_amount), 0) AS tax
            FROM orders o LEFT JOIN order_items i ON i.order_id = o.id
            GROUP BY o.id
            HAVING count(i.id) = 0
                OR sum(i.total_amount) <> o.subtotal_amount
                OR sum(i.tax_amount) > o.tax_amount
                OR bool_or(i.total_amount <> i.quantity * i.unit_price_amount)
                OR o.total_amount <> o.subtotal_amount - o.discount_amount
                                     + o.shipping_amount + o.tax_amount""",
    ),
)

SHIPMENTS = (
    Invariant(
        name="shipments_share_the_total",
        number=5,
        promise="the shares that an order's shipments capture add up to its total",
        sql="""
            SELECT o.id AS order_id, o.total_amount, sum(s.capture_amount) AS shares
            FROM orders o JOIN shipments s ON s.order_id = o.id
            WHERE o.status <> 'canceled' AND s.status <> 'canceled'
            GROUP BY o.id HAVING sum(s.capture_amount) <> o.total_amount""",
    ),
    Invariant(
        name="shipments_carry_every_item",
        number=5,
        promise="the shipments of an order carry exactly its items",
        sql="""
            SELECT i.order_id, i.id AS item_id, i.quantity, coalesce(p.quantity, 0) AS shipped
            FROM order_items i JOIN orders o ON o.id = i.order_id LEFT JOIN (
                SELECT si.item_id, sum(si.quantity) AS quantity
                FROM shipment_items si JOIN shipments s ON s.id = si.shipment_id
                WHERE s.status <> 'canceled' GROUP BY si.item_id
            ) p ON p.item_id = i.id
            WHERE i.quantity <> coalesce(p.quantity, 0) AND o.status <> 'canceled'
              AND EXISTS (SELECT FROM shipments s
                          WHERE s.order_id = i.order_id AND s.status <> 'canceled')""",
    ),
    Invariant(
        name="nothing_leaves_unpaid",
        number=3,
        promise="a parcel that was handed over has its capture",
        sql="""
            SELECT s.order_id, s.id AS shipment_id, s.status, s.capture_amount
            FROM shipments s
            WHERE s.status = ANY(:gone) AND s.capture_amount > 0 AND NOT EXISTS (
                SELECT FROM captures c JOIN payments p ON p.id = c.payment_id
                WHERE p.order_id = s.order_id AND c.number = s.number
                  AND c.amount = s.capture_amount)""",
    ),
    Invariant(
        name="order_shows_its_shipments",
        number=10,
        promise="fulfillment_status of an order is that of its shipments",
        sql="""
            SELECT o.id AS order_id, o.fulfillment_status, s.parcels, s.gone
            FROM orders o JOIN (
                SELECT order_id, count(*) AS parcels,
                       count(*) FILTER (WHERE status = ANY(:gone)) AS gone
                FROM shipments WHERE status <> 'canceled' GROUP BY order_id
            ) s ON s.order_id = o.id
            WHERE (o.fulfillment_status = 'unfulfilled') <> (s.gone = 0)
               OR (o.fulfillment_status = 'partially_shipped')
                  <> (s.gone > 0 AND s.gone < s.parcels)""",
    ),
)

HISTORY = (
    Invariant(
        name="timeline_has_no_gap",
        number=10,
        promise="a timeline counts from 1 to the order's version without gaps",
        sql="""
            SELECT o.id AS order_id, o.version, count(t.sequence) AS entries,
                   min(t.sequence) AS first, max(t.sequence) AS last
            FROM orders o LEFT JOIN order_timeline t ON t.order_id = o.id
            GROUP BY o.id
            HAVING count(t.sequence) <> o.version OR coalesce(max(t.sequence), 0) <> o.version
                OR coalesce(min(t.sequence), 1) <> 1""",
    ),
    Invariant(
        name="outbox_is_the_timeline",
        number=8,
        promise="the outbox has the events of the timeline, and no others",
        sql="""
            SELECT coalesce(t.order_id, e.aggregate_id) AS order_id,
                   coalesce(t.sequence, e.sequence) AS sequence,
                   t.type AS timeline, e.type AS outbox
            FROM order_timeline t FULL JOIN (
                SELECT aggregate_id, sequence, type FROM outbox
                WHERE starts_with(aggregate_id, 'ord_')
            ) e ON e.aggregate_id = t.order_id AND e.sequence = t.sequence
            WHERE t.type IS DISTINCT FROM e.type""",
    ),
    Invariant(
        name="status_is_in_the_timeline",
        number=10,
        promise="the status of an order has its event in the timeline, once",
        sql="""
            SELECT o.id AS order_id, o.status, wanted.type AS event, count(t.sequence) AS times
            FROM orders o
            JOIN LATERAL (
                SELECT 'order.placed' AS type WHERE o.status NOT IN ('failed', 'canceled')
                UNION SELECT 'order.confirmed' WHERE o.status = ANY(:confirmed)
                UNION SELECT 'order.' || o.status
                WHERE o.status NOT IN ('pending', 'requires_action')
                UNION SELECT 'payment.requires_action' WHERE o.status = 'requires_action'
            ) wanted ON true
            LEFT JOIN order_timeline t ON t.order_id = o.id AND t.type = wanted.type
            GROUP BY o.id, wanted.type HAVING count(t.sequence) <> 1""",
    ),
    Invariant(
        name="order_is_its_draft",
        number=4,
        promise="an order has the customer and the number of its draft",
        sql="""
            SELECT o.id AS order_id, o.customer_id, o.number,
                   d.customer_id AS draft_customer_id, d.number AS draft_number
            FROM orders o LEFT JOIN checkout_drafts d ON d.order_id = o.id
            WHERE d.order_id IS NULL OR d.customer_id <> o.customer_id OR d.number <> o.number""",
    ),
    Invariant(
        name="one_key_one_order",
        number=4,
        promise="an order younger than a day has exactly one idempotency key, its customer's",
        sql="""
            SELECT o.id AS order_id, o.customer_id, count(k.key) AS keys,
                   min(k.caller_id) AS caller_id
            FROM orders o LEFT JOIN idempotency_keys k ON k.resource_id = o.id
            GROUP BY o.id
            HAVING count(k.key) > 1
                OR (count(k.key) = 0 AND o.created_at > now() - interval '1 day')
                OR min(k.caller_id) <> o.customer_id""",
    ),
    Invariant(
        name="event_is_dealt_with",
        number=4,
        promise="a provider's event is dealt with within 15 minutes",
        sql="""
            SELECT provider, event_id, type, reference, received_at FROM webhook_events
            WHERE processed_at IS NULL AND received_at < now() - CAST(:unread AS interval)""",
    ),
)

INVARIANTS: Sequence[Invariant] = (*STOCK, *MONEY, *SHIPMENTS, *HISTORY)


async def rows_that_break(database: Database, invariant: Invariant) -> list[dict[str, Any]]:
    """Return the rows that break the promise; none when it holds.

    Raises:
        UnavailableError: the database is down.
    """
    sql = text(invariant.sql)
    wanted = {name: value for name, value in _PARAMETERS.items() if f":{name}" in invariant.sql}
    return [dict(row) for row in await database.statement(sql, wanted)]
