"""Keys of machines: whose they are, what they may do, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import api_keys
from core.database import Database
from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.permissions import Permission
from core.security import KNOWN, Principal
from models.repositories import audit, idempotency
from models.users import ApiKey, Role

_FIND = text("""
SELECT id, vendor_id, scopes, created_by, secret_hash,
    CASE WHEN previous_expires_at > now() THEN previous_secret_hash END AS previous_secret_hash,
    last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS unnoted
FROM api_keys
WHERE id = :id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
""")

_NOTE_USE = text("""
UPDATE api_keys SET last_used_at = now()
WHERE id = :id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
""")

_ROTATE = text("""
UPDATE api_keys SET previous_secret_hash = secret_hash, secret_hash = :secret_hash,
    previous_expires_at = now() + make_interval(secs => :overlap), updated_at = now()
WHERE id = :id
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A key to make; ``vendor_id`` is None for the platform's own."""

    id: str
    name: str
    vendor_id: str | None
    scopes: Sequence[Permission]
    secret_hash: str
    created_by: str
    expires_at: datetime | None


async def principal_of(database: Database, key: str) -> Principal | None:
    """Return who a key stands for; None when it is not one, or not any more.

    That it was used is written down at most once in a minute.
    """
    key_id = api_keys.key_id_of(key)
    rows = await database.statement(_FIND, {"id": key_id}) if key_id else []
    if not rows:
        return None
    found = rows[0]
    current = api_keys.matches(key, found["secret_hash"])
    if not (api_keys.matches(key, found["previous_secret_hash"]) or current):
        return None
    if found["unnoted"]:
        await database.statement(_NOTE_USE, {"id": key_id})
    return Principal(
        user_id=found["created_by"],
        role=Role.VENDOR if found["vendor_id"] else Role.STAFF,
        vendor_id=found["vendor_id"],
        permissions=frozenset(Permission(word) for word in found["scopes"] if word in KNOWN),
        api_key_id=key_id,
    )


async def page_of(
    session: AsyncSession, *, vendor_id: str | None, before: str | None, limit: int
) -> Sequence[ApiKey]:
    """Return the keys of a vendor, or of the platform itself, the newest first."""
    statement = (
        select(ApiKey)
        .where(col(ApiKey.vendor_id).is_not_distinct_from(vendor_id))
        .order_by(col(ApiKey.id).desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(col(ApiKey.id) < before)
    return (await session.scalars(statement)).all()


async def find(
    session: AsyncSession, key_id: str, *, vendor_id: str | None, lock: bool = False
) -> ApiKey:
    """Return a key of the vendor, or of the platform itself.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    statement = select(ApiKey).where(
        ApiKey.id == key_id, col(ApiKey.vendor_id).is_not_distinct_from(vendor_id)
    )
    if lock:
        statement = statement.with_for_update()
    key = (await session.scalars(statement)).one_or_none()
    if key is None:
        raise NotFoundError("there is no such key")
    return key


async def add(session: AsyncSession, wanted: NewKey, *, actor: str) -> ApiKey:
    """Make a key; a second run with the same id finds the first one's."""
    await idempotency.one_at_a_time(session, wanted.id)
    known = await session.get(ApiKey, wanted.id)
    if known is not None:
        return known
    key = ApiKey(
        id=wanted.id,
        name=wanted.name,
        vendor_id=wanted.vendor_id,
        scopes=sorted(wanted.scopes),
        secret_hash=wanted.secret_hash,
        created_by=wanted.created_by,
        expires_at=wanted.expires_at,
    )
    session.add(key)
    await session.flush()
    await session.refresh(key)
    await _record(session, key, "api_key.added", actor, {"scopes": key.scopes})
    return key


async def rotate(
    session: AsyncSession, key: ApiKey, secret_hash: str, *, overlap_seconds: int, actor: str
) -> None:
    """Give a locked key a new secret; the one before works on for the overlap.

    Raises:
        InvalidStateError: it is revoked.
    """
    if key.revoked_at is not None:
        raise InvalidStateError(present="revoked", wanted="rotation")
    values = {"id": key.id, "secret_hash": secret_hash, "overlap": float(overlap_seconds)}
    await session.execute(_ROTATE, values)
    await session.refresh(key)
    await _record(session, key, "api_key.rotated", actor, {"overlap_seconds": overlap_seconds})


async def revoke(session: AsyncSession, key: ApiKey, *, actor: str) -> None:
    """End a locked key at once; a second time changes nothing."""
    if key.revoked_at is not None:
        return
    key.revoked_at = func.now()  # type: ignore[assignment]  # the database's clock
    await session.flush()
    await session.refresh(key)
    await _record(session, key, "api_key.revoked", actor, {})


async def _record(
    session: AsyncSession, key: ApiKey, action: str, actor: str, after: dict[str, Any]
) -> None:
    await audit.record(
        session,
        actor=actor,
        action=action,
        target=key.id,
        reason="",
        after={"vendor_id": key.vendor_id, **after},
    )
