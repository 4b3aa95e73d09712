"""Capturing all, a part and several parts."""

from __future__ import annotations

import pytest

from core.domain.errors import ProviderRejectedError
from core.domain.statuses import PaymentStatus
from core.gateways.payments import PaymentGateway
from tests.contract.payments.orders import authorized, id_of
from tests.contract.payments.providers import PaymentProvider


@pytest.mark.parametrize("amount", [1000, 400])
async def test_final_capture_takes_the_part_and_lets_the_rest_go(
    gateway: PaymentGateway, provider: PaymentProvider, amount: int
) -> None:
    payment = await authorized(gateway, provider)
    after = await gateway.capture(
        id_of(payment), amount=amount, final=True, key=f"{payment.order_id}:c:1"
    )

    assert after.status is PaymentStatus.CAPTURED
    assert after.captured_amount == amount
    if gateway.capabilities.manual_capture:
        # Elsewhere a capture is a fact of our books that the provider knows nothing of.
        assert after.authorized_amount == 1000
        assert await gateway.fetch(id_of(payment)) == after


@pytest.mark.needs("manual_capture", "multicapture")
async def test_captures_in_parts_add_up(gateway: PaymentGateway, provider: PaymentProvider) -> None:
    payment = await authorized(gateway, provider)
    first = await gateway.capture(
        id_of(payment), amount=300, final=False, key=f"{payment.order_id}:c:1"
    )
    second = await gateway.capture(
        id_of(payment), amount=500, final=True, key=f"{payment.order_id}:c:2"
    )

    assert (first.status, first.captured_amount) == (PaymentStatus.PARTIALLY_CAPTURED, 300)
    assert (second.status, second.captured_amount) == (PaymentStatus.CAPTURED, 800)


@pytest.mark.parametrize("second_key", ["c:1", "c:2"])
async def test_same_capture_again_takes_nothing_more(
    gateway: PaymentGateway, provider: PaymentProvider, second_key: str
) -> None:
    payment = await authorized(gateway, provider)
    key = f"{payment.order_id}:c:1"
    first = await gateway.capture(id_of(payment), amount=600, final=True, key=key)
    second = await gateway.capture(
        id_of(payment),
        amount=600,
        final=True,
        key=f"{payment.order_id}:{second_key}",
    )

    assert second == first
    assert second.captured_amount == 600


@pytest.mark.needs("manual_capture")
async def test_other_amount_after_capture_is_rejected(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await authorized(gateway, provider)
    await gateway.capture(id_of(payment), amount=600, final=True, key=f"{payment.order_id}:c:1")

    with pytest.raises(ProviderRejectedError):
        await gateway.capture(id_of(payment), amount=400, final=True, key=f"{payment.order_id}:c:2")
    assert (await gateway.fetch(id_of(payment))).captured_amount == 600


async def test_more_than_authorized_is_rejected(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await authorized(gateway, provider)

    with pytest.raises(ProviderRejectedError):
        await gateway.capture(
            id_of(payment), amount=1001, final=True, key=f"{payment.order_id}:c:1"
        )
    assert await gateway.fetch(id_of(payment)) == payment


async def test_voided_payment_cannot_be_captured(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await authorized(gateway, provider)
    await gateway.void(id_of(payment), key=f"{payment.order_id}:v:1")

    with pytest.raises(ProviderRejectedError):
        await gateway.capture(
            id_of(payment), amount=1000, final=True, key=f"{payment.order_id}:c:1"
        )
