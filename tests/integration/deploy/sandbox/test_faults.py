from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
import stripe

from tests.integration.deploy.sandbox.harness import RunningSandbox, booking, stripe_client

CREATE = "payment_intents.create"


async def authorize_within(
    sandbox: RunningSandbox, seconds: float, key: str, order_id: str
) -> stripe.PaymentIntent:
    parameters: Any = {
        "amount": 2000,
        "currency": "usd",
        "capture_method": "manual",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "payment_method_types": ["card"],
        "metadata": {"order_id": order_id},
    }
    async with stripe_client(sandbox.url, patience=seconds) as client:
        return await client.v1.payment_intents.create_async(parameters, {"idempotency_key": key})


async def test_latency_delays_and_then_answers(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", CREATE, "latency", latency_ms=200, count=1)

    started = time.monotonic()
    intent = await sandbox.authorize()

    assert intent.status == "requires_capture"
    assert time.monotonic() - started >= 0.2


async def test_error_500_has_no_effect_and_keeps_no_key(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", CREATE, "error_500", count=1)

    with pytest.raises(stripe.APIError) as caught:
        await sandbox.authorize(key="fault-500", order_id="ord_fault_500")
    before = await sandbox.attempts_of_order("ord_fault_500")
    retried = await sandbox.authorize(key="fault-500", order_id="ord_fault_500")

    assert caught.value.http_status == 500
    assert before == []
    assert retried.status == "requires_capture"


async def test_error_429_is_a_rate_limit(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", CREATE, "error_429", count=1)

    with pytest.raises(stripe.RateLimitError) as caught:
        await sandbox.authorize(order_id="ord_fault_429")

    assert caught.value.http_status == 429
    assert await sandbox.attempts_of_order("ord_fault_429") == []


@pytest.mark.parametrize("mode", ["connection_reset", "down"])
async def test_lost_connection_has_no_effect(sandbox: RunningSandbox, mode: str) -> None:
    await sandbox.fault("stripe", CREATE, mode, count=1)

    with pytest.raises(stripe.APIConnectionError) as caught:
        await sandbox.authorize(order_id=f"ord_fault_{mode}")

    expected = httpx.ReadError if mode == "connection_reset" else httpx.RemoteProtocolError
    assert isinstance(caught.value.__cause__, expected)
    assert await sandbox.attempts_of_order(f"ord_fault_{mode}") == []


async def test_timeout_after_effect_leaves_the_effect_and_its_key(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", CREATE, "timeout_after_effect", count=1)

    with pytest.raises(stripe.APIConnectionError) as caught:
        await authorize_within(sandbox, 0.3, "fault-timeout", "ord_fault_timeout")
    rows = await sandbox.attempts_of_order("ord_fault_timeout")
    replayed = await authorize_within(sandbox, 5, "fault-timeout", "ord_fault_timeout")

    assert isinstance(caught.value.__cause__, httpx.ReadTimeout)
    assert [row["status"] for row in rows] == ["requires_capture"]
    assert replayed.id == rows[0]["id"]
    assert len(await sandbox.attempts_of_order("ord_fault_timeout")) == 1


async def test_timeout_after_effect_closes_after_its_hold(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", CREATE, "timeout_after_effect", latency_ms=50, count=1)

    with pytest.raises(stripe.APIConnectionError) as caught:
        await sandbox.authorize(order_id="ord_fault_hold")

    assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)
    assert len(await sandbox.attempts_of_order("ord_fault_hold")) == 1


async def test_count_is_used_up(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", "*", "error_500", count=2)

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await sandbox.stripe.v1.customers.create_async({})

    await sandbox.stripe.v1.customers.create_async({})
    assert (await sandbox.control("GET", "faults")).json() == {"data": []}


async def test_fault_strikes_its_operation_only(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", "payment_intents.capture", "error_500")
    intent = await sandbox.authorize()

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await sandbox.stripe.v1.payment_intents.capture_async(intent.id)
    await sandbox.control("DELETE", "faults")
    captured = await sandbox.stripe.v1.payment_intents.capture_async(intent.id)

    assert captured.status == "succeeded"


async def test_fault_of_one_order_strikes_whatever_is_about_it(sandbox: RunningSandbox) -> None:
    client = sandbox.stripe.v1
    struck = await sandbox.authorize(order_id="ord_struck")
    spared = await sandbox.authorize(order_id="ord_spared")
    for intent in (struck, spared):
        await client.payment_intents.capture_async(intent.id)
    refund = await client.refunds.create_async({"payment_intent": struck.id, "amount": 5})
    charge = str(struck.latest_charge)
    await sandbox.fault("stripe", "*", "error_500", order_id="ord_struck")

    for call in (
        sandbox.authorize(order_id="ord_struck"),
        client.payment_intents.retrieve_async(struck.id),
        client.charges.retrieve_async(charge),
        client.refunds.retrieve_async(refund.id),
        client.refunds.create_async({"charge": charge, "amount": 5}),
        client.refunds.list_async({"payment_intent": struck.id}),
    ):
        with pytest.raises(stripe.APIError):
            await call

    await client.payment_intents.retrieve_async(spared.id)
    await client.payment_intents.list_async({})
    await sandbox.authorize()


async def test_improbable_fault_does_not_strike(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", "*", "error_500", probability=0)

    assert (await sandbox.authorize()).status == "requires_capture"


@pytest.mark.parametrize(("mode", "status"), [("error_500", 500), ("error_429", 429)])
async def test_carrier_suffers_faults_in_its_own_words(
    sandbox: RunningSandbox, mode: str, status: int
) -> None:
    await sandbox.fault("carrier", "shipments.create", mode, count=1)
    content = booking(reference=f"shp_fault_{mode}")

    refused = await sandbox.carrier("POST", "/v1/shipments", content, key=f"fault-{mode}")
    accepted = await sandbox.carrier("POST", "/v1/shipments", content, key=f"fault-{mode}")

    assert refused.status_code == status
    assert set(refused.json()["error"]) == {"code", "message"}
    assert accepted.status_code == 201
    assert "idempotent-replayed" not in accepted.headers


async def test_carrier_down_closes_without_an_effect(sandbox: RunningSandbox) -> None:
    await sandbox.fault("carrier", "*", "down", count=1)

    with pytest.raises(httpx.RemoteProtocolError):
        await sandbox.carrier("POST", "/v1/shipments", booking(reference="shp_down"), key="down-1")

    found = await sandbox.carrier("GET", "/v1/shipments?reference=shp_down")
    assert found.json() == {"data": []}
