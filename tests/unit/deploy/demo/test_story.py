"""The story says so when something is not as told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO

import httpx
import pytest
from rich.console import Console

from core.settings import Settings, StripeSettings
from deploy.demo.story import command, narrative
from deploy.demo.story.people import Cast, NotAsToldError, Person, on_stage
from deploy.local.errors import StackError

SANDBOX = "http://sandbox.test"
IN_SANDBOX = Settings(_env_file=None, stripe=StripeSettings(api_base=f"{SANDBOX}/stripe"))
AT_STRIPE = Settings(_env_file=None, stripe=StripeSettings(api_base="https://api.stripe.com"))


def _console() -> Console:
    return Console(file=StringIO(), highlight=False, width=200)


async def test_story_not_as_told_ends_with_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def stage(_api_url: str, sandbox_url: str) -> AsyncIterator[Cast]:
        if sandbox_url == SANDBOX:
            raise NotAsToldError("two units were restocked, [one] could be sold again")
        yield Cast.__new__(Cast)

    monkeypatch.setattr(narrative, "on_stage", stage)
    console = _console()

    assert await command(IN_SANDBOX, console=console) == 1
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue() == (
        "\nNot as told: two units were restocked, [one] could be sold again\n"
    )


async def test_story_needs_the_sandbox() -> None:
    with pytest.raises(StackError, match="needs the sandbox"):
        await command(AT_STRIPE, console=_console())


async def test_refused_call_is_not_as_told() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(409, text="too late"))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
        person = Person(http=http, headers={})
        with pytest.raises(NotAsToldError, match="POST /v1/carts answered 409: too late"):
            await person.post("/v1/carts", {"currency": "USD"})


@pytest.mark.parametrize(("before", "after"), [(700, 700), (None, 1500)])
async def test_parcels_move_again_after_a_story_that_broke_off(
    monkeypatch: pytest.MonkeyPatch, before: int | None, after: int
) -> None:
    speeds: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/auth/login":
            return httpx.Response(200, json={"access_token": "token"})
        if request.method == "POST":
            speeds.append(request.content)
        return httpx.Response(200, json={"transit_ms": before})

    def client(base_url: str, timeout: float) -> httpx.AsyncClient:
        return real(base_url=base_url, timeout=timeout, transport=httpx.MockTransport(answer))

    real = httpx.AsyncClient
    monkeypatch.setattr(httpx, "AsyncClient", client)
    with pytest.raises(NotAsToldError):
        async with on_stage("http://api.test", SANDBOX):
            raise NotAsToldError("the cart is empty")

    assert speeds == [b'{"transit_ms":null}', f'{{"transit_ms":{after}}}'.encode()]
