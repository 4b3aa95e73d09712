"""An operator steps in: what is stuck, why, and all of it tried again when the cause is gone."""

from __future__ import annotations

import asyncio
import json
import subprocess

import httpx

from tests.eventually import eventually
from tests.platform import Customer, Platform
from tests.shop import Shop

CAUSE = "carrier booking"


async def test_orders_parked_by_one_cause_are_found_explained_and_delivered(
    platform: Platform, http: httpx.AsyncClient, sandbox: httpx.AsyncClient, shop: Shop
) -> None:
    down = {"service": "carrier", "operation": "shipments.create", "mode": "down"}
    (await sandbox.post("/_control/faults", json=down)).raise_for_status()
    shelf = await shop.stock_up(2)
    customer = await Customer.register(http)
    orders = [(await customer.check_out(shelf.sku)).json()["id"] for _ in range(2)]

    async def waits() -> list[list[str]]:
        return [await shop.waits(order_id) for order_id in orders]

    await eventually(waits, lambda seen: seen == [[CAUSE], [CAUSE]], within_seconds=90)
    listed = json.loads((await _ops(platform, "list", "--cause", CAUSE, "--json")).stdout)
    assert {one["id"] for one in listed} == set(orders)
    assert all(one["actions"] == ["retry"] for one in listed)
    explained = (await _ops(platform, "explain", orders[0])).stdout
    assert "Why it does not go on\n  waits for carrier booking: " in explained
    assert f"perdure ops resolve {orders[0]} retry --what 'carrier booking'" in explained
    assert "ShipmentWorkflow running: http://" in explained

    (await sandbox.delete("/_control/faults")).raise_for_status()
    retried = await _ops(platform, "retry", "--cause", CAUSE, "--actor", "operator:ada", "--yes")
    # One may have gone on by itself meanwhile.
    assert "are tried again." in retried.stdout or "Nothing waits" in retried.stdout

    async def statuses() -> set[str | None]:
        return {await shop.status(order_id) for order_id in orders}

    await eventually(statuses, lambda seen: seen == {"delivered"}, within_seconds=60)
    assert (await _ops(platform, "list", "--cause", CAUSE)).stdout == "Nothing is stuck.\n"


async def _ops(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(platform.perdure, "ops", *arguments, check=False)
