from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from deploy.local.errors import StackError
from deploy.local.first_order import Shopper, place_first_order, sign_in

ACCOUNT = {"email": "ada@example.com", "password": "difference-engine"}
SOLD_OUT = {"sku": "TEE-RED-S", "price": {"amount": 1, "currency": "USD"}, "available": 0}
IN_STOCK = {"sku": "TEE-BLK-M", "price": {"amount": 1, "currency": "EUR"}, "available": 3}

Handler = Callable[[httpx.Request], httpx.Response]


def _client(handler: Handler) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url="http://api", transport=httpx.MockTransport(handler))


def _shop(*variants: dict[str, Any]) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/auth/login":
            assert json.loads(request.content) == ACCOUNT
            return httpx.Response(200, json={"access_token": "t0ken"})
        return httpx.Response(200, json={"data": [{"variants": list(variants)}]})

    return answer


async def test_shopper_chooses_the_first_variant_in_stock() -> None:
    async with _client(_shop(SOLD_OUT, IN_STOCK)) as client:
        shopper = await sign_in(client, ACCOUNT)

    assert shopper.access_token == "t0ken"
    assert shopper.checkout["items"] == [{"sku": "TEE-BLK-M", "quantity": 1}]
    assert shopper.checkout["currency"] == "EUR"


async def test_empty_shelves_are_an_error() -> None:
    async with _client(_shop(SOLD_OUT)) as client:
        with pytest.raises(StackError, match=r"^The demo catalogue has nothing in stock$"):
            await sign_in(client, ACCOUNT)


async def test_first_order_carries_token_and_key_and_returns_its_timeline() -> None:
    seen: list[tuple[str, str, str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        headers = request.headers
        seen.append(
            (
                request.method,
                request.url.path,
                headers["Authorization"],
                headers.get("Idempotency-Key"),
            )
        )
        if request.method == "POST":
            return httpx.Response(201, json={"id": "ord_1", "status": "confirmed"})
        return httpx.Response(200, json={"data": [{"title": "Order placed"}]})

    async with _client(answer) as client:
        placed = await place_first_order(client, Shopper(access_token="t0ken", checkout={}))

    assert placed.order["status"] == "confirmed"
    assert placed.timeline == [{"title": "Order placed"}]
    (method, path, who, key), read = seen
    assert (method, path, who) == ("POST", "/v1/checkouts", "Bearer t0ken")
    assert key is not None
    assert key.startswith("first-order-")
    assert read == ("GET", "/v1/orders/ord_1/timeline", "Bearer t0ken", None)


async def test_refusal_is_one_line_with_the_answer() -> None:
    async with _client(lambda _: httpx.Response(503, text="down for tea")) as client:
        with pytest.raises(StackError) as raised:
            await sign_in(client, ACCOUNT)

    assert raised.value.line == "POST /v1/auth/login was answered with 503: down for tea"
    assert raised.value.hint == "See `perdure logs api`."
