"""Giving back what was captured: in parts, once per key, and what the bank says later."""

from __future__ import annotations

import pytest

from core.domain.errors import AuthorizationLapsedError, ProviderError, ProviderRejectedError
from core.domain.payments import ProviderRefund
from core.domain.statuses import PaymentStatus, RefundStatus
from core.gateways.payments import PaymentGateway
from tests.contract.payments.orders import authorized, captured, id_of
from tests.contract.payments.providers import PaymentProvider
from tests.contract.sandbox import Control


async def test_refunds_in_parts_add_up_and_are_found(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await captured(gateway, provider)
    first = await gateway.refund(
        id_of(payment), amount=300, key=f"{payment.order_id}:r:1", reference="rfd_1"
    )
    second = await gateway.refund(
        id_of(payment), amount=700, key=f"{payment.order_id}:r:2", reference="rfd_2"
    )

    later, earlier = await gateway.find_refunds(id_of(payment))
    assert earlier == ProviderRefund(
        provider_refund_id=first.provider_refund_id,
        status=RefundStatus.SUCCEEDED,
        amount=300,
        reference="rfd_1",
    )
    assert later.provider_refund_id == second.provider_refund_id
    assert (await gateway.fetch(id_of(payment))).refunded_amount == 1000


async def test_same_refund_again_gives_back_nothing_more(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment = await captured(gateway, provider)
    key = f"{payment.order_id}:r:1"
    operation = provider.operations["refund"]
    await control.fault(provider.service, operation, "timeout_after_effect", latency_ms=0)
    with pytest.raises(ProviderError):
        await gateway.refund(id_of(payment), amount=300, key=key, reference="rfd_1")

    [found] = await gateway.find_refunds(id_of(payment))
    again = await gateway.refund(id_of(payment), amount=300, key=key, reference="rfd_1")
    assert again == found
    assert (await gateway.fetch(id_of(payment))).refunded_amount == 300


async def test_more_than_was_captured_is_rejected(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    payment = await captured(gateway, provider)
    with pytest.raises(ProviderRejectedError):
        await gateway.refund(
            id_of(payment), amount=1001, key=f"{payment.order_id}:r:1", reference="rfd_1"
        )
    assert await gateway.find_refunds(id_of(payment)) == []


@pytest.mark.parametrize(
    ("news", "status", "refunded"),
    [("succeeded", RefundStatus.SUCCEEDED, 400), ("failed", RefundStatus.FAILED, 0)],
)
async def test_slow_refund_is_pending_until_the_bank_has_decided(
    *,
    gateway: PaymentGateway,
    provider: PaymentProvider,
    control: Control,
    news: str,
    status: RefundStatus,
    refunded: int,
) -> None:
    payment = await captured(gateway, provider, provider.slow_refund)
    refund = await gateway.refund(
        id_of(payment), amount=400, key=f"{payment.order_id}:r:1", reference="rfd_1"
    )
    assert refund.status is RefundStatus.PENDING
    await control.settle_refund(refund.provider_refund_id, news)

    [after] = await gateway.find_refunds(id_of(payment))
    assert after.status is status
    assert (after.failure_code is not None) == (status is RefundStatus.FAILED)
    assert (await gateway.fetch(id_of(payment))).refunded_amount == refunded


@pytest.mark.needs("manual_capture")
async def test_lapsed_authorization_is_gone_and_says_so(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment = await authorized(gateway, provider)
    await control.lapse(id_of(payment))

    assert (await gateway.fetch(id_of(payment))).status is PaymentStatus.VOIDED
    with pytest.raises(AuthorizationLapsedError):
        await gateway.capture(
            id_of(payment), amount=1000, final=True, key=f"{payment.order_id}:c:1"
        )


@pytest.mark.needs("manual_capture")
async def test_rest_that_lapses_leaves_what_was_captured(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment = await authorized(gateway, provider)
    await gateway.capture(id_of(payment), amount=300, final=False, key=f"{payment.order_id}:c:1")
    await control.lapse(id_of(payment))

    after = await gateway.fetch(id_of(payment))
    assert (after.status, after.captured_amount) == (PaymentStatus.CAPTURED, 300)
    with pytest.raises(AuthorizationLapsedError):
        await gateway.capture(id_of(payment), amount=700, final=True, key=f"{payment.order_id}:c:2")
