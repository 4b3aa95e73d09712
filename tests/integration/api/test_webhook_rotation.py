"""A signing secret is rolled at Stripe and here, step by step, and no event is refused."""

from __future__ import annotations

import time
from typing import cast

import orjson
import pytest
import stripe
from pydantic import SecretStr
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from core.gateways.payments import PaymentGateway
from core.gateways.stripe import StripeGateway
from tests.integration.api.conftest import World

OLD, NEW = SecretStr("whsec_old"), SecretStr("whsec_new")
STEPS = (
    # what the application knows, what Stripe signs with, the answer
    ((OLD,), (OLD,), 200),
    ((NEW, OLD), (OLD,), 200),
    ((NEW, OLD), (OLD, NEW), 200),
    ((NEW, OLD), (NEW,), 200),
    ((OLD,), (OLD, NEW), 200),
    ((NEW,), (OLD, NEW), 200),
    ((NEW,), (NEW,), 200),
    ((NEW,), (OLD,), 400),
    ((OLD,), (NEW,), 400),
)


@pytest.mark.parametrize(("known", "signers", "status"), STEPS)
async def test_event_is_taken_when_any_secret_of_the_rotation_fits(
    *,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    known: tuple[SecretStr, ...],
    signers: tuple[SecretStr, ...],
    status: int,
) -> None:
    settings = world.resources.settings.stripe.model_copy(update={"webhook_secrets": known})
    gateway = StripeGateway.open(settings)
    gateways = cast("dict[str, PaymentGateway]", world.resources.payments)
    monkeypatch.setitem(gateways, "stripe", gateway)
    event = {
        "id": f"evt_{new_id(Prefix.EVENT)}",
        "object": "event",
        "type": "made.up",
        "created": 1,
        "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {}}},
    }
    body, now = orjson.dumps(event), int(time.time())

    answer = await world.client.post(
        "/v1/webhooks/stripe",
        content=body,
        headers={"Stripe-Signature": header(body, signers, now)},
    )

    assert answer.status_code == status
    stored = await world.database.statement(
        text("SELECT event_id FROM webhook_events WHERE event_id = :id"), {"id": event["id"]}
    )
    assert len(stored) == (status == 200)
    await gateway.close()


def header(body: bytes, signers: tuple[SecretStr, ...], at: int) -> str:
    """One signature for each secret, as in the hours in which Stripe knows two."""
    signed = [
        stripe.WebhookSignature.generate_signature_header(
            body.decode(), secret.get_secret_value(), at
        ).partition(",")[2]
        for secret in signers
    ]
    return ",".join([f"t={at}", *signed])
