"""Secrets that work once: the links in e-mails and the codes in text messages.

A secret is derived (HMAC-SHA-256, RFC 2104) from the id of its message, so whoever sends the
message can write it again at any later try, and nothing but the key has to be kept secret. The
database has a keyed hash: a code of six digits could be guessed from a plain one.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import Self

from core.domain.ids import Prefix, is_id
from core.settings_people import AuthSettings

CODE_DIGITS = 6
_SEPARATOR = "."


class OneTimeSecrets:
    """Derives secrets and compares them; ``kind`` keeps those of one kind from opening another."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    @classmethod
    def of(cls, settings: AuthSettings) -> Self:
        return cls(settings.one_time_key.get_secret_value())

    def token(self, kind: str, message_id: str) -> str:
        """Return the token of a link: it names its message and proves that it was received."""
        proof = urlsafe_b64encode(self._digest("token", kind, message_id)).decode().rstrip("=")
        return f"{message_id}{_SEPARATOR}{proof}"

    def code(self, kind: str, message_id: str) -> str:
        """Return a code of six digits, for people to type."""
        number = int.from_bytes(self._digest("code", kind, message_id), "big")
        return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}}"

    def hash(self, message_id: str, secret: str) -> str:
        """Return what is stored of a secret."""
        return self._digest("hash", message_id, secret).hex()

    def matches(self, message_id: str, secret: str, secret_hash: str) -> bool:
        """Compare a secret with the stored hash, in constant time."""
        return hmac.compare_digest(self.hash(message_id, secret), secret_hash)

    def _digest(self, *parts: str) -> bytes:
        seed = "\x1f".join(parts).encode(errors="surrogatepass")
        return hmac.digest(self._key, seed, "sha256")


def message_of(token: str) -> str | None:
    """Return the id of the message that a token claims to come from; None when it cannot be one."""
    message_id, _, _ = token.partition(_SEPARATOR)
    return message_id if is_id(Prefix.MESSAGE, message_id) else None
