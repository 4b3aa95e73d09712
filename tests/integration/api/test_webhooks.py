"""Providers' events: verified, stored once, and acted on only when they tell something new."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text
from standardwebhooks import Webhook
from temporalio.service import RPCError

from core.domain.ids import Prefix, new_id
from core.domain.statuses import PaymentStatus
from models import Payment
from tests.integration.api.conftest import World
from workflows import workflow_ids


def _event(kind: str, object_id: str = "pi_unknown") -> dict[str, Any]:
    return {
        "id": f"evt_{new_id(Prefix.EVENT)}",
        "object": "event",
        "type": kind,
        "created": 1,
        "data": {"object": {"id": object_id, "object": "payment_intent", "metadata": {}}},
    }


def _signature(world: World, body: bytes, at: int | None = None) -> str:
    secret = world.resources.settings.stripe.webhook_secrets[0].get_secret_value()
    moment = at or int(time.time())
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


async def _send(
    world: World, event: Mapping[str, Any], signature: str | None = None
) -> httpx.Response:
    body = orjson.dumps(event)
    return await world.client.post(
        "/v1/webhooks/stripe",
        content=body,
        headers={"Stripe-Signature": signature or _signature(world, body)},
    )


async def _stored(world: World, event_id: str) -> list[dict[str, Any]]:
    rows = await world.database.statement(
        text("SELECT type, outcome, processed_at FROM webhook_events WHERE event_id = :id"),
        {"id": event_id},
    )
    return [dict(row) for row in rows]


async def _has_run(world: World, provider: str, event_id: str) -> bool:
    handle = world.resources.temporal.get_workflow_handle(workflow_ids.webhook(provider, event_id))
    try:
        await handle.describe()
    except RPCError:
        return False
    return True


async def test_new_event_is_stored_once_and_starts_one_run(world: World) -> None:
    event = _event("payment_intent.amount_capturable_updated")

    answers = [await _send(world, event) for _ in range(3)]

    assert [(a.status_code, a.json()) for a in answers] == [(200, {"received": True})] * 3
    assert len(await _stored(world, event["id"])) == 1
    assert await _has_run(world, "stripe", event["id"])


@pytest.mark.parametrize("kind", ["customer.created", "payment_intent.created", "made.up"])
async def test_event_that_concerns_nobody_is_stored_and_ignored(world: World, kind: str) -> None:
    event = _event(kind)

    answer = await _send(world, event)

    assert answer.status_code == 200
    assert [row["outcome"] for row in await _stored(world, event["id"])] == ["ignored"]
    assert not await _has_run(world, "stripe", event["id"])


async def test_event_that_echoes_what_is_known_starts_no_run(world: World) -> None:
    order_id = await _order_with_payment(world, "pi_known", PaymentStatus.AUTHORIZED)
    echo = _event("payment_intent.amount_capturable_updated", "pi_known")
    news = _event("payment_intent.succeeded", "pi_known")

    await _send(world, echo)
    await _send(world, news)

    assert order_id
    assert [row["outcome"] for row in await _stored(world, echo["id"])] == ["already_known"]
    assert not await _has_run(world, "stripe", echo["id"])
    assert await _has_run(world, "stripe", news["id"])


async def _order_with_payment(world: World, intent: str, status: PaymentStatus) -> str:
    order_id = new_id(Prefix.ORDER)
    await world.database.statement(
        text("""
        INSERT INTO orders (id, number, customer_id, status, payment_status, fulfillment_status,
            currency, subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount,
            shipping_method, shipping_address, workflow_id)
        VALUES (:id, nextval('order_numbers'), 'usr_x', 'confirmed', :status, 'unfulfilled', 'USD',
            1, 0, 0, 0, 1, 'standard', '{}', :id)
        """),
        {"id": order_id, "status": str(status)},
    )
    async with world.database.transaction() as session:
        session.add(
            Payment(
                id=new_id(Prefix.PAYMENT),
                order_id=order_id,
                provider="stripe",
                provider_payment_id=intent,
                payment_method="pm_card_visa",
                status=status,
                currency="USD",
                amount=1,
                authorized_amount=1,
            )
        )
    return order_id


async def test_unsigned_or_stale_event_is_refused_and_not_stored(world: World) -> None:
    event = _event("payment_intent.succeeded")
    body = orjson.dumps(event)
    stale = _signature(world, body, at=int(time.time()) - 3600)

    answers = [
        await _send(world, event, "t=1,v1=00"),
        await _send(world, event, stale),
        await _send(world, event, "nonsense"),
        await world.client.post("/v1/webhooks/stripe", content=body),
        await world.client.post("/v1/webhooks/carrier", content=body),
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["type"].rpartition("/")[2] for answer in answers} == {"invalid-signature"}
    assert await _stored(world, event["id"]) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{}", 422),
        (b"[]", 422),
        (b"null", 422),
        (b"not json", 422),
        (b"\xff\x00", 400),  # not even text, so nothing that anybody could have signed
    ],
)
async def test_signed_body_that_is_no_event_is_refused(
    world: World, body: bytes, status: int
) -> None:
    answer = await world.client.post(
        "/v1/webhooks/stripe",
        content=body,
        headers={"Stripe-Signature": _signature(world, body)},
    )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_carriers_event_is_taken_with_a_standard_webhooks_signature(world: World) -> None:
    event_id = new_id(Prefix.EVENT)
    body = orjson.dumps(
        {
            "id": event_id,
            "type": "shipment.delivered",
            "occurred_at": "2026-11-22T09:30:00Z",
            "data": {"shipment_id": "cs_unknown", "status": "delivered"},
        }
    )
    secret = world.resources.settings.carrier.webhook_secrets[0].get_secret_value()
    now = datetime.now(UTC)
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, now, body.decode()),
    }

    answers = [
        await world.client.post("/v1/webhooks/carrier", content=body, headers=headers)
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(await _stored(world, event_id)) == 1
    assert await _has_run(world, "carrier", event_id)


async def test_body_replayed_with_another_id_is_refused_and_not_stored(world: World) -> None:
    event = _event("payment_intent.succeeded")
    signature = _signature(world, orjson.dumps(event))
    assert (await _send(world, event, signature)).status_code == 200
    replayed = {**event, "id": f"evt_{new_id(Prefix.EVENT)}"}

    answer = await _send(world, replayed, signature)

    assert answer.status_code == 400
    assert await _stored(world, replayed["id"]) == []


@pytest.mark.parametrize(
    ("kind", "outcome"), [("payout.paid", "ignored"), ("transfer.created", None)]
)
async def test_event_of_money_that_is_nobodys_order_starts_a_run_only_if_a_settlement_may_care(
    world: World, kind: str, outcome: str | None
) -> None:
    event = _event(kind, "tr_unknown")

    answer = await _send(world, event)

    assert answer.status_code == 200
    assert [row["outcome"] for row in await _stored(world, event["id"])] == [outcome]
    assert await _has_run(world, "stripe", event["id"]) == (outcome is None)
