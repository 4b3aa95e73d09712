"""Passwords, access tokens and refresh tokens."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import GuestProtocol, OctKey
from joserfc.jws import JWSRegistry
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from core.django_hashes import django_hashers
from core.domain.errors import NotAuthenticatedError
from core.domain.permissions import Permission, allows
from core.settings_people import AuthSettings

ALGORITHM = "HS256"
KNOWN = frozenset(permission.value for permission in Permission)
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 256
_ACCEPTABLE_SCORE = 2
"""zxcvbn: 2 stands for 10^6 to 10^8 guesses; its lists hold the usual breached passwords."""
_BREACHED = frozenset(FREQUENCY_LISTS["passwords"])
"""The 30,000 most common of breached passwords, in lower case; zxcvbn finds variations of them."""
_ZXCVBN_LIMIT = 72
"""Its time grows with the square of the length; the rest of a longer password only helps."""
_ZXCVBN_LOCK = threading.Lock()
"""It keeps what is known of the person in a table of its module."""
_REFRESH_TOKEN_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordCheck:
    """Whether a password is right, and the hash that shall take the place of an old one."""

    matches: bool
    replacement: str | None = None


class Passwords:
    """Argon2id, off the event loop; hashes of the old world are read, and replaced when they match.

    Args:
        hasher: another set of hashers.
        failure_seconds: a failed check takes at least as long. The hashes of the old world are
            slower than Argon2id: without it, the time would tell that an account came from there.
    """

    def __init__(self, hasher: PasswordHash | None = None, failure_seconds: float = 0.0) -> None:
        self._hasher = hasher or PasswordHash((Argon2Hasher(), *django_hashers()))
        self._dummy = self._hasher.hash(secrets.token_urlsafe())
        self._failure_seconds = failure_seconds

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Compare; an unknown user (no hash) takes as long as a known one and never matches."""
        return (await self.check(password, password_hash)).matches

    async def check(self, password: str, password_hash: str | None) -> PasswordCheck:
        """Compare as ``verify`` does, and make a new hash when the right one is not of today."""
        began = time.monotonic()
        try:
            matches, replacement = await asyncio.to_thread(
                self._hasher.verify_and_update, password, password_hash or self._dummy
            )
        except UnknownHashError:
            matches, replacement = False, None
        if matches and password_hash is not None:
            return PasswordCheck(matches=True, replacement=replacement)
        await asyncio.sleep(began + self._failure_seconds - time.monotonic())
        return PasswordCheck(matches=False)


def password_weakness(password: str, *, about: Sequence[str] = ()) -> str | None:
    """Say in words why a password is too easy to guess, or return None when it is not.

    Args:
        password: at most ``MAX_PASSWORD_LENGTH`` characters.
        about: what an attacker knows of the person: name, e-mail address.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        return f"a password has at least {MIN_PASSWORD_LENGTH} characters"
    if password.lower() in _BREACHED:
        return "this password is in the lists of breached ones"
    known = [part[:_ZXCVBN_LIMIT] for part in about]
    known += [piece for part in about for piece in part[:_ZXCVBN_LIMIT].split("@")]
    with _ZXCVBN_LOCK:
        result = zxcvbn(password[:_ZXCVBN_LIMIT], user_inputs=known)
    if result["score"] >= _ACCEPTABLE_SCORE:
        return None
    warning = result["feedback"]["warning"].rstrip(".").lower()
    return warning or "this password is easy to guess; add another word or two"


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who asks, as the access token or the API key says it."""

    user_id: str
    role: str
    vendor_id: str | None = None
    permissions: frozenset[Permission] = frozenset()
    """What they may do: of staff their own, of a vendor's member those of the rank."""
    session_id: str | None = None
    impersonator_id: str | None = None
    """Who of staff acts as the user, for support."""
    api_key_id: str | None = None
    """A machine's key; ``user_id`` is then who made it."""

    def is_staff_with(self, permission: Permission) -> bool:
        """Tell whether somebody of staff, or a key of theirs, has the permission."""
        return self.role == "staff" and allows(self.permissions, permission)

    @property
    def actor(self) -> str:
        """The name in timelines and in the audit log; whoever is behind it is named too."""
        who = f"{self.role}:{self.user_id}"
        if self.api_key_id:
            return f"{self.role}:{self.api_key_id}"
        return f"staff:{self.impersonator_id} as {who}" if self.impersonator_id else who


class AccessTokens:
    """Signs and reads access tokens: JWT (RFC 7519), HS256, the key named by ``kid``.

    ``sid`` is the session; ``scope`` the permissions (RFC 9068); ``act`` who acts as somebody else
    (RFC 8693).
    """

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

    def issue(self, principal: Principal, *, lifetime_seconds: int | None = None) -> str:
        """Return a token; it lives as long as all do, if nothing else is said."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self._issuer,
            "sub": principal.user_id,
            "role": principal.role,
            "iat": now,
            "exp": now + (lifetime_seconds or self.lifetime_seconds),
        }
        if principal.vendor_id:
            claims["vendor_id"] = principal.vendor_id
        if principal.permissions:
            claims["scope"] = " ".join(sorted(principal.permissions))
        if principal.session_id:
            claims["sid"] = principal.session_id
        if principal.impersonator_id:
            claims["act"] = {"sub": principal.impersonator_id}
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
        claims = decoded.claims
        act = claims.get("act", {})
        if not isinstance(act, dict):
            raise NotAuthenticatedError("the access token is not valid")
        return Principal(
            user_id=str(claims["sub"]),
            role=str(claims["role"]),
            vendor_id=claims.get("vendor_id"),
            permissions=_permissions(str(claims.get("scope", ""))),
            session_id=claims.get("sid"),
            impersonator_id=act.get("sub"),
        )

    def _key_of(self, token: GuestProtocol) -> OctKey:
        try:
            return self._keys[str(token.headers().get("kid"))]
        except KeyError:
            raise InvalidKeyIdError from None


def _permissions(scope: str) -> frozenset[Permission]:
    """Read a ``scope`` claim; a permission that there is no more gives nothing."""
    return frozenset(Permission(word) for word in scope.split() if word in KNOWN)


def new_refresh_token() -> str:
    """Return an opaque token of 256 random bits."""
    return secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)


def hash_refresh_token(token: str) -> str:
    """Return what is stored of a refresh token; its entropy needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
