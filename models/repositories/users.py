"""People, and how they prove who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.permissions import RANKS, Permission, VendorRank


@dataclass(frozen=True, kw_only=True, slots=True)
class UserRow:
    id: str
    email: str | None
    email_verified_at: datetime | None
    phone: str | None
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """Whose an address is now: of the account that was made, or of one that was there before."""

    user_id: str | None
    """None when another registration of the same address has only just begun."""
    made: bool


# One statement for both: the time tells nobody whether the address was known.
_REGISTER = text("""
WITH made AS (
    INSERT INTO users (id, email, name, role, password_hash)
    VALUES (:id, :email, :name, 'customer', :password_hash)
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT id AS user_id, true AS made FROM made
UNION ALL
SELECT id, false FROM users WHERE lower(email) = lower(:email) AND NOT EXISTS (SELECT FROM made)
""")

_CREDENTIAL_COLUMNS = (
    "id AS user_id, role, vendor_id, vendor_rank, permissions, password_hash, "
    "totp_confirmed_at IS NOT NULL AS has_totp"
)
_CREDENTIALS = text(
    f"SELECT {_CREDENTIAL_COLUMNS} FROM users "
    "WHERE lower(email) = lower(:email) AND disabled_at IS NULL"
)
_CREDENTIALS_BY_ID = text(
    f"SELECT {_CREDENTIAL_COLUMNS} FROM users WHERE id = :id AND disabled_at IS NULL"
)

_REPLACE_HASH = text(
    "UPDATE users SET password_hash = :replacement WHERE id = :id AND password_hash = :present"
)

_COLUMNS = "id, email, email_verified_at, phone, name, role, vendor_id, created_at, updated_at"
_USER = text(f"SELECT {_COLUMNS} FROM users WHERE id = :id AND disabled_at IS NULL")
_RENAME = text(
    "UPDATE users SET name = :name, updated_at = now() "
    f"WHERE id = :id AND disabled_at IS NULL RETURNING {_COLUMNS}"
)


async def register(
    session: AsyncSession, *, user_id: str, email: str, name: str, password_hash: str
) -> Registered:
    """Add a customer; nothing changes when the e-mail address is taken."""
    rows = await session.execute(
        _REGISTER, {"id": user_id, "email": email, "name": name, "password_hash": password_hash}
    )
    row = rows.mappings().one_or_none()
    return Registered(**row) if row else Registered(user_id=None, made=False)


async def find_credentials(database: Database, email: str) -> Credentials | None:
    rows = await database.statement(_CREDENTIALS, {"email": email})
    return Credentials(**rows[0]) if rows else None


async def find_credentials_by_id(database: Database, user_id: str) -> Credentials | None:
    rows = await database.statement(_CREDENTIALS_BY_ID, {"id": user_id})
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
