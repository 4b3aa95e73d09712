"""Keys of machines: ``pk_``, the id of the key, and a secret of 256 bits.

The id finds the row, and the secret is compared in constant time; only its SHA-256 is stored, for
its entropy needs no salt. A secret is derived (HMAC-SHA-256, RFC 2104) from the request that asked
for it, so that the same request gets the same answer and no answer with a secret is stored.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

from core.domain.ids import Prefix, is_id

MARK = "pk_"


def new_key(key_id: str, *, occasion: str, master: str) -> str:
    """Return what the machine sends.

    Args:
        key_id: which key.
        occasion: the request that asks for it: another one gets another secret.
        master: the platform's own key (``auth.one_time_key``).
    """
    seed = f"api-key\x1f{key_id}\x1f{occasion}"
    secret = urlsafe_b64encode(hmac.digest(master.encode(), seed.encode(), "sha256"))
    suffix = key_id.removeprefix(f"{Prefix.API_KEY}_")
    return f"{MARK}{suffix}_{secret.decode().rstrip('=')}"


def key_id_of(key: str) -> str | None:
    """Return the id that a key claims; None when it cannot be one of ours."""
    suffix, _, _ = key.removeprefix(MARK).partition("_")
    key_id = f"{Prefix.API_KEY}_{suffix}"
    return key_id if is_id(Prefix.API_KEY, key_id) else None


def hash_of(key: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def matches(key: str, stored: str | None) -> bool:
    """Compare a key with a stored hash, in constant time."""
    return stored is not None and hmac.compare_digest(hash_of(key), stored)
