"""``kill -9`` of every process of the platform, one after another, while orders are placed.

``PERDURE_CHAOS_ORDERS`` sets how many (``make chaos``: 300).
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter

import httpx
import pytest
from sqlalchemy import text

from core.database import Database
from core.domain.errors import UnavailableError
from tests.eventually import eventually
from tests.platform import Customer, Platform, database_of, running_platform

ORDERS = int(os.environ.get("PERDURE_CHAOS_ORDERS", "60"))
CLIENTS = 12
SETTLED_SECONDS = 300
ANSWERED_SECONDS = 600
"""For one order, while every process is killed once."""
SKUS = ("TEE-BLK-M",)
METHODS = ("pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_visa_chargeDeclined")
DEFINITIVE = {201, 202, 402, 409}

UNSETTLED = text("""
SELECT count(*) AS number FROM checkout_drafts d LEFT JOIN orders o ON o.id = d.order_id
JOIN idempotency_keys k ON k.resource_id = d.order_id
WHERE k.response_status IS NOT NULL
    AND (o.id IS NULL OR (o.status = 'pending' AND o.waiting_for IS NULL))
""")


async def place(customer: Customer, number: int) -> httpx.Response:
    """Place an order as a good client does: the same key until there is an answer."""

    async def attempt() -> httpx.Response | None:
        try:
            answer = await customer.check_out(
                SKUS[number % len(SKUS)],
                payment_method=METHODS[number % len(METHODS)],
                key=f"chaos-{number}",
            )
        except httpx.TransportError:
            return None
        assert answer.status_code in DEFINITIVE or answer.status_code >= 500, answer.text
        return answer

    answer = await eventually(
        attempt,
        lambda answer: answer is not None and answer.status_code in DEFINITIVE,
        within_seconds=ANSWERED_SECONDS,
        look_every_seconds=0.2,
    )
    assert answer is not None
    return answer


async def kill_each(platform: Platform) -> list[str]:
    """Kill every process once, and wait each time until it is back."""
    killed: list[str] = []
    for name, pid in sorted(platform.status()["pids"].items()):
        os.kill(pid, signal.SIGKILL)
        killed.append(name)

        async def back(name: str = name, pid: int = pid) -> bool:
            return bool(platform.status()["pids"].get(name, pid) != pid)

        await eventually(back, within_seconds=60)
    return killed


async def settled(database: Database) -> bool:
    try:
        return bool((await database.statement(UNSETTLED, {}))[0]["number"] == 0)
    except UnavailableError:
        return False


@pytest.mark.timeout(900)
async def test_no_kill_loses_or_doubles_an_order() -> None:
    async with running_platform() as platform:
        status = platform.status()
        database = database_of(status)
        limits = httpx.Limits(max_connections=CLIENTS)
        async with httpx.AsyncClient(base_url=status["api_url"], timeout=30, limits=limits) as http:
            customer = await Customer.register(http)
            gate = asyncio.Semaphore(CLIENTS)

            async def one(number: int) -> httpx.Response:
                async with gate:
                    return await place(customer, number)

            orders = [asyncio.create_task(one(number)) for number in range(ORDERS)]
            killed = await kill_each(platform)
            answers = await asyncio.gather(*orders)

        assert set(killed) == set(status["pids"])
        assert {a.status_code for a in answers} <= DEFINITIVE, Counter(
            a.status_code for a in answers
        )
        ids = [a.json()["id"] for a in answers if a.status_code in {201, 202}]
        assert len(ids) == len(set(ids))

        async def everything_settled() -> bool:
            return await settled(database)

        await eventually(everything_settled, within_seconds=SETTLED_SECONDS)
        await database.close()

        async def clean() -> bool:
            verified = await asyncio.to_thread(platform.perdure, "verify", check=False)
            return verified.returncode == 0

        await eventually(clean, within_seconds=120)
