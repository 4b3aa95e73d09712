"""Wishes to be forgotten, and how far they have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.errors import NotFoundError
from core.domain.ids import Prefix, new_id
from core.domain.permissions import VendorRank
from models.personal_data import ErasureStatus
from models.personal_map import ORDERS
from models.repositories import audit, members, people
from models.users import Role

_COLUMNS = "id, user_id, status, actor, kept::text AS kept, created_at, ended_at"
_OF_PERSON = text(f"SELECT {_COLUMNS} FROM erasures WHERE user_id = :user_id")

_CLOSE = text("""
WITH closed AS (
    UPDATE users SET disabled_at = coalesce(disabled_at, now()), updated_at = now()
    WHERE id = :user_id
), ended AS (
    UPDATE sessions SET revoked_at = now() WHERE user_id = :user_id AND revoked_at IS NULL
), revoked AS (
    UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = :user_id AND revoked_at IS NULL
)
INSERT INTO erasures (id, user_id, status, actor, kept)
VALUES (:id, :user_id, 'requested', :actor, '{}')
""")

# One statement, so it sees one moment: what ends in one table has begun in no other.
_OPEN = text(f"""
WITH own AS ({ORDERS})
SELECT
    (SELECT count(*) FROM orders WHERE id IN (SELECT id FROM own)
        AND status NOT IN ('completed', 'failed', 'canceled')) AS orders,
    (SELECT count(*) FROM returns WHERE order_id IN (SELECT id FROM own)
        AND status NOT IN ('rejected', 'refunded', 'expired')) AS returns,
    (SELECT count(*) FROM refunds WHERE order_id IN (SELECT id FROM own)
        AND status = 'pending') AS refunds,
    (SELECT count(*) FROM disputes WHERE order_id IN (SELECT id FROM own)
        AND status IN ('needs_response', 'under_review')) AS disputes,
    (SELECT count(*) FROM order_edits WHERE order_id IN (SELECT id FROM own)
        AND status = 'pending') AS edits,
    (SELECT count(*) FROM order_waits WHERE order_id IN (SELECT id FROM own)) AS parked_steps,
    (SELECT count(*) FROM idempotency_keys k
        WHERE k.caller_id = :user_id AND starts_with(k.resource_id, 'ord_')
          AND coalesce(k.response_status, 202) = 202
          AND k.created_at > now() - interval '1 day'
          AND NOT EXISTS (SELECT FROM orders o WHERE o.id = k.resource_id)) AS promised_orders
""")

_MOVE = text("""
UPDATE erasures SET status = :status WHERE user_id = :user_id AND status = ANY(:before)
""")
_KEEP = text("""
UPDATE erasures SET kept = CAST(:kept AS jsonb)
WHERE user_id = :user_id AND coalesce((kept ->> 'orders')::int, -1) < :orders
""")
_END = text("""
UPDATE erasures SET status = 'done', ended_at = now() WHERE user_id = :user_id AND status <> 'done'
""")

_LIST = text(f"""
SELECT {_COLUMNS} FROM erasures
WHERE (CAST(:before_id AS text) IS NULL OR id < :before_id)
  AND (CAST(:status AS text) IS NULL OR status = :status)
ORDER BY id DESC LIMIT :limit
""")

_UNSTARTED = text("""
SELECT id, user_id FROM erasures
WHERE status = 'requested' AND created_at < now() - interval '1 minute'
ORDER BY id LIMIT 500
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureView:
    """One wish; ``kept`` counts what stays, and says until when."""

    id: str
    user_id: str
    status: ErasureStatus
    actor: str
    kept: Mapping[str, Any]
    created_at: datetime
    ended_at: datetime | None


async def request(
    session: AsyncSession, user_id: str, *, actor: str, reason: str = ""
) -> ErasureView:
    """Close an account and write down that its person is to be forgotten; once.

    Raises:
        NotFoundError: there is no such account.
        ConflictError: it is the last one that can act for its vendor, or look after people.
    """
    user = await people.find(session, user_id)
    if user.role == Role.STAFF:
        await people.of_staff_one_at_a_time(session)
    if user.vendor_id is not None:
        await members.find(session, user_id, vendor_id=user.vendor_id)
    await people.find(session, user_id, lock=True)
    known = await _find(session, user_id)
    if known is not None:
        return known
    await session.execute(
        _CLOSE, {"id": new_id(Prefix.ERASURE), "user_id": user_id, "actor": actor}
    )
    if user.role == Role.STAFF:
        await people.require_somebody_left(session)
    if user.vendor_rank == VendorRank.OWNER:
        await members.require_owner(session, str(user.vendor_id))
    await audit.record(
        session, actor=actor, action="user.erasure_requested", target=user_id, reason=reason
    )
    made = await _find(session, user_id)
    assert made is not None  # noqa: S101  # it was written in this transaction
    return made


async def open_business(database: Database, user_id: str) -> dict[str, int]:
    """Count what of a person's is still under way; empty when nothing is."""
    rows = await database.statement(_OPEN, {"user_id": user_id})
    return {name: count for name, count in rows[0].items() if count}


async def move(database: Database, user_id: str, status: ErasureStatus) -> None:
    """Say how far it has come; it never goes back."""
    order = list(ErasureStatus)
    before = [str(one) for one in order[: order.index(status)]]
    await database.statement(_MOVE, {"user_id": user_id, "status": status, "before": before})


async def note_kept(session: AsyncSession, user_id: str, kept: Mapping[str, Any]) -> None:
    """Write down what stays; a later look knows fewer orders, for the address is gone by then."""
    written = orjson.dumps(kept).decode()
    parameters = {"user_id": user_id, "kept": written, "orders": kept["orders"]}
    await session.execute(_KEEP, parameters)


async def end(database: Database, user_id: str) -> None:
    """Say that it is done."""
    await database.statement(_END, {"user_id": user_id})


async def is_under_way(session: AsyncSession, user_id: str) -> bool:
    """Tell whether a person is to be forgotten: such an account is not opened again."""
    return await _find(session, user_id) is not None


async def get(database: Database, user_id: str) -> ErasureView:
    """Return a person's wish to be forgotten.

    Raises:
        NotFoundError: there is none.
    """
    rows = await database.statement(_OF_PERSON, {"user_id": user_id})
    if not rows:
        raise NotFoundError("nobody asked for it")
    return _view(rows[0])


async def list_erasures(
    database: Database, *, limit: int, before_id: str | None = None, status: str | None = None
) -> list[ErasureView]:
    """Return wishes, the newest first, those older than ``before_id``."""
    rows = await database.statement(
        _LIST, {"limit": limit, "before_id": before_id, "status": status}
    )
    return [_view(row) for row in rows]


async def unstarted(database: Database) -> list[RowMapping]:
    """Return wishes that nobody follows for over a minute, at most 500 of them."""
    return list(await database.statement(_UNSTARTED, {}))


async def _find(session: AsyncSession, user_id: str) -> ErasureView | None:
    row = (await session.execute(_OF_PERSON, {"user_id": user_id})).mappings().one_or_none()
    return _view(row) if row else None


def _view(row: RowMapping) -> ErasureView:
    return ErasureView(
        **{**row, "status": ErasureStatus(row["status"]), "kept": orjson.loads(row["kept"])}
    )
