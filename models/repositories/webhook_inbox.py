"""The inbox of providers' events."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import text

from core.database import Database


class Novelty(StrEnum):
    """What an incoming event means to us."""

    NEW = "new"
    """Recorded; somebody has to look at it."""
    OPEN = "open"
    """Recorded before, not processed yet: make sure that somebody looks."""
    NOTHING_NEW = "nothing_new"
    """A duplicate, a fact that we know already, or a type that concerns nobody."""


# What we know is read from the payment or the shipment in the same statement. A state that our own
# call has told us first makes the event an echo; everything else goes to a workflow.
_RECORD = text("""
WITH known AS (
    SELECT CASE
        WHEN CAST(:ignored AS boolean) THEN 'ignored'
        WHEN EXISTS (
            SELECT 1 FROM payments p
            WHERE p.provider = :provider AND p.provider_payment_id = :object_id
              AND p.status = ANY(CAST(:echo_of AS text[]))
        ) OR EXISTS (
            SELECT 1 FROM shipments s
            WHERE s.carrier = :provider AND s.carrier_shipment_id = :object_id
              AND s.status = ANY(CAST(:echo_of AS text[]))
        ) THEN 'already_known'
    END AS outcome
), added AS (
    INSERT INTO webhook_events
        (provider, event_id, type, object_id, reference, payload, processed_at, outcome)
    SELECT :provider, :event_id, :type, :object_id, :reference, CAST(:payload AS jsonb),
        CASE WHEN known.outcome IS NOT NULL THEN now() END, known.outcome
    FROM known
    ON CONFLICT (provider, event_id) DO NOTHING
    RETURNING processed_at
)
SELECT true AS added, processed_at IS NOT NULL AS processed FROM added
UNION ALL
SELECT false, processed_at IS NOT NULL FROM webhook_events
WHERE provider = :provider AND event_id = :event_id
LIMIT 1
""")

_BEYOND_AUTHORIZED = (
    "authorized",
    "partially_captured",
    "captured",
    "partially_refunded",
    "refunded",
)
_BEYOND_CAPTURED = ("captured", "partially_refunded", "refunded")
_ECHOES: dict[str, tuple[str, ...]] = {
    "payment_intent.amount_capturable_updated": _BEYOND_AUTHORIZED,
    "payment_intent.succeeded": _BEYOND_CAPTURED,
    "payment_intent.requires_action": ("requires_action", "failed", "voided", *_BEYOND_AUTHORIZED),
    "payment_intent.payment_failed": ("failed", "voided"),
    "payment_intent.canceled": ("failed", "voided"),
    "charge.success": _BEYOND_AUTHORIZED,
    "shipment.handed_over": ("handed_over", "in_transit", "delivered"),
    "shipment.in_transit": ("in_transit", "delivered"),
    "shipment.delivered": ("delivered",),
}
_CONCERNS_US = ("payment_intent.", "charge.", "refund.", "shipment.", "tracking.")
_EVERY_INTENT_HAS_IT = "payment_intent.created"


async def record_event(
    database: Database,
    *,
    provider: str,
    event_id: str,
    type: str,  # noqa: A002  # the provider's own word
    object_id: str,
    reference: str | None,
    payload: dict[str, Any],
) -> Novelty:
    """Store an event once, and decide in the same round trip whether it tells anything new."""
    rows = await database.statement(
        _RECORD,
        {
            "provider": provider,
            "event_id": event_id,
            "type": type,
            "object_id": object_id,
            "reference": reference,
            "payload": orjson.dumps(payload).decode(),
            "ignored": not type.startswith(_CONCERNS_US) or type == _EVERY_INTENT_HAS_IT,
            "echo_of": list(_ECHOES.get(type, ())),
        },
    )
    if not rows:  # stored by another process while this statement ran, so invisible to it
        return Novelty.OPEN
    if rows[0]["processed"]:
        return Novelty.NOTHING_NEW
    return Novelty.NEW if rows[0]["added"] else Novelty.OPEN
