"""The memory of effectful requests: who asked what with which key, and the answer they got."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    """The first definitive answer, byte for byte."""

    status: int
    body: bytes
    location: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRecord:
    """A claimed key; ``answer`` is None while the first request is still at work."""

    request_hash: str
    resource_id: str
    answer: StoredAnswer | None


# The first branch claims, the second finds who came first. Both read one snapshot, so the row of
# a claim that was committed during this statement is invisible: then the caller asks again.
_CLAIM = text("""
WITH claimed AS (
    INSERT INTO idempotency_keys (caller_id, key, request_hash, resource_id)
    VALUES (:caller_id, :key, :request_hash, :resource_id)
    ON CONFLICT DO NOTHING
    RETURNING request_hash, resource_id, response_status, response_body, response_location
)
SELECT * FROM claimed
UNION ALL
SELECT request_hash, resource_id, response_status, response_body, response_location
FROM idempotency_keys WHERE caller_id = :caller_id AND key = :key
LIMIT 1
""")

_CLAIM_ANSWERED = text("""
INSERT INTO idempotency_keys (
    caller_id, key, request_hash, resource_id, response_status, response_body, completed_at
)
VALUES (:caller_id, :key, :request_hash, :resource_id, :status, :body, now())
ON CONFLICT DO NOTHING
RETURNING key
""")

_STORE = text("""
UPDATE idempotency_keys SET
    response_status = coalesce(response_status, :status),
    response_body = coalesce(response_body, :body),
    response_location = CASE WHEN response_status IS NULL THEN CAST(:location AS text)
                             ELSE response_location END,
    completed_at = coalesce(completed_at, now())
WHERE caller_id = :caller_id AND key = :key
RETURNING response_status, response_body, response_location
""")


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def claim_key(
    database: Database, *, caller_id: str, key: str, request_hash: str, resource_id: str
) -> KeyRecord:
    """Claim the key for ``resource_id``, or return the record of who came first."""
    parameters = {
        "caller_id": caller_id,
        "key": key,
        "request_hash": request_hash,
        "resource_id": resource_id,
    }
    rows = await database.statement(_CLAIM, parameters)
    if not rows:
        rows = await database.statement(_CLAIM, parameters)
    return record_of(dict(rows[0]))


async def claim_answered(
    database: Database,
    *,
    caller_id: str,
    key: str,
    request_hash: str,
    resource_id: str,
    answer: StoredAnswer,
) -> bool:
    """Claim the key and keep its answer in one statement; False when somebody has the key."""
    rows = await database.statement(
        _CLAIM_ANSWERED,
        {
            "caller_id": caller_id,
            "key": key,
            "request_hash": request_hash,
            "resource_id": resource_id,
            "status": answer.status,
            "body": answer.body,
        },
    )
    return bool(rows)


async def store_answer(
    database: Database, *, caller_id: str, key: str, answer: StoredAnswer
) -> StoredAnswer:
    """Keep the answer unless there is one already; return the one that counts."""
    rows = await database.statement(
        _STORE,
        {
            "caller_id": caller_id,
            "key": key,
            "status": answer.status,
            "body": answer.body,
            "location": answer.location,
        },
    )
    stored = record_of({"request_hash": "", "resource_id": "", **rows[0]}) if rows else None
    return stored.answer if stored and stored.answer else answer


async def one_at_a_time(session: AsyncSession, name: str) -> None:
    """Wait until no other transaction works on what has this name; hold it until this one ends.

    For two requests with one key that arrive at once: the second finds what the first has made.
    """
    await session.execute(_ONE_AT_A_TIME, {"name": name})


def record_of(row: dict[str, object]) -> KeyRecord:
    """Read the columns of ``idempotency_keys`` from a row."""
    status, body, location = (
        row["response_status"],
        row["response_body"],
        row["response_location"],
    )
    answer = None
    if isinstance(status, int) and isinstance(body, bytes):
        answer = StoredAnswer(
            status=status, body=body, location=None if location is None else str(location)
        )
    return KeyRecord(
        request_hash=str(row["request_hash"]),
        resource_id=str(row["resource_id"]),
        answer=answer,
    )
