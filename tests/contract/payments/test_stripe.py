"""What only Stripe does, over real HTTP to the sandbox."""

from __future__ import annotations

import json
import time
from uuid import uuid4

import httpx
import pytest

from core.domain.errors import ProviderError
from core.domain.payments import ProviderPayment
from core.domain.statuses import PaymentStatus
from core.gateways import stripe, stripe_client
from core.gateways.payments import Authorization, PaymentGateway
from tests.contract.payments.orders import id_of
from tests.contract.payments.stripe_provider import StripeInSandbox
from tests.contract.sandbox import Control, Inbox


@pytest.fixture
def provider(sandbox_url: str) -> StripeInSandbox:
    return StripeInSandbox(sandbox_url)


async def authorize(gateway: PaymentGateway, order_id: str, attempt: int = 1) -> ProviderPayment:
    request = Authorization(
        order_id=order_id,
        payment_id=f"pay_{attempt}",
        amount=1000,
        currency="USD",
        payment_method="pm_card_visa",
        key=f"{order_id}:authorize:{attempt}",
    )
    return (await gateway.authorize(request)).payment


async def test_order_with_payments_on_several_pages_finds_them_all(
    gateway: PaymentGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_client, "PAGE_SIZE", 2)
    order_id, began = f"ord_{uuid4().hex}", int(time.time())
    made = [await authorize(gateway, order_id, attempt) for attempt in range(1, 6)]

    found = await gateway.find(order_id, began)

    assert sorted(id_of(payment) for payment in found) == sorted(id_of(payment) for payment in made)


async def test_more_payments_than_can_be_searched_is_unknown_not_nothing(
    gateway: PaymentGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "MAX_INTENTS_SEARCHED", 1)
    began = int(time.time())
    for attempt in (1, 2):
        await authorize(gateway, "ord_elsewhere", attempt)

    with pytest.raises(ProviderError):
        await gateway.find("ord_wanted", began)


async def test_refund_is_told_by_fetch_and_by_events_about_the_payment(
    gateway: PaymentGateway, provider: StripeInSandbox, sandbox_url: str, inbox: Inbox
) -> None:
    order_id = f"ord_{uuid4().hex}"
    payment_id = id_of(await authorize(gateway, order_id))
    await gateway.capture(payment_id, amount=1000, final=True, key=f"{order_id}:capture:1")
    async with httpx.AsyncClient(base_url=sandbox_url) as http:
        refund = await http.post(
            "/stripe/v1/refunds",
            data={"payment_intent": payment_id, "amount": "250"},
            headers={"Authorization": f"Bearer {provider.api_key}"},
        )
    refund.raise_for_status()

    payment = await gateway.fetch(payment_id)
    assert (payment.status, payment.captured_amount) == (PaymentStatus.CAPTURED, 1000)
    assert payment.refunded_amount == 250

    delivery = await inbox.first('"charge.refunded"', payment_id)
    event = gateway.verify_webhook(delivery.body, delivery.headers)
    assert (event.object_id, event.reference) == (payment_id, order_id)
    charge = json.loads(delivery.body)["data"]["object"]
    assert event.payload == {
        "id": event.event_id,
        "type": "charge.refunded",
        "created": json.loads(delivery.body)["created"],
        "object": "charge",
        "object_id": payment_id,
        "subject_id": charge["id"],
        "order_id": order_id,
        "payment_id": "pay_1",
        "status": "succeeded",
        "amount": 1000,
        "amount_captured": 1000,
        "amount_refunded": 250,
        "currency": "usd",
    }
    assert charge["payment_method_details"]["card"]


@pytest.mark.parametrize(
    ("card", "status"),
    [
        ("pm_card_visa", PaymentStatus.AUTHORIZED),
        ("pm_card_visa_chargeDeclined", PaymentStatus.FAILED),
        ("pm_card_authenticationRequired", PaymentStatus.REQUIRES_ACTION),
    ],
)
async def test_payment_that_waits_for_confirmation_is_confirmed_once(
    *,
    gateway: PaymentGateway,
    provider: StripeInSandbox,
    sandbox_url: str,
    control: Control,
    card: str,
    status: PaymentStatus,
) -> None:
    order_id = f"ord_{uuid4().hex}"
    async with httpx.AsyncClient(base_url=sandbox_url) as http:
        made = await http.post(
            "/stripe/v1/payment_intents",
            data={
                "amount": "1000",
                "currency": "eur",
                "capture_method": "manual",
                "payment_method": card,
                "automatic_payment_methods[enabled]": "true",
                "automatic_payment_methods[allow_redirects]": "never",
                "metadata[order_id]": order_id,
            },
            headers={"Authorization": f"Bearer {provider.api_key}"},
        )
    payment_id = made.json()["id"]
    assert (await gateway.fetch(payment_id)).status is PaymentStatus.PENDING

    first = await gateway.confirm(payment_id, key=f"{payment_id}:confirm:1")
    again = await gateway.confirm(payment_id, key=f"{payment_id}:confirm:1")

    assert first.payment.status is status
    assert (first.challenge is not None) == (status is PaymentStatus.REQUIRES_ACTION)
    assert again == first
    assert len(await control.attempts(order_id)) == 1
