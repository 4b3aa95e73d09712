"""What happened to an order: its timeline and the outbox, written with the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.events import TimelineEntry

RECORD_CHANGE = """
entries AS (
    SELECT changed.id AS order_id, changed.status,
        changed.version - :entry_count + entry.n AS sequence,
        entry.type, entry.title, entry.detail, entry.actor
    FROM changed, ROWS FROM (
        jsonb_to_recordset(CAST(:entries AS jsonb))
        AS (type text, title text, detail text, actor text)
    ) WITH ORDINALITY AS entry (type, title, detail, actor, n)
), timeline AS (
    INSERT INTO order_timeline (order_id, sequence, type, title, detail, actor)
    SELECT order_id, sequence, type, title, detail, actor FROM entries
), told AS (
    INSERT INTO outbox (aggregate_id, sequence, type, payload)
    SELECT order_id, sequence, type,
        jsonb_build_object('order_id', order_id, 'status', status, 'sequence', sequence)
    FROM entries
)
"""
"""CTEs that record a change; they read ``changed(id, status, version)``, the order after it, whose
version was raised by ``:entry_count``, and ``:entries`` from ``parameters``."""

_APPEND = text(f"""
WITH changed AS (
    UPDATE orders SET version = version + :entry_count, updated_at = now()
    WHERE id = :order_id RETURNING id, status, version
), {RECORD_CHANGE}
SELECT version FROM changed
""")


def parameters(entries: Sequence[TimelineEntry]) -> dict[str, object]:
    """Parameters of ``RECORD_CHANGE``."""
    return {
        "entries": orjson.dumps([asdict(entry) for entry in entries]).decode(),
        "entry_count": len(entries),
    }


async def append(session: AsyncSession, order_id: str, entries: Sequence[TimelineEntry]) -> None:
    """Record entries for an order whose row the transaction has locked and changed."""
    if entries:
        await session.execute(_APPEND, {"order_id": order_id, **parameters(entries)})
