"""Sessions: sign-ins that last, each with its family of refresh tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.events import Actor
from models.repositories import audit
from models.repositories.users import Credentials
from models.users import SignInMethod


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSession:
    """A sign-in: how, and from where; ``device`` and ``address`` are for its owner to know it."""

    id: str
    user_id: str
    method: SignInMethod
    token_hash: str
    lifetime_seconds: int
    device: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRow:
    """A session that has not ended; ``impersonator_id`` is who of staff acts as the user."""

    id: str
    method: SignInMethod
    device: str
    address: str
    impersonator_id: str | None
    reason: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


_OPEN = text("""
WITH opened AS (
    INSERT INTO sessions (id, user_id, method, device, address, reason, expires_at)
    VALUES (:id, :user_id, :method, :device, :address, '',
        now() + make_interval(secs => :lifetime))
)
INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
VALUES (:token_hash, :id, :user_id, now() + make_interval(secs => :lifetime))
""")

# One statement decides, so two at once cannot both rotate: the loser waits for the row, sees it
# used, and counts as reuse.
_ROTATE = text("""
WITH used AS (
    UPDATE refresh_tokens t SET used_at = now()
    FROM users u
    WHERE t.token_hash = :old_hash AND t.used_at IS NULL AND t.revoked_at IS NULL
      AND t.expires_at > now() AND u.id = t.user_id AND u.disabled_at IS NULL
    RETURNING t.family_id, t.user_id, u.role, u.vendor_id, u.vendor_rank, u.permissions,
        u.totp_confirmed_at IS NOT NULL AS has_totp
), seen AS (
    UPDATE sessions s SET last_used_at = now(),
        expires_at = now() + make_interval(secs => :lifetime)
    FROM used WHERE s.id = used.family_id
), made AS (
    INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
    SELECT :new_hash, family_id, user_id, now() + make_interval(secs => :lifetime) FROM used
)
SELECT user_id, role, vendor_id, vendor_rank, permissions, NULL AS password_hash,
    family_id AS session_id, has_totp
FROM used
""")

_REVOKE_FAMILY = text("""
WITH known AS (
    SELECT family_id, user_id, used_at IS NOT NULL AS used FROM refresh_tokens
    WHERE token_hash = :token_hash
), ended AS (
    UPDATE sessions s SET revoked_at = now() FROM known
    WHERE s.id = known.family_id AND s.revoked_at IS NULL
), gone AS (
    UPDATE refresh_tokens t SET revoked_at = now() FROM known
    WHERE t.family_id = known.family_id AND t.revoked_at IS NULL
    RETURNING t.family_id
)
SELECT family_id, user_id, used FROM known WHERE EXISTS (SELECT FROM gone)
""")

_REVOKE = text("""
WITH ended AS (
    UPDATE sessions SET revoked_at = now()
    WHERE user_id = :user_id AND revoked_at IS NULL
      AND (CAST(:only_id AS text) IS NULL OR id = :only_id)
      AND (CAST(:spared_id AS text) IS NULL OR id <> :spared_id)
    RETURNING id
), gone AS (
    UPDATE refresh_tokens SET revoked_at = now()
    WHERE user_id = :user_id AND revoked_at IS NULL
      AND (CAST(:only_id AS text) IS NULL OR family_id = :only_id)
      AND (CAST(:spared_id AS text) IS NULL OR family_id <> :spared_id)
)
SELECT id FROM ended
""")

_LIST = text("""
SELECT id, method, device, address, impersonator_id, reason, created_at, last_used_at, expires_at
FROM sessions
WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > now()
  AND (CAST(:before_id AS text) IS NULL OR id < :before_id)
ORDER BY id DESC LIMIT :limit
""")


async def open_session(database: Database, wanted: NewSession) -> None:
    """Start a session and its family of refresh tokens."""
    await database.statement(
        _OPEN,
        {
            "id": wanted.id,
            "user_id": wanted.user_id,
            "method": wanted.method,
            "device": wanted.device,
            "address": wanted.address,
            "token_hash": wanted.token_hash,
            "lifetime": float(wanted.lifetime_seconds),
        },
    )


async def rotate(
    database: Database, *, old_hash: str, new_hash: str, lifetime_seconds: int
) -> Credentials | None:
    """Swap a refresh token for its successor; None, and its family ends, if it is not fresh.

    A token that was used before is in two hands, and the audit log says so.
    """
    rows = await database.statement(
        _ROTATE,
        {"old_hash": old_hash, "new_hash": new_hash, "lifetime": float(lifetime_seconds)},
    )
    if rows:
        return Credentials(**rows[0])
    async with database.transaction() as session:
        ended = (await session.execute(_REVOKE_FAMILY, {"token_hash": old_hash})).mappings().all()
        for row in ended:
            if row["used"]:
                await audit.record(
                    session,
                    actor=Actor.SYSTEM,
                    action="session.refresh_token_reused",
                    target=row["user_id"],
                    reason="a refresh token was shown a second time; its session has ended",
                    after={"session_id": row["family_id"]},
                )
    return None


async def revoke_family(database: Database, token_hash: str) -> None:
    """End the session of a refresh token; harmless when there is none."""
    await database.statement(_REVOKE_FAMILY, {"token_hash": token_hash})


async def revoke(
    session: AsyncSession,
    user_id: str,
    *,
    only_id: str | None = None,
    spared_id: str | None = None,
) -> int:
    """End sessions of a user: all, one of them, or all but one; tell how many.

    Access tokens that were given out live on for their few minutes.
    """
    parameters = {"user_id": user_id, "only_id": only_id, "spared_id": spared_id}
    return len((await session.execute(_REVOKE, parameters)).all())


async def list_sessions(
    database: Database, user_id: str, *, limit: int, before_id: str | None = None
) -> list[SessionRow]:
    """Return what is signed in, the newest first, older than ``before_id``."""
    rows = await database.statement(
        _LIST, {"user_id": user_id, "limit": limit, "before_id": before_id}
    )
    return [SessionRow(**{**row, "method": SignInMethod(row["method"])}) for row in rows]
