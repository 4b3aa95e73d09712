"""What must be true of timelines, events and keys."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

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
