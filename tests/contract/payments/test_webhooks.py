"""Webhooks: only what the provider signed lately is believed."""

from __future__ import annotations

import time

import pytest
from pydantic import SecretStr

from core.domain.errors import InvalidSignatureError
from core.gateways.payments import PaymentGateway
from tests.contract.payments.orders import authorized, id_of
from tests.contract.payments.providers import PaymentProvider
from tests.contract.sandbox import Inbox


async def test_delivered_event_names_payment_and_order(
    gateway: PaymentGateway, provider: PaymentProvider, inbox: Inbox
) -> None:
    payment = await authorized(gateway, provider)
    assert payment.order_id is not None
    delivery = await inbox.first(payment.order_id, provider.authorized_event)

    event = gateway.verify_webhook(delivery.body, delivery.headers)

    assert event.type == provider.authorized_event
    assert event.object_id == id_of(payment)
    assert event.reference == payment.order_id
    assert event.payload["id"] == event.event_id
    assert not {"card", "billing_details", "client_secret"} & event.payload.keys()


async def test_any_secret_of_a_rotation_is_good(provider: PaymentProvider) -> None:
    old, new = SecretStr("whsec_old"), SecretStr("whsec_new")
    gateway = provider.open(secrets=(new, old))
    body = provider.event("pi_1", "ord_1")

    for secret in (old, new):
        headers = provider.sign(body, secret=secret, at=time.time())
        assert gateway.verify_webhook(body, headers).object_id == "pi_1"
    await gateway.close()


async def test_old_forged_or_missing_signature_is_refused(provider: PaymentProvider) -> None:
    secret, now = SecretStr("whsec_ours"), time.time()
    gateway = provider.open(secrets=(secret,))
    body = provider.event("pi_1", "ord_1")
    good = provider.sign(body, secret=secret, at=now)
    [header] = good
    refused = [
        (body, provider.sign(body, secret=SecretStr("whsec_theirs"), at=now)),
        (body.replace(b"ord_1", b"ord_2"), good),
        (b"\xff" + body, good),
        (body, {header: good[header] + "\xe9"}),
        (body, {header: "\xe9"}),
        (body, {}),
    ]

    if provider.signs_the_time:
        refused.append((body, provider.sign(body, secret=secret, at=now - 301)))

    assert gateway.verify_webhook(body, good).reference == "ord_1"
    for content, headers in refused:
        with pytest.raises(InvalidSignatureError):
            gateway.verify_webhook(content, headers)
    await gateway.close()
