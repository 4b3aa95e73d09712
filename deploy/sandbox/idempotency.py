"""Idempotency keys: what was answered once is answered again for 24 hours.

The rules are Stripe's (docs.stripe.com/api/idempotent_requests); the carrier follows them too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.sandbox.transaction import Transaction

WINDOW_SECONDS = 24 * 3600


class KeyInUseError(Exception):
    """The first request with the key is still running."""


class KeysInUse:
    """Keys whose first request has not committed yet; a crash frees them, as nothing happened."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()

    @contextmanager
    def claim(self, service: str, key: str | None) -> Iterator[None]:
        """Hold the key.

        Raises:
            KeyInUseError: Another request holds it.
        """
        if key is None:
            yield
            return
        if (service, key) in self._keys:
            raise KeyInUseError(key)
        self._keys.add((service, key))
        try:
            yield
        finally:
            self._keys.discard((service, key))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A keyed request: `fingerprint` is equal exactly when the payload is."""

    service: str
    key: str
    path: str
    fingerprint: bytes


@dataclass(frozen=True, kw_only=True)
class Remembered:
    path: str
    same_payload: bool
    status: int
    request_id: str
    body: bytes


def fingerprint(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def recall(transaction: Transaction, claim: Claim) -> Remembered | None:
    """What this key was answered within the last 24 hours."""
    row = transaction.connection.execute(
        "SELECT path, fingerprint, status, request_id, body FROM idempotency"
        " WHERE service = ? AND key = ? AND created > ?",
        (claim.service, claim.key, transaction.now - WINDOW_SECONDS),
    ).fetchone()
    if row is None:
        return None
    return Remembered(
        path=row["path"],
        same_payload=row["fingerprint"] == claim.fingerprint,
        status=row["status"],
        request_id=row["request_id"],
        body=row["body"],
    )


def remember(
    transaction: Transaction, claim: Claim, *, status: int, request_id: str, body: bytes
) -> None:
    """Store an answer in the transaction of its effect; an expired one of the key is replaced."""
    transaction.connection.execute(
        "INSERT OR REPLACE INTO idempotency"
        " (service, key, path, fingerprint, status, request_id, body, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            claim.service,
            claim.key,
            claim.path,
            claim.fingerprint,
            status,
            request_id,
            body,
            transaction.now,
        ),
    )
