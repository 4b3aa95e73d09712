"""A running sandbox, a server that receives its webhooks, and waiting by condition."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import stripe
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from stripe import PaymentIntent

from core.settings import load_settings
from deploy.sandbox.app import create_app
from deploy.sandbox.config import SandboxConfig, config_from_settings
from deploy.sandbox.server import create_server

DEADLINE_SECONDS = 10.0
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Json:
        parsed: Json = orjson.loads(self.body)
        return parsed


@dataclass
class Receiver:
    """Keeps what it is sent; answers the statuses of `script` first, then 200."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    script: list[int] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.received.append(
            Received(
                path=request.url.path,
                headers=dict(request.headers),
                body=await request.body(),
                at=time.monotonic(),
            )
        )
        status = self.script.pop(0) if self.script else 200
        await Response(status_code=status)(scope, receive, send)

    def about(self, object_id: str) -> list[Json]:
        """Events of either provider about one object, in the order in which they came."""
        return [
            event for event in (one.json for one in self.received) if _concerns(event, object_id)
        ]


def _concerns(event: Json, object_id: str) -> bool:
    data = event["data"]
    if "object" not in data:
        return bool(data["shipment_id"] == object_id)
    return object_id in {data["object"]["id"], data["object"].get("payment_intent")}


@dataclass(frozen=True, kw_only=True)
class RunningSandbox:
    url: str
    receiver: Receiver
    http: httpx.AsyncClient
    stripe: stripe.StripeClient

    async def control(self, method: str, path: str, content: Json | None = None) -> httpx.Response:
        return await self.http.request(method, f"{self.url}/_control/{path}", json=content)

    async def fault(self, service: str, operation: str, mode: str, **more: Any) -> None:
        content = {"service": service, "operation": operation, "mode": mode, **more}
        answer = await self.control("POST", "faults", content)
        assert answer.status_code == 201, answer.text

    async def webhooks(self, service: str, mode: str, **more: Any) -> None:
        answer = await self.control("POST", "webhooks", {"service": service, "mode": mode, **more})
        assert answer.status_code == 200, answer.text

    async def ledger(self, intent_id: str) -> list[Json]:
        rows = (await self.control("GET", "ledger?service=stripe")).json()["data"]
        return [row for row in rows if row["id"] == intent_id]

    async def attempts_of_order(self, order_id: str) -> list[Json]:
        rows = (await self.control("GET", "ledger?service=stripe")).json()["data"]
        return [row for row in rows if row["order_id"] == order_id]

    async def authorize(
        self,
        payment_method: str = "pm_card_visa",
        *,
        key: str | None = None,
        order_id: str | None = None,
        **more: Any,
    ) -> PaymentIntent:
        """A confirmed payment intent of 20 USD with manual capture."""
        parameters: Any = {
            "amount": 2000,
            "currency": "usd",
            "capture_method": "manual",
            "confirm": True,
            "payment_method": payment_method,
            "payment_method_types": ["card"],
            **more,
        }
        if order_id is not None:
            parameters["metadata"] = {"order_id": order_id}
        options: Any = {} if key is None else {"idempotency_key": key}
        return await self.stripe.v1.payment_intents.create_async(parameters, options)

    def carrier_headers(self, key: str | None = None) -> dict[str, str]:
        secret = load_settings().carrier.api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {secret}"}
        return headers if key is None else headers | {"Idempotency-Key": key}

    async def carrier(
        self, method: str, path: str, content: Any = None, *, key: str | None = None
    ) -> httpx.Response:
        return await self.http.request(
            method, f"{self.url}/carrier{path}", json=content, headers=self.carrier_headers(key)
        )


def booking(**changes: Any) -> Json:
    address = {
        "name": "Ada",
        "line1": "1 Main St",
        "city": "Springfield",
        "postal_code": "12345",
        "country": "US",
    }
    return {
        "reference": "shp_1",
        "service": "standard",
        "to_address": address,
        "items": [{"sku": "TEE", "quantity": 1}],
        **changes,
    }


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""

    async def ask() -> bool:
        return condition()

    await eventually_async(ask)


async def eventually_async(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def stripe_client(
    url: str, *, patience: float = 10.0, key: str | None = None
) -> AsyncIterator[stripe.StripeClient]:
    """The official client, which does not retry by itself."""
    http = stripe.HTTPXClient(timeout=patience)
    yield stripe.StripeClient(
        key or load_settings().stripe.api_key.get_secret_value(),
        base_addresses={"api": f"{url}/stripe"},
        http_client=http,
        max_network_retries=0,
    )
    await http.close_async()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def serving(server: uvicorn.Server) -> AsyncIterator[str]:
    """Run a server on any free port; yields its address."""
    # asyncio turns Nagle's delay off only for sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: server.started or task.done())
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class QuietServer(uvicorn.Server):
    """A server that leaves the signals of the test process alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    config = uvicorn.Config(receiver, lifespan="off", log_level="critical", ws="none")
    async with serving(QuietServer(config)) as url:
        receiver.url = url
        yield receiver


def sandbox_config(directory: Path, receiver_url: str | None, **changes: Any) -> SandboxConfig:
    config = config_from_settings(
        load_settings(),
        database=directory / "sandbox.sqlite",
        public_url="http://sandbox.test",
        stripe_webhook_url=f"{receiver_url}/stripe" if receiver_url else None,
        paystack_webhook_url=f"{receiver_url}/paystack" if receiver_url else None,
        carrier_webhook_url=f"{receiver_url}/carrier" if receiver_url else None,
        carrier_transit_ms=200,
        webhook_delay_ms=10,
    )
    return replace(config, **{"webhook_retry_seconds": (0.05, 0.1), **changes})


@asynccontextmanager
async def running_sandbox(
    directory: Path, receiver: Receiver, **changes: Any
) -> AsyncIterator[RunningSandbox]:
    app = await create_app(sandbox_config(directory, receiver.url, **changes))
    server = create_server(app, host="127.0.0.1", port=0)
    async with (
        serving(server) as url,
        httpx.AsyncClient(timeout=10) as http,
        stripe_client(url) as client,
    ):
        yield RunningSandbox(url=url, receiver=receiver, http=http, stripe=client)
