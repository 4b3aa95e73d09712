"""ID tokens of Google: genuine ones are read, and every other one is refused."""

from __future__ import annotations

import asyncio
import hmac
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from core.domain.errors import NotAuthenticatedError, UnavailableError
from core.gateways.google import GoogleAccount, JwksGoogleTokens
from core.settings import Settings
from core.settings_people import GoogleSettings

EMAIL = "ada@shop.perdure.dev"


class Google:
    """The sandbox's Google, and how often its keys were read."""

    def __init__(self, url: str, settings: GoogleSettings) -> None:
        self.http = httpx.AsyncClient(base_url=url)
        self.fetches = 0
        self.down = False
        self.wire = httpx.AsyncHTTPTransport()

        async def handle(request: httpx.Request) -> httpx.Response:
            self.fetches += 1
            if self.down:
                raise httpx.ConnectError("down")
            return await self.wire.handle_async_request(request)

        self.settings = settings
        self.transport = httpx.MockTransport(handle)

    def tokens(self, *, pause_seconds: float = 0.0) -> JwksGoogleTokens:
        http = httpx.AsyncClient(transport=self.transport)
        return JwksGoogleTokens(http, self.settings, pause_seconds=pause_seconds)

    async def mint(self, **wanted: Any) -> str:
        answer = await self.http.post("/google/mint", json={"email": EMAIL, **wanted})
        return str(answer.json()["id_token"])


@pytest.fixture
async def google(sandbox_url: str, settings: Settings) -> AsyncIterator[Google]:
    made = Google(sandbox_url, settings.google)
    async with made.http, made.wire:
        yield made


async def test_genuine_token_tells_whose_account_it_is(google: Google) -> None:
    token = await google.mint(subject="110169484474386276334", name="Ada", nonce="n-1")

    account = await google.tokens().verify(token, nonce="n-1")

    assert account == GoogleAccount(
        subject="110169484474386276334", email=EMAIL, email_verified=True, name="Ada"
    )


@pytest.mark.parametrize(
    "wanted",
    [
        {"claims": {"iss": "https://accounts.example.com"}},
        {"claims": {"iss": None}},
        {"claims": {"aud": "somebody-else.apps.googleusercontent.com"}},
        {"claims": {"aud": None}},
        {"claims": {"sub": None}},
        {"claims": {"exp": None}},
        {"expires_in": -60},
        {"published": False},
        {"nonce": "n-2"},
    ],
    ids=str,
)
async def test_token_that_is_not_for_us_now_is_refused(
    google: Google, wanted: dict[str, Any]
) -> None:
    token = await google.mint(**wanted)

    with pytest.raises(NotAuthenticatedError):
        await google.tokens().verify(token, nonce=None)


async def test_nonce_has_to_come_back(google: Google) -> None:
    tokens = google.tokens()

    for token in (await google.mint(), await google.mint(nonce="another")):
        with pytest.raises(NotAuthenticatedError):
            await tokens.verify(token, nonce="n-1")


@pytest.mark.parametrize("text", ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\udcff", "..", "ä.ö.ü"])
async def test_text_that_is_no_token_is_refused(google: Google, text: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        await google.tokens().verify(text, nonce=None)


async def test_other_algorithms_and_keys_in_the_header_are_refused(google: Google) -> None:
    genuine = await google.mint()
    claims = jwt.decode(
        genuine, RSAKey.import_key(await _published(google)), algorithms=["RS256"]
    ).claims
    public = RSAKey.import_key(await _published(google))
    own = RSAKey.generate_key(2048)
    forged = [
        _hs256({"alg": "HS256", "kid": public.kid}, claims, public.as_pem(private=False)),
        jwt.encode(
            {"alg": "RS256", "kid": public.kid, "jwk": own.as_dict(private=False)},
            claims,
            own,
            algorithms=["RS256"],
        ),
    ]

    for token in forged:
        with pytest.raises(NotAuthenticatedError):
            await google.tokens().verify(token, nonce=None)


async def test_keys_are_read_once_and_again_for_a_new_one(google: Google) -> None:
    tokens = google.tokens()
    before = [await google.mint() for _ in range(3)]
    await asyncio.gather(*(tokens.verify(token, nonce=None) for token in before))
    assert google.fetches <= len(before)
    first = google.fetches
    await tokens.verify(before[0], nonce=None)
    assert google.fetches == first

    await google.http.post("/google/rotate")
    after = await google.mint()

    assert (await tokens.verify(after, nonce=None)).email == EMAIL
    assert (await tokens.verify(before[0], nonce=None)).email == EMAIL
    assert google.fetches == first + 1


async def test_tokens_that_name_no_key_do_not_make_us_ask_again_and_again(google: Google) -> None:
    tokens = google.tokens(pause_seconds=60.0)
    stranger = RSAKey.generate_key(2048)
    await tokens.verify(await google.mint(), nonce=None)

    for number in range(3):
        header = {"alg": "RS256", "kid": f"unknown-{number}"}
        token = jwt.encode(header, {"sub": "1"}, stranger, algorithms=["RS256"])
        with pytest.raises(NotAuthenticatedError):
            await tokens.verify(token, nonce=None)

    assert google.fetches == 1


async def test_known_keys_stay_while_google_is_away(google: Google) -> None:
    google.settings = google.settings.model_copy(update={"longest_cache_seconds": 0})
    tokens, late = google.tokens(), google.tokens()
    token = await google.mint()
    await tokens.verify(token, nonce=None)
    google.down = True

    assert (await tokens.verify(token, nonce=None)).email == EMAIL
    with pytest.raises(UnavailableError):
        await late.verify(token, nonce=None)


async def test_nobody_signs_in_where_it_is_not_offered(google: Google) -> None:
    google.settings = google.settings.model_copy(update={"client_ids": ()})

    with pytest.raises(NotAuthenticatedError):
        await google.tokens().verify(await google.mint(), nonce=None)


def _hs256(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token that is signed with a public key as if it were a secret."""
    parts = [urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=") for part in (header, claims)]
    text = b".".join(parts)
    proof = urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=")
    return b".".join((text, proof)).decode()


async def _published(google: Google) -> Any:
    keys: list[Any] = (await google.http.get("/google/certs")).json()["keys"]
    return keys[-1]
