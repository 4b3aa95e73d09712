"""The routes of `/google`: the published keys, and a mint of ID tokens instead of a consent page.

`GET /certs` is the address of the keys. `POST /mint` signs what it is told over a person's usual
claims; `POST /rotate` makes a new key beside the published ones, and forgets the oldest of three.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.sandbox.sandbox import Sandbox

_SETTING = "google_keys"
_KEY_BITS = 2048
_KEPT = 3
_MAX_AGE_SECONDS = 3600


class Minting(BaseModel):
    """Who signs in; ``claims`` stand over all others, and None takes one away.

    ``published`` is false for a key that nobody has published under its name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str
    subject: str | None = None
    name: str = "Ada Lovelace"
    email_verified: bool = True
    nonce: str | None = None
    expires_in: int = 3600
    claims: dict[str, Any] = Field(default_factory=dict)
    published: bool = True


class Mint:
    """Google's keys: kept over a restart, as the accounts that were linked are."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._keys: list[RSAKey] = []
        self._one_at_a_time = asyncio.Lock()

    async def keys(self) -> list[RSAKey]:
        """Return the published keys, the present one last."""
        async with self._one_at_a_time:
            if not self._keys:
                stored = await self._sandbox.store.read(
                    lambda connection: connection.execute(
                        "SELECT value FROM setting WHERE name = ?", (_SETTING,)
                    ).fetchone()
                )
                known = orjson.loads(stored["value"]) if stored else []
                self._keys = [RSAKey.import_key(one) for one in known]
            if not self._keys:
                await self._add()
            return self._keys

    async def rotate(self) -> None:
        await self.keys()
        async with self._one_at_a_time:
            await self._add()

    async def sign(self, asked: Minting) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": self._sandbox.config.google_client_id,
            "sub": asked.subject or f"google-{asked.email.lower()}",
            "email": asked.email,
            "email_verified": asked.email_verified,
            "name": asked.name,
            "iat": now,
            "exp": now + asked.expires_in,
        }
        if asked.nonce is not None:
            claims["nonce"] = asked.nonce
        said = {name: value for name, value in (claims | asked.claims).items() if value is not None}
        published = (await self.keys())[-1]
        key = published if asked.published else await asyncio.to_thread(_fresh)
        header = {"alg": "RS256", "kid": published.kid}
        return jwt.encode(header, said, key, algorithms=["RS256"])

    async def _add(self) -> None:
        fresh = await asyncio.to_thread(_fresh)
        self._keys = [*self._keys, fresh][-_KEPT:]
        private = [key.as_dict(private=True) for key in self._keys]
        await self._sandbox.save_setting(_SETTING, private)


def create_google(sandbox: Sandbox) -> Starlette:
    mint = Mint(sandbox)

    async def certs(_request: Request) -> Response:
        public = KeySet(list(await mint.keys())).as_dict(private=False)
        headers = {"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}"}
        return JSONResponse(public, headers=headers)

    async def sign(request: Request) -> Response:
        try:
            asked = Minting.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_url=False)[0]["msg"]}, 422)
        return JSONResponse({"id_token": await mint.sign(asked)})

    async def rotate(_request: Request) -> Response:
        await mint.rotate()
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/certs", certs),
            Route("/mint", sign, methods=["POST"]),
            Route("/rotate", rotate, methods=["POST"]),
        ]
    )


def _fresh() -> RSAKey:
    key = RSAKey.generate_key(_KEY_BITS, parameters={"use": "sig", "alg": "RS256"})
    key.ensure_kid()
    return key
