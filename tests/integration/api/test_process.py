"""``python -m api`` as a process: it serves, drains at SIGTERM and leaves with 0."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import httpx

from core.settings import Settings
from deploy.local.addresses import Addresses, stack_environment
from deploy.local.ports import free_ports
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World
from tests.integration.api.test_event_stream import make_order

PATIENCE_SECONDS = 60


async def _ready(url: str) -> None:
    async with httpx.AsyncClient() as client:

        async def ready() -> bool:
            try:
                return (await client.get(f"{url}/readyz")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        await eventually(ready, within_seconds=PATIENCE_SECONDS)


async def test_sigterm_ends_open_streams_and_leaves_with_0(
    world: World, settings: Settings, stack: Addresses, customer: Person
) -> None:
    order_id = await make_order(world, customer.user_id)
    port = free_ports().api
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api"),
        env={
            **os.environ,
            **stack_environment(stack),
            "PERDURE_ENVIRONMENT": "test",
            "PERDURE_API_PORT": str(port),
        },
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _ready(url)
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            httpx.AsyncClient() as client,
            client.stream(
                "GET", f"{url}/v1/orders/{order_id}/events", headers=customer.headers, timeout=None
            ) as stream,
        ):
            chunks = stream.aiter_text()
            first = await anext(chunks)
            process.send_signal(signal.SIGTERM)
            rest = [chunk async for chunk in chunks]
        async with asyncio.timeout(PATIENCE_SECONDS):
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert (first, rest, code) == (": ping\n\n", [], 0)
