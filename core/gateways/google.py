"""Google's ID tokens: whose account it is, as Google's published keys prove.

Source: Google Identity, "Verify the Google ID token on your server side", and OpenID Connect Core,
section 3.1.3.7. The subject names the account; its address may change.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from dataclasses import dataclass
from typing import Any, Protocol, Self

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from core.domain.errors import NotAuthenticatedError, UnavailableError
from core.settings_people import GoogleSettings

PROVIDER = "google"
ISSUERS = ["https://accounts.google.com", "accounts.google.com"]
_REFUSED = "the Google ID token is not valid"
_LEEWAY_SECONDS = 30
_LEAST_SECONDS_BETWEEN_FETCHES = 10.0
_MAX_AGE = re.compile(r"max-age=(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class GoogleAccount:
    """What a token says; ``email_verified`` is Google's own word for the address."""

    subject: str
    email: str | None
    email_verified: bool
    name: str


class GoogleTokens(Protocol):
    """Whoever can tell a genuine ID token."""

    async def verify(self, id_token: str, *, nonce: str | None) -> GoogleAccount:
        """Return the account of a genuine token that is meant for us, now.

        Raises:
            NotAuthenticatedError: not genuine, not for us, too old, or of another sign-in.
            UnavailableError: Google's keys cannot be read now.
        """
        ...

    async def close(self) -> None: ...


class JwksGoogleTokens:
    """Reads the keys where Google publishes them, and again when they are old or one is missing.

    Keys that are old are better than none: while they cannot be read again, those known stay.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        settings: GoogleSettings,
        *,
        pause_seconds: float = _LEAST_SECONDS_BETWEEN_FETCHES,
    ) -> None:
        self._pause_seconds = pause_seconds
        self._http = http
        self._settings = settings
        self._registry = JWSRegistry(algorithms=["RS256"])
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "values": ISSUERS},
            aud={"essential": True, "values": list(settings.client_ids)},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        self._keys: KeySet | None = None
        self._fresh_until = 0.0
        self._fetch_again_at = 0.0
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    def open(cls, settings: GoogleSettings) -> Self:
        return cls(httpx.AsyncClient(timeout=settings.timeout_seconds), settings)

    async def verify(self, id_token: str, *, nonce: str | None) -> GoogleAccount:
        if not self._settings.client_ids:
            raise NotAuthenticatedError("sign-in with Google is not offered here")
        claims = await self._claims_of(id_token)
        sent = claims.get("nonce")
        if sent is not None or nonce is not None:
            told = (str(sent or ""), nonce or "")
            if not hmac.compare_digest(*(one.encode(errors="surrogatepass") for one in told)):
                raise NotAuthenticatedError(_REFUSED)
        email = claims.get("email")
        return GoogleAccount(
            subject=str(claims["sub"]),
            email=email if isinstance(email, str) else None,
            email_verified=claims.get("email_verified") is True,
            name=str(claims.get("name") or ""),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def _claims_of(self, id_token: str) -> dict[str, Any]:
        now = time.monotonic()
        if self._keys is None or now >= self._fresh_until:
            await self._fetch()
        try:
            return self._decoded(id_token)
        except _UnknownKeyError:
            await self._fetch()
        try:
            return self._decoded(id_token)
        except _UnknownKeyError as error:
            raise NotAuthenticatedError(_REFUSED) from error

    def _decoded(self, id_token: str) -> dict[str, Any]:
        try:
            token = jwt.decode(id_token, self._key_of, registry=self._registry)
            self._claims.validate(token.claims)
        except (JoseError, ValueError, TypeError, UnicodeError) as error:
            raise NotAuthenticatedError(_REFUSED) from error
        return token.claims

    def _key_of(self, token: Any) -> Any:
        wanted = token.headers().get("kid")
        for key in self._keys or ():
            if key.kid == wanted and key.key_type == "RSA":
                return key
        raise _UnknownKeyError

    async def _fetch(self) -> None:
        """Read the keys, but not more often than every ten seconds, whatever tokens name.

        Raises:
            UnavailableError: they cannot be read, and none are known.
        """
        async with self._one_at_a_time:
            if time.monotonic() < self._fetch_again_at:
                if self._keys is None:
                    raise UnavailableError("Google's keys cannot be read now")
                return
            self._fetch_again_at = time.monotonic() + self._pause_seconds
            try:
                answer = await self._http.get(self._settings.jwks_url)
                answer.raise_for_status()
                self._keys = KeySet.import_key_set(answer.json())
            except (httpx.HTTPError, JoseError, ValueError, TypeError, KeyError) as error:
                if self._keys is None:
                    raise UnavailableError("Google's keys cannot be read now") from error
                return
            told = _MAX_AGE.search(answer.headers.get("cache-control", ""))
            age = min(int(told[1]) if told else 0, self._settings.longest_cache_seconds)
            self._fresh_until = time.monotonic() + age


class _UnknownKeyError(Exception):
    """The token names a key that is not, or not yet, among those known."""
