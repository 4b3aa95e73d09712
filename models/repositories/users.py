"""People and their sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from core.database import Database
from core.domain.permissions import RANKS, Permission, VendorRank
from models.users import SignInMethod


@dataclass(frozen=True, kw_only=True, slots=True)
class UserRow:
    id: str
    email: str | None
    name: str
    role: str
    vendor_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What a sign-in needs; ``password_hash`` is None for those who have no password."""

    user_id: str
    role: str
    vendor_id: str | None
    vendor_rank: str | None
    permissions: Sequence[str]
    """What somebody of staff may do."""
    password_hash: str | None
    session_id: str | None = None

    @property
    def granted(self) -> frozenset[Permission]:
        """What the account may do, as staff or as a member of its vendor."""
        if self.vendor_rank is not None:
            return RANKS[VendorRank(self.vendor_rank)]
        return frozenset(Permission(word) for word in self.permissions)


_INSERT = text("""
INSERT INTO users (id, email, name, role, password_hash)
VALUES (:id, :email, :name, 'customer', :password_hash)
ON CONFLICT DO NOTHING
RETURNING id
""")

_CREDENTIALS = text("""
SELECT id AS user_id, role, vendor_id, vendor_rank, permissions, password_hash FROM users
WHERE lower(email) = lower(:email) AND disabled_at IS NULL
""")

_REPLACE_HASH = text(
    "UPDATE users SET password_hash = :replacement WHERE id = :id AND password_hash = :present"
)

_COLUMNS = "id, email, name, role, vendor_id, created_at, updated_at"
_USER = text(f"SELECT {_COLUMNS} FROM users WHERE id = :id AND disabled_at IS NULL")
_RENAME = text(
    "UPDATE users SET name = :name, updated_at = now() "
    f"WHERE id = :id AND disabled_at IS NULL RETURNING {_COLUMNS}"
)

_OPEN_SESSION = text("""
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
    RETURNING t.family_id, t.user_id, u.role, u.vendor_id, u.vendor_rank, u.permissions
), seen AS (
    UPDATE sessions s SET last_used_at = now(),
        expires_at = now() + make_interval(secs => :lifetime)
    FROM used WHERE s.id = used.family_id
), made AS (
    INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
    SELECT :new_hash, family_id, user_id, now() + make_interval(secs => :lifetime) FROM used
)
SELECT user_id, role, vendor_id, vendor_rank, permissions, NULL AS password_hash,
    family_id AS session_id
FROM used
""")

_REVOKE_FAMILY = text("""
WITH ended AS (
    UPDATE sessions SET revoked_at = now()
    WHERE revoked_at IS NULL
      AND id = (SELECT family_id FROM refresh_tokens WHERE token_hash = :token_hash)
)
UPDATE refresh_tokens SET revoked_at = now()
WHERE revoked_at IS NULL
  AND family_id = (SELECT family_id FROM refresh_tokens WHERE token_hash = :token_hash)
""")


async def add_user(
    database: Database, *, user_id: str, email: str, name: str, password_hash: str
) -> bool:
    """Add a customer; False, and nothing changes, when the e-mail address is taken."""
    rows = await database.statement(
        _INSERT, {"id": user_id, "email": email, "name": name, "password_hash": password_hash}
    )
    return bool(rows)


async def find_credentials(database: Database, email: str) -> Credentials | None:
    rows = await database.statement(_CREDENTIALS, {"email": email})
    return Credentials(**rows[0]) if rows else None


async def replace_password_hash(
    database: Database, user_id: str, *, present: str, replacement: str
) -> None:
    """Put today's hash of the same password in the place of an old one, unless it has changed."""
    await database.statement(
        _REPLACE_HASH, {"id": user_id, "present": present, "replacement": replacement}
    )


async def find_user(database: Database, user_id: str) -> UserRow | None:
    rows = await database.statement(_USER, {"id": user_id})
    return UserRow(**rows[0]) if rows else None


async def rename_user(database: Database, user_id: str, name: str) -> UserRow | None:
    rows = await database.statement(_RENAME, {"id": user_id, "name": name})
    return UserRow(**rows[0]) if rows else None


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


async def open_session(database: Database, wanted: NewSession) -> None:
    """Start a session and its family of refresh tokens."""
    await database.statement(
        _OPEN_SESSION,
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


async def rotate_session(
    database: Database, *, old_hash: str, new_hash: str, lifetime_seconds: int
) -> Credentials | None:
    """Swap a refresh token for its successor; None, and its family ends, if it is not fresh."""
    rows = await database.statement(
        _ROTATE,
        {"old_hash": old_hash, "new_hash": new_hash, "lifetime": float(lifetime_seconds)},
    )
    if rows:
        return Credentials(**rows[0])
    await revoke_session(database, old_hash)
    return None


async def revoke_session(database: Database, token_hash: str) -> None:
    """End the family of a token; harmless when there is none."""
    await database.statement(_REVOKE_FAMILY, {"token_hash": token_hash})
