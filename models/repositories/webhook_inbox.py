"""The inbox of providers' events."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import orjson
from sqlalchemy import text

from core.database import Database
from core.gateways.payments import ProviderEvent


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

_MISSING = text("""
SELECT wanted.event_id FROM unnest(CAST(:event_ids AS text[])) AS wanted (event_id)
WHERE NOT EXISTS (
    SELECT FROM webhook_events e WHERE e.provider = :provider AND e.event_id = wanted.event_id)
""")


async def record_event(database: Database, *, provider: str, event: ProviderEvent) -> Novelty:
    """Store an event once, and decide in the same round trip whether it tells anything new."""
    kind = event.kind
    payload = {**event.payload, "subject": kind.subject}
    rows = await database.statement(
        _RECORD,
        {
            "provider": provider,
            "event_id": event.event_id,
            "type": event.type,
            "object_id": event.object_id,
            "reference": event.reference,
            "payload": orjson.dumps(payload).decode(),
            "ignored": not kind.concerns_us,
            "echo_of": list(kind.echo_of),
        },
    )
    if not rows:  # stored by another process while this statement ran, so invisible to it
        return Novelty.OPEN
    if rows[0]["processed"]:
        return Novelty.NOTHING_NEW
    return Novelty.NEW if rows[0]["added"] else Novelty.OPEN


async def missing(database: Database, provider: str, event_ids: Sequence[str]) -> set[str]:
    """Those of a provider's events that the inbox does not have."""
    rows = await database.statement(_MISSING, {"provider": provider, "event_ids": list(event_ids)})
    return {str(row["event_id"]) for row in rows}
