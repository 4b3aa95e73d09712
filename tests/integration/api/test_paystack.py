"""Paystack at the edge: its webhooks, and who takes the payment of a new order."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text

from api.app import create_app
from core.domain.ids import Prefix, new_id
from core.domain.payment_rules import ProviderRule
from tests.integration.api.conftest import World, checkout_body

PATH = "/v1/webhooks/paystack"


def _event(reference: str, paid_at: str = "2026-11-23T08:00:00.000Z") -> dict[str, Any]:
    data = {
        "id": 302961,
        "status": "success",
        "reference": reference,
        "amount": 2499,
        "currency": "USD",
        "paid_at": paid_at,
        "metadata": {"order_id": None},
        "customer": {"email": "ada@example.com"},
        "authorization": {"authorization_code": "AUTH_secret", "last4": "4081"},
    }
    return {"event": "charge.success", "data": data}


async def _send(world: World, event: Mapping[str, Any], key: str | None = None) -> httpx.Response:
    body = orjson.dumps(event)
    secret = key or world.resources.settings.paystack.secret_key.get_secret_value()
    signature = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return await world.client.post(PATH, content=body, headers={"x-paystack-signature": signature})


async def _stored(world: World, reference: str) -> list[dict[str, Any]]:
    rows = await world.database.statement(
        text("SELECT type, outcome, payload FROM webhook_events WHERE object_id = :id"),
        {"id": reference},
    )
    return [dict(row) for row in rows]


async def test_event_sent_again_is_stored_once_without_the_customer(world: World) -> None:
    reference = new_id(Prefix.EVENT)
    for _ in range(2):
        answer = await _send(world, _event(reference))
        assert (answer.status_code, answer.json()) == (200, {"received": True})

    [stored] = await _stored(world, reference)
    assert stored["type"] == "charge.success"
    assert stored["outcome"] != "ignored"
    assert b"ada@" not in orjson.dumps(stored["payload"])
    assert b"AUTH_" not in orjson.dumps(stored["payload"])
    await _send(world, _event(reference, "2026-11-23T09:00:00.000Z"))
    assert len(await _stored(world, reference)) == 2


async def test_event_that_paystack_did_not_sign_is_refused(world: World) -> None:
    reference = new_id(Prefix.EVENT)
    forged = await _send(world, _event(reference), "sk_test_of_somebody_else")
    unsigned = await world.client.post(PATH, content=orjson.dumps(_event(reference)))
    for answer in (forged, unsigned):
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("invalid-signature")
    assert await _stored(world, reference) == []


async def test_signed_body_that_is_no_event_is_refused(world: World) -> None:
    bodies: list[Any] = [{"event": "charge.success"}, {"data": {}}, []]
    for body in bodies:
        answer = await _send(world, body)
        assert answer.status_code == 422


@pytest.mark.parametrize(
    ("payment", "detail"),
    [
        ({"provider": "paystack", "payment_method": "checkout"}, "not EUR"),
        ({"provider": "barter", "payment_method": "checkout"}, "it has paystack, stripe"),
    ],
)
async def test_provider_that_cannot_take_the_payment_is_refused_before_anything_is_written(
    world: World, payment: dict[str, str], detail: str
) -> None:
    person, shelf = await world.person(), await world.shop.stock_up(1)
    before = await world.count_rows()
    answer = await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, currency="EUR", payment=payment),
        headers=person.headers | {"Idempotency-Key": new_id(Prefix.EVENT)},
    )
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/payment/provider"
    assert detail in error["detail"]
    assert await world.count_rows() == before


async def test_rule_gives_the_payment_to_a_provider_with_the_account_s_address(
    world: World, workers: None
) -> None:
    rule = ProviderRule(provider="paystack", currency="USD", country="US")
    settings = world.resources.settings
    payments = settings.payments.model_copy(update={"rules": (rule,)})
    ruled = settings.model_copy(update={"payments": payments})
    other = World(create_app(ruled, replace(world.resources, settings=ruled)), world.resources)
    person, shelf = await other.person(), await other.shop.stock_up(1)
    async with other.client:
        answer = await other.client.post(
            "/v1/checkouts",
            json=checkout_body(shelf, payment={"payment_method": "AUTH_test_success"}),
            headers=person.headers | {"Idempotency-Key": new_id(Prefix.EVENT)},
        )
    assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")
    order_id = answer.json()["id"]
    assert (await world.shop.payment(order_id))["provider"] == "paystack"
    found = await world.resources.payments["paystack"].find(order_id, 0)
    assert [one.order_id for one in found] == [order_id]
