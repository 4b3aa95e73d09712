"""The outbox read in order by those who follow the catalogue, each from its own place.

A row's ``transaction_id`` is older than the moment of its commit, and its ``position`` is taken
before it: a reader that only asked for higher positions would pass over what is committed late.
What is below the oldest transaction that still runs (``pg_snapshot_xmin``) is complete, so that is
as far as anybody reads. A transaction that writes for minutes holds back all readers for as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from core.database import Database
from core.domain.catalogue_events import CatalogueEvent
from models.orders import CATALOGUE_EVENTS

_COMPLETE = "transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_UNREAD = f"""
FROM outbox WHERE type IN ({CATALOGUE_EVENTS})
  AND (transaction_id, position) > (
      coalesce((SELECT c.transaction_id FROM outbox_consumers c WHERE c.name = :consumer), -1),
      coalesce((SELECT c.position FROM outbox_consumers c WHERE c.name = :consumer), -1))
"""

_READ = text(f"""
SELECT type, payload, transaction_id, position {_UNREAD} AND {_COMPLETE}
ORDER BY transaction_id, position LIMIT :limit
""")

# Never back: who runs a step again after a reset has seen less than what is written already.
_ADVANCE = text("""
INSERT INTO outbox_consumers AS c (name, transaction_id, position)
VALUES (:consumer, :transaction_id, :position)
ON CONFLICT (name) DO UPDATE
SET transaction_id = excluded.transaction_id, position = excluded.position, updated_at = now()
WHERE (c.transaction_id, c.position) < (excluded.transaction_id, excluded.position)
""")

_PLACE = text("""
SELECT transaction_id, position FROM outbox_consumers WHERE name = :consumer
""")

_FORGET = text("DELETE FROM outbox_consumers WHERE name = :consumer")

_BEHIND = text(f"""
SELECT coalesce(extract(epoch FROM now() - (
    SELECT created_at {_UNREAD} ORDER BY transaction_id, position LIMIT 1)), 0) AS seconds
""")

_HEAD = text(f"""
SELECT transaction_id, position FROM outbox
WHERE type IN ({CATALOGUE_EVENTS}) AND {_COMPLETE}
ORDER BY transaction_id DESC, position DESC LIMIT 1
""")

# The last event of each row stays: its sequence is the row's version, which invariants compare.
_PRUNE = text(f"""
WITH gone AS (
    DELETE FROM outbox o WHERE (o.aggregate_id, o.sequence) IN (
        SELECT old.aggregate_id, old.sequence FROM outbox old
        WHERE old.type IN ({CATALOGUE_EVENTS})
          AND (old.transaction_id, old.position) <= (
              (SELECT c.transaction_id FROM outbox_consumers c
               ORDER BY c.transaction_id, c.position LIMIT 1),
              (SELECT c.position FROM outbox_consumers c
               ORDER BY c.transaction_id, c.position LIMIT 1))
          AND EXISTS (SELECT 1 FROM outbox newer WHERE newer.aggregate_id = old.aggregate_id
                      AND newer.sequence > old.sequence)
          AND (SELECT count(*) FROM outbox_consumers WHERE name = ANY(:consumers)) = :number
        ORDER BY old.transaction_id, old.position LIMIT :limit)
    RETURNING 1
) SELECT count(*) AS number FROM gone
""")


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Place:
    """How far a consumer has read."""

    transaction_id: int
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueChange:
    """One event: the id of the product, category or vendor that changed, or the SKU."""

    type: CatalogueEvent
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Events in order; ``until`` is the place of the last one, None when there is none."""

    changes: Sequence[CatalogueChange]
    until: Place | None


async def read(database: Database, consumer: str, limit: int) -> Batch:
    """Return what the consumer has not seen yet, at most ``limit`` events; its place stays."""
    rows = await database.statement(_READ, {"consumer": consumer, "limit": limit})
    return Batch(
        changes=[_change(row["type"], row["payload"]) for row in rows],
        until=_place(rows[-1]) if rows else None,
    )


async def advance(database: Database, consumer: str, place: Place) -> None:
    """Remember that the consumer has dealt with everything up to a place; never goes back."""
    await database.statement(
        _ADVANCE,
        {
            "consumer": consumer,
            "transaction_id": place.transaction_id,
            "position": place.position,
        },
    )


async def place_of(database: Database, consumer: str) -> Place:
    """Return how far the consumer has come; the beginning when it has never read."""
    rows = await database.statement(_PLACE, {"consumer": consumer})
    return _place(rows[0]) if rows else Place(transaction_id=0, position=0)


async def forget(database: Database, consumer: str) -> None:
    """Drop the place of a consumer that does not read any more: nothing is kept for it."""
    await database.statement(_FORGET, {"consumer": consumer})


async def head(database: Database) -> Place | None:
    """Return the place of the newest event that can be read; None when there never was one.

    A rebuild that begins now has seen everything up to it.
    """
    rows = await database.statement(_HEAD, {})
    return _place(rows[0]) if rows else None


async def seconds_behind(database: Database, consumer: str) -> float:
    """Return the age of the oldest event that the consumer has not seen; 0 without one."""
    rows = await database.statement(_BEHIND, {"consumer": consumer})
    return float(rows[0]["seconds"])


async def prune(database: Database, consumers: Sequence[str], *, limit: int = 10_000) -> int:
    """Delete events that everybody has seen and that a newer one of the same row follows.

    Nothing goes before each of ``consumers`` has read something: a new one begins with all of it.
    """
    rows = await database.statement(
        _PRUNE, {"consumers": list(consumers), "number": len(consumers), "limit": limit}
    )
    return int(rows[0]["number"])


def _change(type_: str, payload: Any) -> CatalogueChange:
    return CatalogueChange(type=CatalogueEvent(type_), subject=payload.get("id") or payload["sku"])


def _place(row: Any) -> Place:
    return Place(transaction_id=row["transaction_id"], position=row["position"])
