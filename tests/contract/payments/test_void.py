"""Letting go what was authorized, from every state."""

from __future__ import annotations

import pytest

from core.domain.statuses import PaymentStatus
from core.gateways.payments import PaymentGateway
from tests.contract.payments.orders import authorization, authorized, challenged, id_of
from tests.contract.payments.providers import PaymentProvider


async def test_authorized_payment_is_let_go_once(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await authorized(gateway, provider)
    first = await gateway.void(id_of(payment), key=f"{payment.order_id}:v:1")
    again = await gateway.void(id_of(payment), key=f"{payment.order_id}:v:2")

    assert (first.status, first.authorized_amount) == (PaymentStatus.VOIDED, 0)
    assert first.captured_amount == 0
    assert again == first


async def test_open_challenge_is_let_go(gateway: PaymentGateway, provider: PaymentProvider) -> None:
    payment = await challenged(gateway, provider)
    after = await gateway.void(id_of(payment), key=f"{payment.order_id}:v:1")
    assert after.status is PaymentStatus.VOIDED


async def test_declined_payment_is_closed(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    request = authorization(provider, next(iter(provider.declined)))
    declined = (await gateway.authorize(request)).payment
    after = await gateway.void(id_of(declined), key=f"{request.order_id}:v:1")
    assert after.status is PaymentStatus.VOIDED


@pytest.mark.needs("manual_capture")
async def test_captured_payment_is_returned_as_it_is(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await authorized(gateway, provider)
    captured = await gateway.capture(
        id_of(payment), amount=1000, final=True, key=f"{payment.order_id}:c:1"
    )
    after = await gateway.void(id_of(payment), key=f"{payment.order_id}:v:1")

    assert after == captured
    assert after.status is PaymentStatus.CAPTURED


async def test_partly_captured_payment_keeps_what_was_taken(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await authorized(gateway, provider)
    await gateway.capture(id_of(payment), amount=300, final=False, key=f"{payment.order_id}:c:1")
    after = await gateway.void(id_of(payment), key=f"{payment.order_id}:v:1", captured_amount=300)
    assert (after.status, after.captured_amount) == (PaymentStatus.CAPTURED, 300)
