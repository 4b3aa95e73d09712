"""What was delivered: every message, with whom it went to and what it says."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson

from deploy.sandbox.documents import Json
from deploy.sandbox.transaction import Transaction

MESSAGE = "message"
EMAIL = "email"
SMS = "sms"
MAX_LISTED = 1000


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A message as its recipient sees it; ``reference`` is the sender's own name for it."""

    channel: str
    to: str
    sender: str
    subject: str
    text: str
    reference: str


def deliver(transaction: Transaction, message: Delivered) -> Json:
    """Put a message into the recipient's mailbox."""
    kept: Json = {
        "id": f"smsg_{secrets.token_hex(8)}",
        "at": datetime.fromtimestamp(transaction.now, UTC).isoformat(timespec="milliseconds"),
        **asdict(message),
    }
    transaction.documents.add(
        MESSAGE, kept, created=transaction.now_seconds, reference=message.to.lower()
    )
    return kept


def delivered(connection: sqlite3.Connection, *, to: str | None) -> list[Json]:
    """Return what came to an address or a number, or to all of them, the newest first."""
    rows = connection.execute(
        "SELECT body FROM document WHERE kind = ? AND reference = coalesce(?, reference)"
        " ORDER BY seq DESC LIMIT ?",
        (MESSAGE, to.lower() if to else None, MAX_LISTED),
    )
    return [orjson.loads(row["body"]) for row in rows]
