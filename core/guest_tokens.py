"""What people without an account prove themselves with: a cart's token and an order's token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

_CART_TOKEN_BYTES = 32


def new_cart_token() -> str:
    """Return an opaque token of 256 random bits; it is shown once."""
    return secrets.token_urlsafe(_CART_TOKEN_BYTES)


def hash_cart_token(token: str) -> str:
    """Return what is stored of a cart's token; its entropy needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_cart_token(token: str, token_hash: str) -> bool:
    """Compare a token with the stored hash, in constant time."""
    return hmac.compare_digest(hash_cart_token(token), token_hash)


class OrderTokens:
    """The token of an order is a keyed hash of its id (HMAC-SHA-256, RFC 2104): nothing is stored.

    Who has it may read the order and act on it as its guest; it ends when the key is changed.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def issue(self, order_id: str) -> str:
        digest = hmac.digest(self._key, b"order-token\x1f" + order_id.encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def matches(self, order_id: str, token: str) -> bool:
        """Compare in constant time; anything that is not ASCII is no token of ours."""
        return token.isascii() and hmac.compare_digest(self.issue(order_id), token)
