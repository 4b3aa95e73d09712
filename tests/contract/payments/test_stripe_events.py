"""Every event that the endpoint subscribes to happens in the sandbox and is read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import stripe
from pydantic import SecretStr

from core.domain.errors import InvalidSignatureError
from core.gateways.payments import PaymentGateway, ProviderEvent, Transfer
from core.gateways.stripe_events import SUBSCRIBED_EVENTS
from tests.contract.payments.orders import authorization, captured, everything, id_of
from tests.contract.payments.stripe_provider import StripeInSandbox
from tests.contract.sandbox import Control
from tests.integration.deploy.sandbox.harness import stripe_client


@pytest.fixture
def provider(sandbox_url: str) -> StripeInSandbox:
    return StripeInSandbox(sandbox_url)


@pytest.fixture
async def sdk(sandbox_url: str) -> AsyncIterator[stripe.StripeClient]:
    async with stripe_client(sandbox_url) as client:
        yield client


async def listed(gateway: PaymentGateway, since: datetime) -> dict[tuple[str, str], ProviderEvent]:
    """All events, by type and by the object that each is about itself."""
    events = await everything(lambda cursor: gateway.list_events(since, cursor))
    read = [gateway.parse_event(one.body) for one in events]
    return {(one.type, one.payload["subject_id"]): one for one in read}


async def test_every_subscribed_event_is_read(
    *,
    gateway: PaymentGateway,
    provider: StripeInSandbox,
    control: Control,
    sdk: stripe.StripeClient,
) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    challenged = await gateway.authorize(authorization(provider, provider.challenged))
    await gateway.void(id_of(challenged.payment), key=f"{challenged.payment.order_id}:v:1")
    await gateway.authorize(authorization(provider, "pm_card_visa_chargeDeclined"))
    paid = await captured(gateway, provider)
    payment_id = id_of(paid)
    refund = await gateway.refund(
        payment_id, amount=100, key=f"{payment_id}:r:1", reference="rfd_events"
    )
    await sdk.v1.refunds.update_async(refund.provider_refund_id, {"metadata": {"note": "1"}})
    await control.settle_refund(refund.provider_refund_id, "failed")
    dispute_id = await control.dispute(payment_id)
    await control.decide_dispute(dispute_id, "under_review")
    await control.decide_dispute(dispute_id, "won")
    reference = f"stl_{uuid4().hex}"
    transfer = await gateway.transfer(
        Transfer(
            reference=reference,
            destination=provider.vendor_account,
            amount=10,
            currency="EUR",
            key=f"{reference}:transfer:1",
        )
    )
    transfer_id = transfer.provider_transfer_id
    await sdk.v1.transfers.update_async(transfer_id, {"metadata": {"note": "1"}})
    await control.reverse_transfer(transfer_id)
    payout_id = await control.pay_out("EUR", 1)
    await control.fail_payout(payout_id)

    events = await listed(gateway, since)

    assert {type_ for type_, _ in events} == set(SUBSCRIBED_EVENTS)
    own = {
        dispute_id: (payment_id, None),
        refund.provider_refund_id: (payment_id, "rfd_events"),
        transfer_id: (transfer_id, reference),
        payout_id: (payout_id, None),
        payment_id: (payment_id, paid.order_id),
    }
    seen = {
        subject: {
            (one.object_id, one.reference) for (_, about), one in events.items() if about == subject
        }
        for subject in own
    }
    assert seen == {subject: {facts} for subject, facts in own.items()}


async def test_event_signed_with_old_and_new_secret_is_good_for_who_knows_either(
    provider: StripeInSandbox,
) -> None:
    """While Stripe rolls a secret it signs with both."""
    old, new = SecretStr("whsec_old"), SecretStr("whsec_new")
    body, now = provider.event("pi_1", "ord_1"), time.time()
    [before] = provider.sign(body, secret=old, at=now).values()
    [after] = provider.sign(body, secret=new, at=now).values()
    both = {"Stripe-Signature": f"{before},{after.partition(',')[2]}"}

    for secret in (old, new):
        gateway = provider.open(secrets=(secret,))
        assert gateway.verify_webhook(body, both).object_id == "pi_1"
        await gateway.close()
    stranger = provider.open(secrets=(SecretStr("whsec_other"),))
    with pytest.raises(InvalidSignatureError):
        stranger.verify_webhook(body, both)
    await stranger.close()
