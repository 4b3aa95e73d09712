"""A call whose answer is lost: asking tells what became of it."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.domain.errors import ProviderError
from core.domain.statuses import PaymentStatus
from core.gateways.payments import PaymentGateway
from tests.contract.payments.orders import LONG_AGO, authorization, authorized, id_of
from tests.contract.payments.providers import PaymentProvider
from tests.contract.sandbox import Control


async def test_only_the_payments_of_the_order_are_found(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    wanted = await authorized(gateway, provider)
    await authorized(gateway, provider)
    assert wanted.order_id is not None

    assert await gateway.find(wanted.order_id, LONG_AGO) == [wanted]


async def test_later_start_finds_nothing(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await authorized(gateway, provider)
    assert payment.order_id is not None

    assert await gateway.find(payment.order_id, int(time.time()) + 60) == []


async def test_lost_answer_of_authorize_is_found_and_replayed(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    request = authorization(provider, provider.good)
    await lose_answer(control, provider, "authorize")
    with pytest.raises(ProviderError):
        await gateway.authorize(request)

    [found] = await gateway.find(request.order_id, LONG_AGO)
    assert found.status is PaymentStatus.AUTHORIZED
    assert (await gateway.authorize(request)).payment == found
    assert len(await control.attempts(request.order_id, provider.service)) == 1


@pytest.mark.needs("manual_capture")
async def test_lost_answer_of_capture_is_seen_by_fetch(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment = await authorized(gateway, provider)
    key = f"{payment.order_id}:c:1"
    await lose_answer(control, provider, "capture")
    with pytest.raises(ProviderError):
        await gateway.capture(id_of(payment), amount=700, final=True, key=key)

    found = await gateway.fetch(id_of(payment))
    assert (found.status, found.captured_amount) == (PaymentStatus.CAPTURED, 700)
    again = await gateway.capture(id_of(payment), amount=700, final=True, key=key)
    assert again == found


@pytest.mark.needs("manual_capture")
async def test_lost_answer_of_void_is_seen_by_fetch(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment = await authorized(gateway, provider)
    await lose_answer(control, provider, "void")
    with pytest.raises(ProviderError):
        await gateway.void(id_of(payment), key=f"{payment.order_id}:v:1")

    found = await gateway.fetch(id_of(payment))
    assert found.status is PaymentStatus.VOIDED


@pytest.mark.needs("manual_capture")
async def test_same_key_while_the_first_call_runs_is_unknown(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    request = authorization(provider, provider.good)
    operation = provider.operations["authorize"]
    await control.fault(provider.service, operation, "latency", latency_ms=3_600_000)
    first = asyncio.create_task(gateway.authorize(request))
    await control.until_struck()

    with pytest.raises(ProviderError):
        await gateway.authorize(request)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def lose_answer(control: Control, provider: PaymentProvider, method: str) -> None:
    """Let the next call have its effect and the connection end before the answer."""
    operation = provider.operations[method]
    await control.fault(provider.service, operation, "timeout_after_effect", latency_ms=0)
