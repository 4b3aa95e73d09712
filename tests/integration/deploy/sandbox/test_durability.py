from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import stripe

from tests.integration.deploy.sandbox.harness import (
    Receiver,
    RunningSandbox,
    booking,
    eventually,
    eventually_async,
    free_port,
    stripe_client,
)


@dataclass
class SandboxProcess:
    """The real command in a process of its own, which can be killed and started again."""

    directory: Path
    receiver: Receiver
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        options = {
            "--port": str(self.port),
            "--data": str(self.directory / "sandbox.sqlite"),
            "--stripe-webhook-url": f"{self.receiver.url}/stripe",
            "--carrier-webhook-url": f"{self.receiver.url}/carrier",
            "--carrier-transit-ms": "1000",
            "--webhook-delay-ms": "10",
        }
        arguments = [part for option in options.items() for part in option]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.sandbox", *arguments
        )
        async with httpx.AsyncClient() as http:

            async def healthy() -> bool:
                try:
                    return (await http.get(f"{self.url}/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually_async(healthy)

    async def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return await self.process.wait()


@asynccontextmanager
async def started(
    directory: Path, receiver: Receiver
) -> AsyncIterator[tuple[SandboxProcess, RunningSandbox]]:
    process = SandboxProcess(directory=directory, receiver=receiver)
    await process.start()
    async with httpx.AsyncClient() as http, stripe_client(process.url) as client:
        try:
            yield (
                process,
                RunningSandbox(url=process.url, receiver=receiver, http=http, stripe=client),
            )
        finally:
            if process.process is not None and process.process.returncode is None:
                await process.end(signal.SIGKILL)


async def test_killed_process_loses_nothing_and_goes_on(tmp_path: Path, receiver: Receiver) -> None:
    async with started(tmp_path, receiver) as (process, sandbox):
        receiver.script[:] = [500] * 3
        shipment = (
            await sandbox.carrier("POST", "/v1/shipments", booking(), key="kill-shipment")
        ).json()
        await sandbox.carrier("POST", f"/v1/shipments/{shipment['id']}/hand-over")
        await sandbox.fault("stripe", "refunds.create", "error_500")
        answered: dict[str, str] = {}

        async def place(number: int) -> None:
            key = f"kill-{number}"
            intent = await sandbox.authorize(key=key, order_id=f"ord_{key}")
            answered[key] = intent.id

        burst = [asyncio.create_task(place(number)) for number in range(40)]
        await eventually(lambda: len(answered) >= 5)
        await process.end(signal.SIGKILL)
        outcomes = await asyncio.gather(*burst, return_exceptions=True)
        receiver.script.clear()
        await process.start()

        retried = {}
        for number in range(40):
            key = f"kill-{number}"
            retried[key] = (await sandbox.authorize(key=key, order_id=f"ord_{key}")).id

        errors = [one for one in outcomes if one is not None]
        rows = (await sandbox.control("GET", "ledger")).json()["data"]
        assert all(isinstance(one, stripe.APIConnectionError) for one in errors)
        assert {key: retried[key] for key in answered} == answered
        assert sorted(row["order_id"] for row in rows) == sorted(f"ord_{key}" for key in retried)
        assert {row["id"] for row in rows} == set(retried.values())
        assert len((await sandbox.control("GET", "faults")).json()["data"]) == 1
        await eventually(lambda: all(receiver.about(one) for one in retried.values()))
        await eventually(
            lambda: (
                {event["data"]["status"] for event in receiver.about(shipment["id"])}
                == {"handed_over", "in_transit", "delivered"}
            )
        )


@pytest.mark.parametrize(
    ("mode", "lost"),
    [("connection_reset", httpx.ReadError), ("down", httpx.RemoteProtocolError)],
)
async def test_command_drops_connections_on_its_own_event_loop(
    tmp_path: Path, receiver: Receiver, mode: str, lost: type[Exception]
) -> None:
    async with started(tmp_path, receiver) as (_, sandbox):
        await sandbox.fault("carrier", "shipments.list", mode)

        with pytest.raises(lost):
            await sandbox.carrier("GET", "/v1/shipments")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_drains_and_ends_with_zero(
    tmp_path: Path, receiver: Receiver, number: signal.Signals
) -> None:
    async with started(tmp_path, receiver) as (process, sandbox):
        await sandbox.fault("stripe", "customers.create", "latency", latency_ms=3_000_000, count=1)
        held = asyncio.create_task(sandbox.stripe.v1.customers.create_async({"name": "Ada"}))

        async def is_held() -> bool:
            answer = await sandbox.control("GET", "faults")
            return bool(answer.json() == {"data": []})

        await eventually_async(is_held)

        assert await process.end(number) == 0
        assert (await held).name == "Ada"
