from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import stripe
from standardwebhooks import Webhook

from core.settings import load_settings
from tests.integration.deploy.sandbox.harness import (
    Received,
    Receiver,
    RunningSandbox,
    booking,
    eventually,
    eventually_async,
    running_sandbox,
)

AUTHORIZED = "payment_intent.amount_capturable_updated"
SUCCEEDED = "payment_intent.succeeded"


def types_about(receiver: Receiver, object_id: str) -> list[str]:
    return [event["type"] for event in receiver.about(object_id)]


def raw_about(receiver: Receiver, object_id: str) -> Received:
    return next(one for one in receiver.received if object_id.encode() in one.body)


async def deliveries(sandbox: RunningSandbox, event_id: str) -> list[dict[str, Any]]:
    data = (await sandbox.control("GET", "webhooks")).json()["data"]
    return [row for row in data if row["event_id"] == event_id]


async def test_stripe_webhook_verifies_with_the_official_sdk(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()
    await eventually(lambda: types_about(sandbox.receiver, intent.id) == [AUTHORIZED])

    sent = raw_about(sandbox.receiver, intent.id)
    secret = load_settings().stripe.webhook_secrets[0].get_secret_value()
    event = sandbox.stripe.construct_event(sent.body, sent.headers["stripe-signature"], secret)

    assert event.type == AUTHORIZED
    assert event.data.object["id"] == intent.id
    with pytest.raises(stripe.SignatureVerificationError):
        sandbox.stripe.construct_event(sent.body + b" ", sent.headers["stripe-signature"], secret)


async def test_carrier_webhook_verifies_with_the_official_package(sandbox: RunningSandbox) -> None:
    shipment = (
        await sandbox.carrier("POST", "/v1/shipments", booking(), key="webhook-verify")
    ).json()
    await sandbox.carrier("POST", f"/v1/shipments/{shipment['id']}/cancel")
    await eventually(lambda: len(sandbox.receiver.about(shipment["id"])) == 1)

    sent = raw_about(sandbox.receiver, shipment["id"])
    secret = load_settings().carrier.webhook_secrets[0].get_secret_value()
    event = Webhook(secret).verify(sent.body, sent.headers)

    assert event["id"] == sent.headers["webhook-id"]
    assert event["type"] == "shipment.canceled"
    assert event["data"] == {
        "shipment_id": shipment["id"],
        "reference": "shp_1",
        "tracking_number": shipment["tracking_number"],
        "status": "canceled",
        "description": "Shipment canceled",
        "location": "Springfield",
    }


async def test_events_outside_the_subscription_are_kept_but_not_sent(
    sandbox: RunningSandbox,
) -> None:
    intent = await sandbox.authorize()
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id)
    refund = await sandbox.stripe.v1.refunds.create_async({"payment_intent": intent.id})

    await eventually(lambda: len(sandbox.receiver.about(intent.id)) == 4)

    assert sorted(types_about(sandbox.receiver, intent.id)) == [
        "charge.refunded",
        AUTHORIZED,
        SUCCEEDED,
        "refund.created",
    ]
    kept = await sandbox.stripe.v1.events.list_async({"type": "charge.captured", "limit": 1})
    assert kept.data[0].data.object["payment_intent"] == intent.id
    assert await deliveries(sandbox, kept.data[0].id) == []
    assert refund.status == "succeeded"


async def test_failed_delivery_is_retried_with_a_fresh_attempt_of_the_same_event(
    sandbox: RunningSandbox,
) -> None:
    sandbox.receiver.script[:] = [500, 503]
    intent = await sandbox.authorize()

    await eventually(lambda: len(sandbox.receiver.about(intent.id)) == 3)
    ids = {event["id"] for event in sandbox.receiver.about(intent.id)}
    assert len(ids) == 1
    event_id = ids.pop()

    async def delivered() -> bool:
        return [row["state"] for row in await deliveries(sandbox, event_id)] == ["delivered"]

    await eventually_async(delivered)
    row = (await deliveries(sandbox, event_id))[0]
    assert (row["attempts"], row["last_status"], row["event_type"]) == (3, 200, AUTHORIZED)


