"""Who acts in the story: people with a browser, and the carrier."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from deploy.local.catalogue import DEMO_ACCOUNTS, MAKER
from models import Role

PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.2
TIMEOUT_SECONDS = 30.0
TRANSIT_MS = 1500
"""What the sandbox starts with."""

Json = dict[str, Any]
Seen = TypeVar("Seen")


class NotAsToldError(Exception):
    """Something happened otherwise than the story says."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who calls the API, with a token or without."""

    http: httpx.AsyncClient
    headers: Mapping[str, str]

    async def get(self, path: str, **query: str) -> Json:
        return await self._ask("GET", path, params=query)

    async def put(self, path: str, body: Json) -> Json:
        return await self._ask("PUT", path, json=body)

    async def post(self, path: str, body: Json | None = None, **headers: str) -> Json:
        """Send it once; a repeat by the connection would have the same key."""
        key = {"Idempotency-Key": f"story-{secrets.token_hex(12)}"}
        return await self._ask("POST", path, json=body, headers=key | headers)

    async def _ask(self, method: str, path: str, **options: Any) -> Json:
        headers = {**self.headers, **options.pop("headers", {})}
        response = await self.http.request(method, path, headers=headers, **options)
        if response.is_error:
            raise NotAsToldError(
                f"{method} {path} answered {response.status_code}: {response.text}"
            )
        answer: Json = response.json()
        return answer


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """The sandbox's carrier: parcels stand still until it says something of them."""

    http: httpx.AsyncClient

    async def says(self, parcel: Json, status: str) -> None:
        """Let the carrier tell the platform where a parcel is."""
        carrier_id = str(parcel["label_url"]).rsplit("/", 1)[-1]
        response = await self.http.post(
            f"/_control/shipments/{carrier_id}/events", json={"status": status}
        )
        response.raise_for_status()

    async def charges(self, order_id: str) -> list[Json]:
        """Every attempt to charge an order, as the provider has it."""
        response = await self.http.get("/_control/ledger", params={"service": "stripe"})
        response.raise_for_status()
        return [row for row in response.json()["data"] if row["order_id"] == order_id]


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Everybody. ``maker`` works for the vendor that moves its parcels by hand."""

    guest: Person
    maker: Person
    staff: Person
    carrier: Carrier


@asynccontextmanager
async def on_stage(api_url: str, sandbox_url: str) -> AsyncIterator[Cast]:
    """Sign everybody in and stop the parcels; afterwards they move as before.

    Raises:
        NotAsToldError: a demo account cannot sign in.
        httpx.HTTPError: the API or the sandbox does not answer.
    """
    async with (
        httpx.AsyncClient(base_url=api_url, timeout=TIMEOUT_SECONDS) as api,
        httpx.AsyncClient(base_url=sandbox_url, timeout=TIMEOUT_SECONDS) as sandbox,
    ):
        guest = Person(http=api, headers={})
        cast = Cast(
            guest=guest,
            maker=await sign_in(guest, *DEMO_ACCOUNTS[MAKER]),
            staff=await sign_in(guest, *DEMO_ACCOUNTS[Role.STAFF]),
            carrier=Carrier(http=sandbox),
        )
        before = (await sandbox.get("/_control/carrier")).raise_for_status().json()
        try:
            await _move_parcels_in(sandbox, None)
            yield cast
        finally:
            # Nobody else stops them: they stood still because a story was killed.
            stopped = before["transit_ms"] is None
            await _move_parcels_in(sandbox, TRANSIT_MS if stopped else before["transit_ms"])


async def _move_parcels_in(sandbox: httpx.AsyncClient, transit_ms: int | None) -> None:
    speed = {"transit_ms": transit_ms}
    (await sandbox.post("/_control/carrier", json=speed)).raise_for_status()


async def sign_in(visitor: Person, email: str, password: str) -> Person:
    """The same browser, signed in."""
    tokens = await visitor.post("/v1/auth/login", {"email": email, "password": password})
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    return Person(http=visitor.http, headers=bearer)


async def until(
    look: Callable[[], Awaitable[Seen]], is_so: Callable[[Seen], bool], *, what: str
) -> Seen:
    """Look until it is so, and return what was seen.

    Raises:
        NotAsToldError: it is not so within a minute.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        seen = await look()
        if is_so(seen):
            return seen
        if time.monotonic() > deadline:
            raise NotAsToldError(f"{what}: not within {PATIENCE_SECONDS:.0f} s; seen last: {seen}")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def require(is_so: bool, words: str) -> None:  # noqa: FBT001  # reads as an assertion does
    """Insist on what the story says.

    Raises:
        NotAsToldError: it is not so.
    """
    if not is_so:
        raise NotAsToldError(words)
