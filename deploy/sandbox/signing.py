"""How each provider signs the webhooks that it sends."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime

from standardwebhooks import Webhook

Signer = Callable[[str, bytes], dict[str, str]]
"""From an event's id and the body to the headers of one attempt, stamped with the time of now."""


def stripe_signer(secret: str) -> Signer:
    """Stripe's scheme v1: HMAC-SHA256 of `{timestamp}.{body}` with the endpoint's secret."""

    def sign(_event_id: str, body: bytes) -> dict[str, str]:
        timestamp = int(datetime.now(UTC).timestamp())
        signed = f"{timestamp}.".encode() + body
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return {
            "Stripe-Signature": f"t={timestamp},v1={digest}",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }

    return sign


def paystack_signer(secret_key: str) -> Signer:
    """Paystack's: HMAC-SHA512 of the body with the secret key of the API; no time is signed."""

    def sign(_event_id: str, body: bytes) -> dict[str, str]:
        digest = hmac.new(secret_key.encode(), body, hashlib.sha512).hexdigest()
        return {"x-paystack-signature": digest, "User-Agent": "Paystack/2.0"}

    return sign


def standard_signer(secret: str) -> Signer:
    """The Standard Webhooks scheme, by its official package."""
    webhook = Webhook(secret)

    def sign(event_id: str, body: bytes) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": webhook.sign(event_id, now, body.decode()),
            "User-Agent": "SandboxCarrier/1.0",
        }

    return sign
