"""Password hashes that Django made: read to let people of the old world in, never made here.

The stored forms are those of ``django.contrib.auth.hashers`` (Django 5.2). Work that a stored hash
asks for is bounded, so that none can keep a processor busy for long.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

import bcrypt
from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.argon2 import Argon2Hasher

_PBKDF2 = re.compile(r"(pbkdf2_sha256|pbkdf2_sha1)\$([1-9]\d{0,6})\$([^$]{1,128})\$([\w+/=]{1,88})")
_MOST_ITERATIONS = 3_000_000
"""Django's own default grows with each release: 1,000,000 in 5.2."""
_DIGESTS: Mapping[str, str] = {"pbkdf2_sha256": "sha256", "pbkdf2_sha1": "sha1"}

_BCRYPT = re.compile(r"(bcrypt_sha256|bcrypt)\$(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})")
_COSTS = range(4, 16)
_BCRYPT_BYTES = 72
"""Plain bcrypt reads no more; the library refuses what older ones cut off."""

_ARGON2 = re.compile(
    r"argon2(\$argon2(?:id|i|d)\$v=\d+\$m=(\d{1,7}),t=(\d{1,3}),p=\d{1,3}\$[\w+/]+\$[\w+/]+)"
)
_MOST_MEMORY_KIB = 1 << 20
_MOST_PASSES = 16


class _DjangoHasher:
    """What all have in common: a match is replaced at once, and none is made."""

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        raise NotImplementedError("a hash of the old world is never made here")

    def check_needs_rehash(self, hash: str | bytes) -> bool:  # noqa: A002, ARG002  # pwdlib's name
        return True


class DjangoPbkdf2Hasher(_DjangoHasher):
    """``pbkdf2_sha256$iterations$salt$digest``, and the same with SHA-1."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002  # pwdlib's name
        match = _PBKDF2.fullmatch(_text(hash))
        return match is not None and int(match[2]) <= _MOST_ITERATIONS

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002  # pwdlib's name
        algorithm, iterations, salt, expected = _text(hash).split("$")
        made = hashlib.pbkdf2_hmac(
            _DIGESTS[algorithm], _octets(password), salt.encode(), int(iterations)
        )
        return hmac.compare_digest(base64.b64encode(made), expected.encode())


class DjangoBcryptHasher(_DjangoHasher):
    """``bcrypt_sha256$$2b$…`` (of the password's SHA-256 in hex) and plain ``bcrypt$$2b$…``."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002  # pwdlib's name
        match = _BCRYPT.fullmatch(_text(hash))
        return match is not None and int(match[3]) in _COSTS

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002  # pwdlib's name
        algorithm, _, expected = _text(hash).partition("$")
        octets = _octets(password)
        if algorithm == "bcrypt_sha256":
            octets = hashlib.sha256(octets).hexdigest().encode()
        try:
            return bcrypt.checkpw(octets[:_BCRYPT_BYTES], expected.encode())
        except ValueError:  # a NUL, or a salt that bcrypt cannot read
            return False


class DjangoArgon2Hasher(_DjangoHasher):
    """``argon2$argon2id$v=…``: the PHC string with Django's word before it."""

    def __init__(self) -> None:
        self._argon2 = Argon2Hasher()

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002  # pwdlib's name
        match = _ARGON2.fullmatch(_text(hash))
        return (
            match is not None
            and int(match[2]) <= _MOST_MEMORY_KIB
            and 1 <= int(match[3]) <= _MOST_PASSES
        )

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002  # pwdlib's name
        return self._argon2.verify(password, _text(hash).removeprefix("argon2"))


_KINDS = (DjangoPbkdf2Hasher, DjangoBcryptHasher, DjangoArgon2Hasher)


def django_hashers() -> tuple[HasherProtocol, ...]:
    """Return one hasher for each kind of hash that is accepted from the old world."""
    return tuple(kind() for kind in _KINDS)


def is_django_hash(stored: str) -> bool:
    """Tell whether a sign-in takes this hash; one that asks for too much work it does not."""
    return any(kind.identify(stored) for kind in _KINDS)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", errors="replace")


def _octets(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
