"""How long a list of variants takes to be imported by a whole platform, with a crash in the middle.

Run as ``python -m tests.benchmarks.import_speed [variants] [--no-crash]``. It starts a platform of
its own, uploads the list, kills the worker with SIGKILL when half of it is done, waits for the end,
and looks whether each variant is there once and every invariant holds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any

import httpx
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from deploy.local.catalogue import DEMO_ACCOUNTS
from deploy.local.parts import WORKERS
from models.repositories.invariants import broken_promises
from tests.platform import Platform, database_of, running_platform
from workflows.task_queues import TaskQueue

SIZES = ("XS", "S", "M", "L", "XL")
HEADER = (
    "product,vendor,name,description,status,sku,title,option:Size,weight_grams,price:USD,price:EUR"
)
VENDOR = "harbor-apparel"
WORKER = next(name for name, queues in WORKERS.items() if TaskQueue.CATALOGUE in queues.split(","))

_FOUND = text("""
SELECT count(*) AS variants, count(DISTINCT v.sku) AS skus,
    count(DISTINCT v.product_id) AS products,
    (SELECT count(*) FROM variant_prices x JOIN variants w ON w.id = x.variant_id
     WHERE w.sku LIKE 'SPEED-%') AS prices,
    (SELECT count(*) FROM outbox o JOIN products p ON p.id = o.aggregate_id
     WHERE p.slug LIKE 'speed-%') AS events
FROM variants v WHERE v.sku LIKE 'SPEED-%'
""")


def list_of(variants: int) -> str:
    """A list of that many variants, five of each product."""
    lines = [HEADER]
    for number in range(variants):
        product, size = number // len(SIZES), SIZES[number % len(SIZES)]
        of_product = (
            f"speed-{product},{VENDOR},Garment {product},Worn by {product} people,published"
        )
        of_variant = f"SPEED-{product}-{size},{size},{size},{100 + number % 400}"
        price = f"{number % 200}.{number % 100:02}"
        lines.append(f"{of_product},{of_variant},{price},{price}")
    return "\n".join(lines) + "\n"


async def main(variants: int, *, crash: bool) -> None:
    async with running_platform() as platform:
        status = platform.status()
        async with httpx.AsyncClient(base_url=status["api_url"], timeout=60) as http:
            await _measure(platform, http, variants, crash=crash)
        database = database_of(status)
        try:
            (found,) = await database.statement(_FOUND, {})
            broken = await broken_promises(database)
        finally:
            await database.close()
        print(f"found: {dict(found)}, broken invariants: {broken}")  # noqa: T201  # its result
        products = -(-variants // len(SIZES))
        expected = {
            "variants": variants,
            "skus": variants,
            "products": products,
            "prices": 2 * variants,
            "events": products,
        }
        if dict(found) != expected or broken:
            sys.exit(f"expected: {expected}, and no broken invariant")


async def _measure(
    platform: Platform, http: httpx.AsyncClient, variants: int, *, crash: bool
) -> None:
    email, password = DEMO_ACCOUNTS["staff"]
    login = await http.post("/v1/auth/login", json={"email": email, "password": password})
    headers = {"Authorization": f"Bearer {login.raise_for_status().json()['access_token']}"}
    key = {"Idempotency-Key": new_id(Prefix.EVENT)}
    made = await http.post("/v1/imports/products", json={}, headers=headers | key)
    job, upload = made.raise_for_status().json()["job"], made.json()["upload"]
    content = list_of(variants)
    sent = await http.request(
        upload["method"], upload["url"], content=content, headers=upload["headers"]
    )
    sent.raise_for_status()
    begin, load = time.monotonic(), os.getloadavg()[0]
    path = f"/v1/jobs/{job['id']}"
    (await http.post(f"{path}/start", headers=headers)).raise_for_status()
    if crash:
        half = await _until(http, path, headers, lambda seen: seen["progress"] >= 0.5)
        os.kill(platform.status()["pids"][WORKER], signal.SIGKILL)
        print(f"killed {WORKER} at {half['progress']:.0%}, {time.monotonic() - begin:.1f} s")  # noqa: T201  # its result
    ended = await _until(http, path, headers, lambda seen: seen["ended_at"] is not None)
    seconds = time.monotonic() - begin
    print(  # noqa: T201  # its result
        f"{ended['status']}: {ended['done_rows']} rows, {ended['failed_rows']} left out, "
        f"{seconds:.1f} s ({variants / seconds:.0f} variants a second), "
        f"load {load:.1f} at first and {os.getloadavg()[0]:.1f} at last, {os.cpu_count()} cores"
    )


async def _until(http: httpx.AsyncClient, path: str, headers: dict[str, str], until: Any) -> Any:
    while True:
        seen = (await http.get(path, headers=headers)).raise_for_status().json()
        if until(seen):
            return seen
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:] if one.isdecimal()]
    asyncio.run(main(numbers[0] if numbers else 100_000, crash="--no-crash" not in sys.argv))
