"""People and their sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from core.database import Database
from core.domain.permissions import RANKS, Permission, VendorRank


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
    has_totp: bool = False
    """Signs in with an authenticator, too."""

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
SELECT id AS user_id, role, vendor_id, vendor_rank, permissions, password_hash,
    totp_confirmed_at IS NOT NULL AS has_totp
FROM users
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
