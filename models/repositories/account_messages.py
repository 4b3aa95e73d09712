"""Messages of accounts, and the secrets in them that work once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.one_time import OneTimeSecrets
from models.users import MessageChannel, MessageKind

_HOUR = 3600
_DAY = 24 * _HOUR
LIFETIMES: Mapping[MessageKind, int] = {
    MessageKind.VERIFY_EMAIL: 2 * _DAY,
    MessageKind.VERIFY_PHONE: 600,
    MessageKind.RESET_PASSWORD: _HOUR,
    MessageKind.SIGN_IN_CODE: 600,
    MessageKind.INVITATION: 7 * _DAY,
}
"""How long the secret of a message works, in seconds."""

_NOTICE = 2 * _DAY
"""How long it is worth while to try to send a message without a secret, in seconds."""

CODES = frozenset({MessageKind.VERIFY_PHONE, MessageKind.SIGN_IN_CODE})
TOKENS = frozenset(LIFETIMES) - CODES


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """A message to write; ``recipient`` is an address or a number (E.164)."""

    kind: MessageKind
    recipient: str
    channel: MessageChannel = MessageChannel.EMAIL
    user_id: str | None = None
    id: str = field(default_factory=lambda: new_id(Prefix.MESSAGE))


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRow:
    """A message as its sender needs it."""

    id: str
    kind: MessageKind
    channel: MessageChannel
    recipient: str
    secret_hash: str | None
    expired: bool
    sent_at: datetime | None
    used_at: datetime | None
    failed_at: datetime | None
    vendor_name: str | None
    """Of an invitation: whose member the person shall be; None for staff."""


# A code or a link of the same kind that is not used yet ends with a newer one.
_WRITE = text("""
WITH ended AS (
    UPDATE account_messages SET used_at = now()
    WHERE recipient = :recipient AND kind = :kind AND used_at IS NULL AND id <> :id
      AND secret_hash IS NOT NULL
      AND (kind = 'sign_in_code' OR user_id IS NOT DISTINCT FROM :user_id)
)
INSERT INTO account_messages
    (id, kind, channel, recipient, user_id, secret_hash, expires_at)
VALUES (:id, :kind, :channel, :recipient, :user_id, :secret_hash,
    now() + make_interval(secs => :lifetime))
ON CONFLICT (id) DO NOTHING
""")

# The same for an address that nobody has as for one that somebody has: a message to a stranger
# is used up before it could be sent, unless strangers get one too. It goes to the address that is
# stored: another spelling of it may be another's mailbox.
_REQUEST = text("""
WITH person AS (
    SELECT id, CASE WHEN :channel = 'email' THEN email ELSE phone END AS recipient
    FROM users
    WHERE disabled_at IS NULL AND (NOT :unverified_only OR email_verified_at IS NULL)
      AND CASE WHEN :channel = 'email' THEN lower(email) = lower(:recipient)
          ELSE phone = :recipient END
), ended AS (
    UPDATE account_messages SET used_at = now()
    WHERE kind = :kind AND used_at IS NULL AND id <> :id
      AND recipient = coalesce((SELECT recipient FROM person), :recipient)
)
INSERT INTO account_messages
    (id, kind, channel, recipient, user_id, secret_hash, expires_at, used_at)
SELECT :id, :kind, :channel, coalesce((SELECT recipient FROM person), :recipient),
    (SELECT id FROM person), :secret_hash, now() + make_interval(secs => :lifetime),
    CASE WHEN :strangers OR EXISTS (SELECT FROM person) THEN NULL ELSE now() END
ON CONFLICT (id) DO NOTHING
""")

_FIND = text("""
SELECT m.id, m.kind, m.channel, m.recipient, m.secret_hash, m.expires_at <= now() AS expired,
    m.sent_at, m.used_at, m.failed_at, v.name AS vendor_name
