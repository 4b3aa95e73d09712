"""The promises that peers break: exact stock, one order a key, and no order lost to an outage."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx

from tests.eventually import eventually
from tests.platform import Customer, Platform
from tests.shop import Shop

BUYERS = 200
UNITS = 50
TWICE = 50


async def ledger_of(sandbox: httpx.AsyncClient, orders: set[str]) -> list[dict[str, Any]]:
    rows = (await sandbox.get("/_control/ledger", params={"service": "stripe"})).json()["data"]
    return [row for row in rows if row["order_id"] in orders]


async def test_200_buyers_of_50_units_get_exactly_50_orders(
    platform: Platform, http: httpx.AsyncClient, sandbox: httpx.AsyncClient, shop: Shop
) -> None:
    shelf = await shop.stock_up(UNITS)
    customer = await Customer.register(http)

    answers = await asyncio.gather(*(customer.check_out(shelf.sku) for _ in range(BUYERS)))

    ends = [await customer.decided(answer) for answer in answers]
    assert Counter(ends) == {"confirmed": UNITS, "out-of-stock": BUYERS - UNITS}
    refused = [a.json() for a in answers if a.is_client_error]
    assert all(
        problem["items"] == [{"sku": shelf.sku, "requested": 1, "available": 0}]
        for problem in refused
    )
    confirmed = {a.json()["id"] for a, end in zip(answers, ends, strict=True) if end == "confirmed"}
    charges = await ledger_of(sandbox, confirmed)
    assert len(charges) == len(confirmed) == UNITS
    verified = platform.perdure("verify", check=False)
    assert verified.returncode == 0, verified.stdout


async def test_50_checkouts_sent_twice_at_once_are_50_orders_and_50_charges(
    http: httpx.AsyncClient, sandbox: httpx.AsyncClient, shop: Shop
) -> None:
    shelf = await shop.stock_up(TWICE * 2)
    customer = await Customer.register(http)
    keys = [f"twice-{shelf.sku}-{n}" for n in range(TWICE)]

    answers = await asyncio.gather(
        *(customer.check_out(shelf.sku, key=key) for key in keys for _ in range(2))
    )

    assert {await customer.decided(answer) for answer in answers} == {"confirmed"}
    pairs = list(zip(answers[::2], answers[1::2], strict=True))
    assert all(one.content == other.content for one, other in pairs)
    orders = {one.json()["id"] for one, _ in pairs}
    assert len(orders) == TWICE
    assert len(await ledger_of(sandbox, orders)) == TWICE
    assert await shop.levels(shelf) == (TWICE * 2, TWICE)


async def test_provider_down_answers_202_and_the_order_confirms_by_itself(
    http: httpx.AsyncClient, sandbox: httpx.AsyncClient, shop: Shop
) -> None:
    shelf = await shop.stock_up(1)
    customer = await Customer.register(http)
    fault = {"service": "stripe", "operation": "payment_intents.create", "mode": "down"}
    (await sandbox.post("/_control/faults", json=fault)).raise_for_status()

    answer = await customer.check_out(shelf.sku)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    path = answer.headers["location"]

    async def parked() -> bool:
        waiting = (await customer.get(f"{path}/timeline"))["waiting_for"]
        return waiting is not None and waiting["what"] == "payment authorization"

    await eventually(parked, within_seconds=60)
    (await sandbox.delete("/_control/faults")).raise_for_status()

    async def confirmed() -> bool:
        return bool((await customer.get(path))["payment_status"] == "authorized")

    await eventually(confirmed, within_seconds=60)
    assert (await customer.get(f"{path}/timeline"))["waiting_for"] is None
    assert len(await ledger_of(sandbox, {answer.json()["id"]})) == 1


async def test_answered_challenge_confirms_the_order_by_webhook(
    http: httpx.AsyncClient, sandbox: httpx.AsyncClient, shop: Shop
) -> None:
    shelf = await shop.stock_up(1)
    customer = await Customer.register(http)

    answer = await customer.check_out(shelf.sku, payment_method="pm_card_authenticationRequired")
    order = answer.json()
    assert (answer.status_code, order["status"]) == (201, "requires_action")
    intent = order["next_action"]["client_secret"].partition("_secret_")[0]
    outcome = await sandbox.post(f"/_control/challenges/{intent}", json={"outcome": "succeeded"})
    outcome.raise_for_status()

    async def confirmed() -> bool:
        found = await customer.get(f"/v1/orders/{order['id']}")
        return bool(found["payment_status"] == "authorized")

    await eventually(confirmed, within_seconds=60)
    assert await shop.levels(shelf) == (1, 1)


async def test_order_is_followed_to_delivered_over_server_sent_events(
    http: httpx.AsyncClient, shop: Shop
) -> None:
    shelf = await shop.stock_up(1)
    customer = await Customer.register(http)
    order = (await customer.check_out(shelf.sku)).json()

    seen: list[str] = []
    numbers: list[int] = []
    async with http.stream(
        "GET", f"/v1/orders/{order['id']}/events", headers=customer.headers
    ) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event:"):
                seen.append(line.partition(":")[2].strip())
            if line.startswith("id:"):
                numbers.append(int(line.partition(":")[2]))
            if seen and seen[-1] == "order.delivered":
                break

    assert seen[:4] == ["order.placed", "stock.reserved", "payment.authorized", "order.confirmed"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert "payment.captured" in seen
    final = await customer.get(f"/v1/orders/{order['id']}")
    assert (final["payment_status"], final["fulfillment_status"]) == ("captured", "delivered")
    assert await shop.levels(shelf) == (0, 0)


async def test_canceled_order_leaves_nothing_reserved_and_nothing_held(
    http: httpx.AsyncClient, sandbox: httpx.AsyncClient, shop: Shop
) -> None:
    shelf = await shop.stock_up(1)
    customer = await Customer.register(http)
    order = (await customer.check_out(shelf.sku)).json()

    key = {"Idempotency-Key": f"cancel-{order['id']}"}
    path = f"/v1/orders/{order['id']}/cancel"
    canceled = await http.post(path, headers=customer.headers | key)
    again = await http.post(path, headers=customer.headers | key)

    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert canceled.json()["payment_status"] == "voided"
    assert (again.content, again.headers["idempotency-replayed"]) == (canceled.content, "true")
    assert await shop.levels(shelf) == (1, 0)
    charges = await ledger_of(sandbox, {order["id"]})
    assert [charge["status"] for charge in charges] == ["canceled"]
