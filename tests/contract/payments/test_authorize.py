"""Authorizing, over real HTTP to the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.errors import ProviderRejectedError
from core.domain.payments import ProviderPayment
from core.domain.statuses import PaymentStatus
from core.gateways.payments import PaymentGateway
from tests.contract.payments.orders import authorization, challenged, id_of
from tests.contract.payments.providers import PaymentProvider
from tests.contract.sandbox import Control


async def test_good_method_holds_the_amount(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    request = authorization(provider, provider.good, amount=1999)
    answer = await gateway.authorize(request)

    payment = answer.payment
    assert answer.challenge is None
    assert payment == ProviderPayment(
        provider_payment_id=payment.provider_payment_id,
        status=PaymentStatus.AUTHORIZED,
        currency=provider.currency,
        amount=1999,
        authorized_amount=1999,
        capture_before=payment.capture_before,
        order_id=request.order_id,
        payment_id=request.payment_id,
        taken_at_once=not gateway.capabilities.manual_capture,
    )
    assert await gateway.fetch(id_of(payment)) == payment
    if provider.authorization_days is None:
        assert payment.capture_before is None
        return
    assert payment.capture_before is not None
    good_for = payment.capture_before - datetime.now(UTC)
    assert timedelta(0) <= timedelta(days=provider.authorization_days) - good_for
    assert good_for > timedelta(days=provider.authorization_days, minutes=-1)


async def test_declined_method_is_a_failed_payment(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    for payment_method, decline_code in provider.declined.items():
        request = authorization(provider, payment_method)
        answer = await gateway.authorize(request)

        assert answer.challenge is None
        assert answer.payment == ProviderPayment(
            provider_payment_id=answer.payment.provider_payment_id,
            status=PaymentStatus.FAILED,
            currency=provider.currency,
            amount=1000,
            decline_code=decline_code,
            order_id=request.order_id,
            payment_id=request.payment_id,
            taken_at_once=not gateway.capabilities.manual_capture,
        )
        assert await gateway.fetch(id_of(answer.payment)) == answer.payment


async def test_challenged_method_asks_the_customer(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    answer = await gateway.authorize(authorization(provider, provider.challenged))

    assert answer.payment.status is PaymentStatus.REQUIRES_ACTION
    assert answer.payment.authorized_amount == 0
    assert answer.challenge is not None
    assert answer.challenge.client_secret or answer.challenge.redirect_url


async def test_passed_challenge_holds_the_amount(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment = await challenged(gateway, provider)
    await control.answer_challenge(id_of(payment), "succeeded")

    after = await gateway.fetch(id_of(payment))
    assert (after.status, after.authorized_amount) == (PaymentStatus.AUTHORIZED, 1000)
    assert after.decline_code is None


async def test_confirmed_payment_is_told_as_the_challenge_left_it(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    asked = await gateway.authorize(authorization(provider, provider.challenged))
    payment_id = id_of(asked.payment)
    still = await gateway.confirm(payment_id, key=f"{payment_id}:confirm:1")
    assert still.payment == asked.payment
    assert still.challenge == (asked.challenge if provider.replays_challenges else None)

    await control.answer_challenge(payment_id, "succeeded")
    after = await gateway.confirm(payment_id, key=f"{payment_id}:confirm:2")
    assert (after.payment.status, after.challenge) == (PaymentStatus.AUTHORIZED, None)
    assert after.payment == await gateway.fetch(payment_id)


async def test_failed_challenge_is_a_failed_payment(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment = await challenged(gateway, provider)
    await control.answer_challenge(id_of(payment), "failed")

    after = await gateway.fetch(id_of(payment))
    assert (after.status, after.authorized_amount) == (PaymentStatus.FAILED, 0)
    assert after.decline_code == provider.challenge_failure


async def test_same_request_again_is_the_same_payment(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    replayed = [provider.challenged] if provider.replays_challenges else []
    for payment_method in (provider.good, next(iter(provider.declined)), *replayed):
        request = authorization(provider, payment_method)

        assert await gateway.authorize(request) == await gateway.authorize(request)
        assert len(await control.attempts(request.order_id, provider.service)) == 1


async def test_same_key_with_another_amount_is_rejected(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    first = authorization(provider, provider.good)
    await gateway.authorize(first)

    with pytest.raises(ProviderRejectedError):
        await gateway.authorize(replace(first, amount=1))
    assert [row["amount"] for row in await control.attempts(first.order_id, provider.service)] == [
        1000
    ]


async def test_unknown_method_is_declined(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    request = authorization(provider, "no_such_method")

    payment = (await gateway.authorize(request)).payment

    assert (payment.status, payment.provider_payment_id) == (PaymentStatus.FAILED, None)
    assert payment.decline_code == provider.unknown_method_code
    assert await control.attempts(request.order_id, provider.service) == []