async def test_delivery_is_given_up_in_the_end(tmp_path: Path, receiver: Receiver) -> None:
    async with running_sandbox(tmp_path, receiver, webhook_give_up_seconds=0) as sandbox:
        receiver.script[:] = [500]
        intent = await sandbox.authorize()
        await eventually(lambda: len(receiver.about(intent.id)) == 1)
        event_id = receiver.about(intent.id)[0]["id"]

        async def exhausted() -> bool:
            return [row["state"] for row in await deliveries(sandbox, event_id)] == ["exhausted"]

        await eventually_async(exhausted)


async def test_duplicate_mode_sends_the_same_event_twice(sandbox: RunningSandbox) -> None:
    await sandbox.webhooks("stripe", "duplicate")
    intent = await sandbox.authorize()

    await eventually(lambda: len(sandbox.receiver.about(intent.id)) == 2)

    first, second = sandbox.receiver.about(intent.id)
    assert first == second


async def test_delay_mode_sends_late(sandbox: RunningSandbox) -> None:
    await sandbox.webhooks("stripe", "delay", delay_ms=300)
    late = await sandbox.authorize()
    await sandbox.webhooks("stripe", "normal")
    prompt = await sandbox.authorize()

    await eventually(lambda: len(sandbox.receiver.about(late.id)) == 1)

    order = [
        event["data"]["object"]["id"]
        for event in (one.json for one in sandbox.receiver.received)
        if event["data"].get("object", {}).get("id") in {late.id, prompt.id}
    ]
    assert order == [prompt.id, late.id]


async def test_reorder_mode_sends_the_newest_first(sandbox: RunningSandbox) -> None:
    await sandbox.webhooks("stripe", "reorder", delay_ms=400)
    intent = await sandbox.authorize()
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id)

    await eventually(lambda: len(sandbox.receiver.about(intent.id)) == 2)

    assert types_about(sandbox.receiver, intent.id) == [SUCCEEDED, AUTHORIZED]


async def test_drop_mode_never_sends(sandbox: RunningSandbox) -> None:
    await sandbox.webhooks("stripe", "drop")
    dropped = await sandbox.authorize()
    await sandbox.webhooks("stripe", "normal")
    sent = await sandbox.authorize()

    await eventually(lambda: len(sandbox.receiver.about(sent.id)) == 1)

    assert sandbox.receiver.about(dropped.id) == []
    events = await sandbox.stripe.v1.events.list_async({"type": AUTHORIZED, "limit": 2})
    row = (await deliveries(sandbox, events.data[1].id))[0]
    assert (row["state"], row["attempts"]) == ("dropped", 0)


async def test_early_mode_sends_before_the_answer(sandbox: RunningSandbox) -> None:
    await sandbox.webhooks("stripe", "early")

    intent = await sandbox.authorize()

    assert types_about(sandbox.receiver, intent.id) == [AUTHORIZED]


async def test_mode_of_one_order_goes_before_that_of_its_service(
    sandbox: RunningSandbox,
) -> None:
    await sandbox.webhooks("stripe", "drop")
    await sandbox.webhooks("stripe", "duplicate", order_id="ord_twice")
    lost = await sandbox.authorize(order_id="ord_lost")
    told = await sandbox.authorize(order_id="ord_twice")
    await sandbox.stripe.v1.payment_intents.capture_async(told.id)
    await sandbox.stripe.v1.refunds.create_async({"payment_intent": told.id})

    of_each = 2 * [AUTHORIZED, "charge.refunded", "refund.created", SUCCEEDED]
    await eventually(lambda: sorted(types_about(sandbox.receiver, told.id)) == sorted(of_each))
    assert types_about(sandbox.receiver, lost.id) == []

    await sandbox.control("DELETE", "webhooks")
    forgotten = await sandbox.authorize(order_id="ord_twice")
    events = await sandbox.stripe.v1.events.list_async({"type": AUTHORIZED, "limit": 1})
    assert events.data[0].data.object["id"] == forgotten.id
    (row,) = await deliveries(sandbox, events.data[0].id)
    assert row["state"] == "dropped"


async def test_modes_are_per_service_and_shown(sandbox: RunningSandbox) -> None:
    await sandbox.webhooks("carrier", "delay", delay_ms=7)

    modes = (await sandbox.control("GET", "webhooks?limit=1")).json()["modes"]

    assert modes == {
        "stripe": {"mode": "normal", "delay_ms": None},
        "paystack": {"mode": "normal", "delay_ms": None},
        "carrier": {"mode": "delay", "delay_ms": 7},
    }
