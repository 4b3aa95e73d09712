"""The API as a good client uses it: it waits when told to, and repeats itself with the same key."""

from __future__ import annotations

import time
from asyncio import sleep
from collections.abc import Mapping
from typing import Any, Self

import httpx

ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.25
MAX_PAUSE_SECONDS = 10.0
TIMEOUT_SECONDS = 30.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})


class Pace:
    """At most so many requests a second, whoever sends them."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next = time.monotonic()

    async def turn(self) -> None:
        now = time.monotonic()
        mine = max(self._next, now)
        self._next = mine + self._interval
        await sleep(mine - now)


class Shop:
    """One connection pool on the API and, when there is one, the sandbox's control."""

    def __init__(self, api_url: str, sandbox_url: str | None, *, connections: int) -> None:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._api = httpx.AsyncClient(base_url=api_url, timeout=TIMEOUT_SECONDS, limits=limits)
        self._sandbox = (
            httpx.AsyncClient(base_url=sandbox_url, timeout=TIMEOUT_SECONDS)
            if sandbox_url
            else None
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._api.aclose()
        if self._sandbox is not None:
            await self._sandbox.aclose()

    async def skus_in_stock(self) -> list[str]:
        """SKUs of the first products that can be bought now."""
        response = await self._request("GET", "/v1/products", params={"limit": "100"})
        response.raise_for_status()
        return [
            variant["sku"]
            for product in response.json()["data"]
            for variant in product["variants"]
            if variant["available"]
        ]

    async def new_customer(self, email: str, password: str) -> str:
        """Register and log in; return the access token."""
        account = {"email": email, "password": password}
        registered = await self._request(
            "POST", "/v1/auth/register", json={**account, "name": "Demo shopper"}
        )
        registered.raise_for_status()
        response = await self._request("POST", "/v1/auth/login", json=account)
        response.raise_for_status()
        return str(response.json()["access_token"])

    async def check_out(self, token: str, key: str, body: Mapping[str, object]) -> httpx.Response:
        """Place an order; a repeat has the same key, so it is the same order."""
        return await self._request(
            "POST",
            "/v1/checkouts",
            json=body,
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
        )

    async def order(self, token: str, order_id: str) -> dict[str, Any]:
        response = await self._request(
            "GET", f"/v1/orders/{order_id}", headers={"Authorization": f"Bearer {token}"}
        )
        response.raise_for_status()
        order: dict[str, Any] = response.json()
        return order

    async def answer_challenge(self, order: Mapping[str, Any], outcome: str) -> None:
        """Answer the bank in the customer's place; harmless when it was answered already."""
        if self._sandbox is None:
            return
        action = order["next_action"] or {}
        secret = str(action.get("client_secret") or "")
        intent = secret.partition("_secret_")[0] or await self._intent_of(order["id"])
        if intent:
            response = await self._sandbox.post(
                f"/_control/challenges/{intent}", json={"outcome": outcome}
            )
            if response.status_code != httpx.codes.CONFLICT:
                response.raise_for_status()

    async def _intent_of(self, order_id: str) -> str | None:
        assert self._sandbox is not None  # noqa: S101  # tells the type checker
        response = await self._sandbox.get("/_control/ledger", params={"service": "stripe"})
        response.raise_for_status()
        return next(
            (row["id"] for row in reversed(response.json()["data"]) if row["order_id"] == order_id),
            None,
        )

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send until there is an answer that is not "try again"; the last one is returned.

        Raises:
            httpx.TransportError: the API did not answer the last attempt.
        """
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = await self._api.request(method, path, **options)
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise
            else:
                if response.status_code not in _TRY_AGAIN or attempt == ATTEMPTS:
                    return response
                pause = max(pause, _retry_after(response))
            await sleep(min(pause, MAX_PAUSE_SECONDS))
            pause *= 2
        raise AssertionError("the last attempt returns or raises")


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0
