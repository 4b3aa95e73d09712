"""Accounts that come from the old world, many at once, and what became of each record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.old_users import Account
from models.personal_data import OldUserOutcome
from models.users import Role

_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('migrate-v1-users', 0))")

_KNOWN = text("""
SELECT source_id, fingerprint, user_id, outcome, detail FROM old_users
WHERE source_id = ANY(:source_ids)
""")

_ACCOUNTS = text("""
SELECT id, email, email_verified_at IS NOT NULL AS email_verified, phone, name, role,
    password_hash IS NOT NULL AS has_password, disabled_at IS NULL AS is_open
FROM users WHERE lower(email) = ANY(:emails) OR phone = ANY(:phones)
ORDER BY id FOR UPDATE
""")

_COLUMNS = """
    id text, email text, email_verified boolean, phone text, name text, password_hash text,
    is_open boolean, joined_at timestamptz
"""

# Somebody who registers in this moment comes first: the record is a conflict then.
_ADD = text(f"""
INSERT INTO users (id, email, email_verified_at, phone, phone_verified_at, name, role,
    password_hash, created_at, disabled_at)
SELECT id, email, CASE WHEN email_verified THEN now() END, phone,
    CASE WHEN phone IS NOT NULL THEN now() END, name, 'customer', password_hash,
    coalesce(joined_at, now()), CASE WHEN NOT is_open THEN now() END
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS wanted ({_COLUMNS})
ON CONFLICT DO NOTHING
RETURNING id
""")

_FILL = text(f"""
UPDATE users u SET email = coalesce(u.email, w.email),
    email_verified_at = coalesce(
        u.email_verified_at,
        CASE WHEN w.email_verified AND lower(coalesce(u.email, w.email)) = lower(w.email)
            THEN now() END),
    phone = coalesce(u.phone, w.phone),
    phone_verified_at = coalesce(
        u.phone_verified_at, CASE WHEN w.phone IS NOT NULL THEN now() END),
    name = coalesce(nullif(u.name, ''), w.name),
    password_hash = coalesce(u.password_hash, w.password_hash),
    updated_at = now()
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS w ({_COLUMNS})
WHERE u.id = w.id AND u.erased_at IS NULL
""")

_WRITE = text("""
INSERT INTO old_users (source_id, fingerprint, user_id, outcome, detail)
SELECT source_id, fingerprint, user_id, outcome, detail
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS w
    (source_id text, fingerprint text, user_id text, outcome text, detail text)
ON CONFLICT (source_id) DO UPDATE SET fingerprint = excluded.fingerprint,
    user_id = excluded.user_id, outcome = excluded.outcome, detail = excluded.detail,
    updated_at = now()
""")

# A temporary table comes before the real one of its name, for this transaction alone.
_REHEARSAL = (
    text("CREATE TEMPORARY TABLE users (LIKE public.users INCLUDING ALL) ON COMMIT DROP"),
    text("INSERT INTO pg_temp.users SELECT * FROM public.users"),
    text("CREATE TEMPORARY TABLE old_users (LIKE public.old_users INCLUDING ALL) ON COMMIT DROP"),
    text("INSERT INTO pg_temp.old_users SELECT * FROM public.old_users"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordOutcome:
    """What became of a record; ``detail`` says why, without personal data."""

    source_id: str
    fingerprint: str
    user_id: str | None
    outcome: OldUserOutcome
    detail: str = ""


async def take_turn(session: AsyncSession) -> None:
    """Let one part of one migration at a time into the rest of the transaction."""
    await session.execute(_TURN)


async def rehearse(session: AsyncSession) -> None:
    """Make what this transaction does to accounts happen to a copy of them, gone at its end."""
    for statement in _REHEARSAL:
        await session.execute(statement)


async def find_outcomes(
    session: AsyncSession, source_ids: Collection[str]
) -> dict[str, RecordOutcome]:
    """Return what became of the records that were seen before."""
    rows = (await session.execute(_KNOWN, {"source_ids": list(source_ids)})).mappings()
    return {
        row["source_id"]: RecordOutcome(**{**row, "outcome": OldUserOutcome(row["outcome"])})
        for row in rows
    }


async def lock_accounts(
    session: AsyncSession, *, emails: Collection[str], phones: Collection[str]
) -> list[Account]:
    """Return, and lock, the accounts that have one of the addresses (in lower case) or numbers."""
    found = await session.execute(_ACCOUNTS, {"emails": list(emails), "phones": list(phones)})
    return [
        Account(
            id=row["id"],
            email=row["email"],
            email_verified=row["email_verified"],
            phone=row["phone"],
            name=row["name"],
            has_password=row["has_password"],
            is_customer=row["role"] == Role.CUSTOMER,
            is_open=row["is_open"],
        )
        for row in found.mappings()
    ]


async def add_accounts(session: AsyncSession, accounts: Sequence[Account]) -> set[str]:
    """Add customers; return the ids of those whose addresses nobody had."""
    rows = await session.execute(_ADD, {"rows": _recordset(accounts)})
    return set(rows.scalars())


async def fill_accounts(session: AsyncSession, accounts: Sequence[Account]) -> None:
    """Give accounts what they lack; what they have stays."""
    await session.execute(_FILL, {"rows": _recordset(accounts)})


async def write_outcomes(session: AsyncSession, outcomes: Sequence[RecordOutcome]) -> None:
    """Remember what became of records."""
    rows = [
        {
            "source_id": one.source_id,
            "fingerprint": one.fingerprint,
            "user_id": one.user_id,
            "outcome": one.outcome,
            "detail": one.detail,
        }
        for one in outcomes
    ]
    await session.execute(_WRITE, {"rows": orjson.dumps(rows).decode()})


def _recordset(accounts: Iterable[Account]) -> str:
    names = ("id", "email", "email_verified", "phone", "name", "password_hash", "is_open")
    rows = [
        {name: getattr(account, name) for name in (*names, "joined_at")} for account in accounts
    ]
    return orjson.dumps(rows).decode()
