"""What must be true of parked steps, and of who is shown to have moved an order."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

WAITS = (
    Invariant(
        name="ended_order_is_not_parked",
        number=9,
        promise="no checkout or fulfilment waits for an order that has ended",
        sql="""
            SELECT o.id AS order_id, o.status, w.workflow_id, w.what FROM orders o
            JOIN order_waits w ON w.order_id = o.id
                AND w.workflow_id IN ('checkout/' || o.id, 'fulfillment/' || o.id)
            WHERE o.status IN ('completed', 'failed', 'canceled')""",
    ),
    Invariant(
        name="oldest_wait_is_shown",
        number=9,
        promise="an order shows the step that has waited the longest, and nothing else",
        sql="""
            SELECT o.id AS order_id, o.waiting_for ->> 'what' AS shown, w.what AS oldest
            FROM orders o LEFT JOIN LATERAL (
                SELECT what, attempts FROM order_waits WHERE order_id = o.id
                ORDER BY since_at, workflow_id, what LIMIT 1
            ) w ON true
            WHERE o.waiting_for ->> 'what' IS DISTINCT FROM w.what
                OR CAST(o.waiting_for ->> 'attempts' AS int) IS DISTINCT FROM w.attempts""",
    ),
    Invariant(
        name="every_step_has_an_actor",
        number=10,
        promise="every entry of a timeline tells who did it",
        sql="""
            SELECT order_id, sequence, type, actor FROM order_timeline
            WHERE actor !~ '^(system|guest|customer|[a-z]+:.+)$'""",
    ),
)