FROM account_messages m
LEFT JOIN users u ON u.id = m.user_id
LEFT JOIN invitations i ON i.message_id = m.id
LEFT JOIN vendors v ON v.id = coalesce(i.vendor_id, u.vendor_id)
WHERE m.id = :id
""")

_UNSENT = text("""
SELECT id FROM account_messages
WHERE sent_at IS NULL AND failed_at IS NULL AND used_at IS NULL
  AND created_at < now() - interval '1 minute'
ORDER BY random() LIMIT 500
""")

_DELETE_OLD = text("""
WITH gone AS (
    DELETE FROM account_messages WHERE id IN (
        SELECT id FROM account_messages
        WHERE expires_at < now() - make_interval(days => :days) LIMIT 10000
    ) RETURNING 1
) SELECT count(*) AS number FROM gone
""")

_SENT = text("UPDATE account_messages SET sent_at = coalesce(sent_at, now()) WHERE id = :id")
_TROUBLE = text("""
UPDATE account_messages SET last_error = :error,
    failed_at = CASE WHEN :for_good THEN coalesce(failed_at, now()) ELSE failed_at END
WHERE id = :id
""")


def secret_of(secrets: OneTimeSecrets, kind: MessageKind, message_id: str) -> str | None:
    """Return the code or the token that a message carries; None for a notice."""
    if kind in CODES:
        return secrets.code(kind, message_id)
    return secrets.token(kind, message_id) if kind in TOKENS else None


async def write(session: AsyncSession, message: NewMessage, secrets: OneTimeSecrets) -> None:
    """Write a message in the caller's transaction; a second run with the same id changes nothing.

    It is sent by ``AccountMessageWorkflow``, which the caller starts after the commit.
    """
    await session.execute(_WRITE, _row(message, secrets))


async def write_alone(database: Database, message: NewMessage, secrets: OneTimeSecrets) -> None:
    """Write a message in a transaction of its own."""
    await database.statement(_WRITE, _row(message, secrets))


def _row(message: NewMessage, secrets: OneTimeSecrets) -> dict[str, object]:
    secret = secret_of(secrets, message.kind, message.id)
    return {
        "id": message.id,
        "kind": message.kind,
        "channel": message.channel,
        "recipient": message.recipient,
        "user_id": message.user_id,
        "secret_hash": secrets.hash(message.id, secret) if secret else None,
        "lifetime": float(LIFETIMES.get(message.kind, _NOTICE)),
    }


async def request(
    database: Database,
    message: NewMessage,
    secrets: OneTimeSecrets,
    *,
    strangers: bool = False,
    unverified_only: bool = False,
) -> None:
    """Write a message to whoever has this address or number.

    Nobody can tell from its time whether somebody has it.

    Args:
        database: where to.
        message: its ``user_id`` is found by the recipient.
        secrets: makes what is in it.
        strangers: somebody without an account gets it too.
        unverified_only: only for an account whose e-mail address is not confirmed yet.
    """
    await database.statement(
        _REQUEST,
        {
            **_row(message, secrets),
            "strangers": strangers,
            "unverified_only": unverified_only,
        },
    )


async def find(database: Database, message_id: str) -> MessageRow | None:
    rows = await database.statement(_FIND, {"id": message_id})
    if not rows:
        return None
    found = dict(rows[0])
    found |= {"kind": MessageKind(found["kind"]), "channel": MessageChannel(found["channel"])}
    return MessageRow(**found)


async def unsent(database: Database) -> list[str]:
    """Return messages that nothing became of for over a minute, at most 500 of them."""
    return [row["id"] for row in await database.statement(_UNSENT, {})]


async def delete_old(database: Database, days: int) -> int:
    """Forget messages that ended more than ``days`` ago; at most 10,000 a call."""
    return int((await database.statement(_DELETE_OLD, {"days": days}))[0]["number"])


async def mark_sent(database: Database, message_id: str) -> None:
    """Say that it is on its way; the first time counts."""
    await database.statement(_SENT, {"id": message_id})


async def mark_trouble(
    database: Database, message_id: str, error: str, *, for_good: bool = False
) -> None:
    """Say why it could not be sent, in words without personal data."""
    await database.statement(_TROUBLE, {"id": message_id, "error": error, "for_good": for_good})
