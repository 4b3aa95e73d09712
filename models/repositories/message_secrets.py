"""The secrets that messages of accounts carry: each is taken once, in time, and by its own kind."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.one_time import OneTimeSecrets, message_of
from models.users import MessageKind

WRONG_CODES = 5
"""So many wrong tries end a code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What somebody has shown by a secret: that they read what was sent to ``recipient``."""

    message_id: str
    recipient: str
    user_id: str | None


_BY_TOKEN = text("""
SELECT id, recipient, user_id, secret_hash FROM account_messages
WHERE id = :id AND kind = :kind AND used_at IS NULL AND expires_at > now()
FOR UPDATE
""")
_BY_RECIPIENT = text("""
SELECT id, recipient, user_id, secret_hash FROM account_messages
WHERE lower(recipient) = lower(:recipient) AND kind = :kind AND used_at IS NULL
  AND expires_at > now() AND (CAST(:user_id AS text) IS NULL OR user_id = :user_id)
ORDER BY id DESC LIMIT 1
FOR UPDATE
""")
_USE = text("UPDATE account_messages SET used_at = now() WHERE id = :id")
_WRONG = text("""
UPDATE account_messages SET wrong_attempts = wrong_attempts + 1,
    used_at = CASE WHEN wrong_attempts + 1 >= :most THEN now() END
WHERE id = :id
""")

_END_ALL = text("""
UPDATE account_messages SET used_at = now()
WHERE user_id = :user_id AND used_at IS NULL AND secret_hash IS NOT NULL
""")


async def end_all(session: AsyncSession, user_id: str) -> None:
    """End every link and code of a user: what they would open has changed."""
    await session.execute(_END_ALL, {"user_id": user_id})


async def use_token(
    session: AsyncSession, kind: MessageKind, token: str, secrets: OneTimeSecrets
) -> Proof | None:
    """Take the token of a link, once; None when it is not valid, or not any more."""
    message_id = message_of(token)
    if message_id is None:
        return None
    rows = await session.execute(_BY_TOKEN, {"id": message_id, "kind": kind})
    row = rows.mappings().one_or_none()
    if row is None or not secrets.matches(message_id, token, row["secret_hash"]):
        return None
    await session.execute(_USE, {"id": message_id})
    return Proof(message_id=message_id, recipient=row["recipient"], user_id=row["user_id"])


async def try_code(
    session: AsyncSession,
    kind: MessageKind,
    code: str,
    secrets: OneTimeSecrets,
    *,
    recipient: str,
    user_id: str | None = None,
) -> Proof | None:
    """Try the newest code that a recipient was sent; the caller commits a wrong try too.

    Args:
        session: the caller's transaction.
        kind: of the code.
        code: what was typed.
        secrets: compares.
        recipient: the address or number.
        user_id: whose the code must be, if it must be somebody's.
    """
    wanted = {"recipient": recipient, "kind": kind, "user_id": user_id}
    row = (await session.execute(_BY_RECIPIENT, wanted)).mappings().one_or_none()
    if row is None:
        return None
    if not secrets.matches(row["id"], code, row["secret_hash"]):
        await session.execute(_WRONG, {"id": row["id"], "most": WRONG_CODES})
        return None
    await session.execute(_USE, {"id": row["id"]})
    return Proof(message_id=row["id"], recipient=row["recipient"], user_id=row["user_id"])
