"""What only Paystack does: it takes the money at once, so that letting go is giving back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from core.domain.errors import AuthorizationLapsedError, ProviderError, ProviderRejectedError
from core.domain.payments import ProviderRefund
from core.domain.provider_books import MovementKind, ProviderMovement
from core.domain.statuses import PaymentStatus, RefundStatus
from core.gateways.paystack import PaystackGateway
from tests.contract.payments.orders import authorization, everything, id_of
from tests.contract.payments.paystack_provider import PaystackInSandbox
from tests.contract.sandbox import Control

PAYSTACK = "paystack"
WORDS = PaystackInSandbox("http://sandbox.test")


@pytest.fixture
async def paystack(sandbox_url: str) -> AsyncIterator[PaystackGateway]:
    gateway = PaystackInSandbox(sandbox_url).open()
    yield gateway
    await gateway.close()


async def paid(paystack: PaystackGateway, method: str = PaystackInSandbox.good) -> str:
    return id_of((await paystack.authorize(authorization(WORDS, method))).payment)


async def given_back(paystack: PaystackGateway, payment_id: str) -> list[int]:
    found = await paystack.find_refunds(payment_id)
    return [one.amount for one in found if one.status is not RefundStatus.FAILED]


async def test_capture_is_a_fact_of_the_books_and_its_rest_goes_back_once(
    paystack: PaystackGateway, control: Control
) -> None:
    payment_id = await paid(paystack)
    first = await paystack.capture(payment_id, amount=300, final=False, key="k:1")
    assert (first.status, first.captured_amount) == (PaymentStatus.PARTIALLY_CAPTURED, 300)
    assert await given_back(paystack, payment_id) == []

    await control.fault(PAYSTACK, "refund.create", "timeout_after_effect", latency_ms=0)
    with pytest.raises(ProviderError):
        await paystack.capture(payment_id, amount=500, final=True, key="k:2", release=200)
    for _ in range(2):
        last = await paystack.capture(payment_id, amount=500, final=True, key="k:2", release=200)
        assert (last.status, last.captured_amount) == (PaymentStatus.CAPTURED, 500)
    assert await given_back(paystack, payment_id) == [200]
    assert (await paystack.fetch(payment_id)).authorized_amount == 800


async def test_void_gives_back_what_no_capture_keeps_whatever_went_back_before(
    paystack: PaystackGateway,
) -> None:
    payment_id = await paid(paystack)
    await paystack.refund(payment_id, amount=100, key="k:r", reference="rfd_1")
    for kept, released in ((700, [300, 100]), (700, [300, 100]), (0, [600, 300, 100])):
        after = await paystack.void(payment_id, key="k:v", captured_amount=kept)
        assert await given_back(paystack, payment_id) == released
        expected = PaymentStatus.CAPTURED if kept else PaymentStatus.REFUNDED
        assert after.status is expected


async def test_money_that_somebody_gave_back_by_hand_cannot_be_captured(
    paystack: PaystackGateway, sandbox_url: str
) -> None:
    payment_id = await paid(paystack)
    headers = {"Authorization": f"Bearer {PaystackInSandbox(sandbox_url).api_key}"}
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/paystack", headers=headers) as http:
        body = {"transaction": payment_id, "amount": 400}
        (await http.post("/refund", json=body)).raise_for_status()

    (foreign,) = await paystack.find_refunds(payment_id)
    assert foreign.reference is None
    with pytest.raises(AuthorizationLapsedError):
        await paystack.capture(payment_id, amount=601, final=True, key="k:1")
    await paystack.capture(payment_id, amount=600, final=True, key="k:1")


async def test_failed_release_is_sent_again_until_a_person_has_to_look(
    paystack: PaystackGateway, control: Control
) -> None:
    payment_id = await paid(paystack)
    for _ in range(3):
        await paystack.void(payment_id, key="k:v")
        (live,) = [one for one in await paystack.find_refunds(payment_id) if is_live(one)]
        await control.settle_refund(live.provider_refund_id, "failed")
    with pytest.raises(ProviderRejectedError):
        await paystack.void(payment_id, key="k:v")
    assert (await paystack.fetch(payment_id)).authorized_amount == 1000


def is_live(refund: ProviderRefund) -> bool:
    return refund.status is not RefundStatus.FAILED


async def test_page_that_was_lost_is_opened_again_and_one_that_was_paid_is_not(
    paystack: PaystackGateway, control: Control
) -> None:
    request = authorization(WORDS, "checkout")
    await control.fault(PAYSTACK, "transaction.initialize", "timeout_after_effect", latency_ms=0)
    with pytest.raises(ProviderError):
        await paystack.authorize(request)
    second = await paystack.authorize(request)
    assert second.challenge is not None
    assert id_of(second.payment).endswith(".authorize.1.page2")

    await control.answer_challenge(id_of(second.payment), "succeeded")
    third = await paystack.authorize(request)
    assert (third.payment.status, third.challenge) == (PaymentStatus.AUTHORIZED, None)
    assert third.payment.provider_payment_id == second.payment.provider_payment_id


async def test_amount_in_a_currency_without_decimals_travels_in_hundredths(
    paystack: PaystackGateway, control: Control
) -> None:
    request = authorization(WORDS, "AUTH_test_success", amount=655)
    payment = (await paystack.authorize(replace(request, currency="XOF"))).payment
    assert (payment.amount, payment.authorized_amount) == (655, 655)
    (attempt,) = await control.attempts(request.order_id, PAYSTACK)
    assert attempt["amount"] == 65500


async def test_settlement_empties_the_balance_until_it_fails(
    paystack: PaystackGateway, control: Control
) -> None:
    since = datetime(2020, 1, 1, tzinfo=UTC)
    await paid(paystack)

    async def settlement(path: str, body: dict[str, str]) -> dict[str, Any]:
        answer = await control.http.post(f"/paystack/settlements{path}", json=body)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

    async def movements() -> list[ProviderMovement]:
        until = datetime.now(UTC) + timedelta(minutes=5)
        listed = await everything(lambda cursor: paystack.list_movements(since, until, cursor))
        return [one for one in listed if one.currency == "USD"]

    settled = await settlement("", {"currency": "USD"})
    number, amount = str(settled["id"]), settled["effective_amount"]
    listed = await movements()
    assert sum(one.net for one in listed) == 0
    ours = [(one.kind, one.amount, one.fee) for one in listed if one.source_id == number]
    assert ours == [(MovementKind.PAYOUT, -amount, 0)]
    again = await control.http.post("/paystack/settlements", json={"currency": "USD"})
    assert again.status_code == 409

    await settlement(f"/{number}", {"status": "failed"})
    listed = await movements()
    assert sum(one.net for one in listed) == amount > 0
    assert [(one.kind, one.amount) for one in listed if one.source_id == number] == [
        (MovementKind.PAYOUT, -amount),
        (MovementKind.PAYOUT_FAILED, amount),
    ]
