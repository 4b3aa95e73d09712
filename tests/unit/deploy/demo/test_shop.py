from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from deploy.demo.shop import ATTEMPTS, Shop


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("deploy.demo.shop.sleep", sleep)
    return slept


async def shop_on(answer: Callable[[httpx.Request], httpx.Response]) -> Shop:
    shop = Shop("http://shop", "http://sandbox", connections=1)
    for name in ("_api", "_sandbox"):
        client: httpx.AsyncClient = getattr(shop, name)
        base_url = client.base_url
        await client.aclose()
        setattr(
            shop,
            name,
            httpx.AsyncClient(base_url=base_url, transport=httpx.MockTransport(answer)),
        )
    return shop


async def test_busy_api_is_asked_again_with_the_same_key_after_its_pause(
    pauses: list[float],
) -> None:
    answers = iter(
        [
            httpx.Response(429, headers={"Retry-After": "3"}),
            httpx.Response(503),
            httpx.Response(201, json={"id": "ord_1"}),
        ]
    )
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        return next(answers)

    async with await shop_on(answer) as shop:
        response = await shop.check_out("token", "key-1", {"items": []})

    assert response.status_code == 201
    assert keys == ["key-1"] * 3
    assert pauses == [3.0, 6.0]


async def test_api_that_never_answers_is_given_up(pauses: list[float]) -> None:
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        raise httpx.ConnectError("refused", request=request)

    async with await shop_on(answer) as shop:
        with pytest.raises(httpx.ConnectError):
            await shop.check_out("token", "key-1", {})

    assert asked == ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1


async def test_refusal_is_an_answer_and_is_not_repeated(pauses: list[float]) -> None:
    async with await shop_on(lambda _: httpx.Response(402)) as shop:
        response = await shop.check_out("token", "key-1", {})

    assert response.status_code == 402
    assert pauses == []


@pytest.mark.parametrize("secret", ["pi_9_secret_x", None])
async def test_challenge_is_answered_for_the_payment_of_the_order(secret: str | None) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        rows = [{"id": "pi_8", "order_id": "ord_8"}, {"id": "pi_9", "order_id": "ord_9"}]
        return httpx.Response(200, json={"data": rows})

    async with await shop_on(answer) as shop:
        await shop.answer_challenge(
            {"id": "ord_9", "next_action": {"client_secret": secret}}, "succeeded"
        )

    assert asked[-1] == "POST /_control/challenges/pi_9"


async def test_challenge_that_was_answered_already_is_no_error() -> None:
    async with await shop_on(lambda _: httpx.Response(409)) as shop:
        await shop.answer_challenge(
            {"id": "ord_9", "next_action": {"client_secret": "pi_9_secret_x"}}, "failed"
        )
