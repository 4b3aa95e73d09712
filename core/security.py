"""Passwords, access tokens and refresh tokens."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import GuestProtocol, OctKey
from joserfc.jws import JWSRegistry
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from zxcvbn import zxcvbn

from core.domain.errors import NotAuthenticatedError
from core.settings import AuthSettings

ALGORITHM = "HS256"
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 256
_ACCEPTABLE_SCORE = 2
"""zxcvbn: 2 stands for 10^6 to 10^8 guesses; its lists hold the usual breached passwords."""
_ZXCVBN_LIMIT = 72
"""Its time grows with the square of the length; the rest of a longer password only helps."""
_REFRESH_TOKEN_BYTES = 32


class Passwords:
    """Argon2id, off the event loop."""

    def __init__(self, hasher: PasswordHash | None = None) -> None:
        self._hasher = hasher or PasswordHash((Argon2Hasher(),))
        self._dummy = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Compare; an unknown user (no hash) takes as long as a known one and never matches."""
        matches = await asyncio.to_thread(
            self._hasher.verify, password, password_hash or self._dummy
        )
        return matches and password_hash is not None


def password_weakness(password: str, *, about: Sequence[str] = ()) -> str | None:
    """Say in words why a password is too easy to guess, or return None when it is not.

    Args:
        password: at most ``MAX_PASSWORD_LENGTH`` characters.
        about: what an attacker knows of the person: name, e-mail address.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        return f"a password has at least {MIN_PASSWORD_LENGTH} characters"
    known = [part[:_ZXCVBN_LIMIT] for part in about]
    known += [piece for part in about for piece in part[:_ZXCVBN_LIMIT].split("@")]
    result = zxcvbn(password[:_ZXCVBN_LIMIT], user_inputs=known)
    if result["score"] >= _ACCEPTABLE_SCORE:
        return None
    warning = result["feedback"]["warning"].rstrip(".").lower()
    return warning or "this password is easy to guess; add another word or two"


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who asks, as the access token says it."""

    user_id: str
    role: str
    vendor_id: str | None = None


class AccessTokens:
    """Signs and reads access tokens: JWT (RFC 7519), HS256, the key named by ``kid``."""

    def __init__(
        self, *, issuer: str, lifetime_seconds: int, key_id: str, keys: Mapping[str, str]
    ) -> None:
        self.lifetime_seconds = lifetime_seconds
        self._issuer = issuer
        self._key_id = key_id
        self._keys = {kid: OctKey.import_key(key) for kid, key in keys.items()}
        self._registry = JWSRegistry(algorithms=[ALGORITHM])
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            exp={"essential": True},
            sub={"essential": True},
            role={"essential": True},
        )

    @classmethod
    def of(cls, settings: AuthSettings) -> Self:
        previous = {kid: key.get_secret_value() for kid, key in settings.previous_jwt_keys.items()}
        return cls(
            issuer=settings.issuer,
            lifetime_seconds=settings.access_token_seconds,
            key_id=settings.jwt_key_id,
            keys=previous | {settings.jwt_key_id: settings.jwt_key.get_secret_value()},
        )

    def issue(self, principal: Principal) -> str:
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "sub": principal.user_id,
            "role": principal.role,
            "iat": now,
            "exp": now + self.lifetime_seconds,
        }
        if principal.vendor_id:
            claims["vendor_id"] = principal.vendor_id
        header = {"alg": ALGORITHM, "kid": self._key_id}
        return jwt.encode(header, claims, self._keys[self._key_id], registry=self._registry)

    def read(self, token: str) -> Principal:
        """Check the signature and the claims.

        Raises:
            NotAuthenticatedError: not a token of ours, or no longer.
        """
        try:
            decoded = jwt.decode(token, self._key_of, registry=self._registry)
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise NotAuthenticatedError("the access token is not valid") from error
        vendor_id = decoded.claims.get("vendor_id")
        return Principal(
            user_id=str(decoded.claims["sub"]),
            role=str(decoded.claims["role"]),
            vendor_id=None if vendor_id is None else str(vendor_id),
        )

    def _key_of(self, token: GuestProtocol) -> OctKey:
        try:
            return self._keys[str(token.headers().get("kid"))]
        except KeyError:
            raise InvalidKeyIdError from None


def new_refresh_token() -> str:
    """Return an opaque token of 256 random bits."""
    return secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)


def hash_refresh_token(token: str) -> str:
    """Return what is stored of a refresh token; its entropy needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
