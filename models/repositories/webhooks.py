"""What an event of the inbox is about."""

from __future__ import annotations

from sqlalchemy import RowMapping, text

from core.database import Database

_SUBJECT = text("""
SELECT payload ->> 'subject' AS subject FROM webhook_events
WHERE provider = :provider AND event_id = :event_id
""")

_PAYMENT = text("""
SELECT e.object_id, e.type, o.id AS order_id, o.status, p.id AS payment_id, p.attempt,
    p.provider_payment_id, p.captured_amount,
    CASE WHEN e.payload ->> 'subject' = 'dispute'
        THEN coalesce(e.payload ->> 'dispute_id', e.payload ->> 'subject_id') END AS dispute_id,
    ARRAY(
        SELECT w.workflow_id FROM order_waits w
        WHERE w.order_id = o.id AND w.what = :new_payment
    ) AS wakes,
    ARRAY(
        SELECT r.id FROM refunds r WHERE r.order_id = o.id AND r.status = 'pending' ORDER BY r.id
    ) AS refunds
FROM webhook_events e
LEFT JOIN payments p ON p.provider = e.provider AND (
    p.provider_payment_id = e.object_id OR p.id = e.payload ->> 'payment_id')
LEFT JOIN orders o ON o.id = coalesce(p.order_id, e.reference)
WHERE e.provider = :provider AND e.event_id = :event_id
ORDER BY (p.provider_payment_id = e.object_id) DESC NULLS LAST
LIMIT 1
""")

_SHIPMENT = text("""
SELECT s.id AS shipment_id
FROM webhook_events e JOIN shipments s ON
    (s.carrier = e.provider AND s.carrier_shipment_id = e.object_id) OR s.id = e.reference
WHERE e.provider = :provider AND e.event_id = :event_id
LIMIT 1
""")

_SETTLEMENT = text("""
SELECT s.id AS settlement_id
FROM webhook_events e JOIN settlements s ON
    (s.provider = e.provider AND s.provider_transfer_id = e.object_id) OR s.id = e.reference
WHERE e.provider = :provider AND e.event_id = :event_id
LIMIT 1
""")

_FINISH = text("""
UPDATE webhook_events SET processed_at = coalesce(processed_at, now()), outcome = :outcome
WHERE provider = :provider AND event_id = :event_id
""")


async def subject_of(database: Database, provider: str, event_id: str) -> str | None:
    """An ``EventSubject``; None in an event from before there were subjects."""
    rows = await database.statement(_SUBJECT, {"provider": provider, "event_id": event_id})
    return rows[0]["subject"] if rows else None


async def payment_of(
    database: Database, provider: str, event_id: str, *, new_payment: str
) -> RowMapping | None:
    """The event with the payment and order that it is about, as far as they are known here.

    Without a ``payment_id`` it names one of our orders and no payment that we asked this provider
    for. ``wakes`` are the workflows that wait for a customer's ``new_payment``, ``refunds`` those
    of the order that are under way.
    """
    rows = await database.statement(
        _PAYMENT, {"provider": provider, "event_id": event_id, "new_payment": new_payment}
    )
    return rows[0] if rows else None


async def shipment_of(database: Database, provider: str, event_id: str) -> str | None:
    """The shipment that an event is about."""
    rows = await database.statement(_SHIPMENT, {"provider": provider, "event_id": event_id})
    return str(rows[0]["shipment_id"]) if rows else None


async def settlement_of(database: Database, provider: str, event_id: str) -> str | None:
    """The settlement whose transfer an event is about."""
    rows = await database.statement(_SETTLEMENT, {"provider": provider, "event_id": event_id})
    return str(rows[0]["settlement_id"]) if rows else None


async def finish(database: Database, provider: str, event_id: str, outcome: str) -> None:
    """Mark an event processed."""
    await database.statement(
        _FINISH, {"provider": provider, "event_id": event_id, "outcome": outcome}
    )
