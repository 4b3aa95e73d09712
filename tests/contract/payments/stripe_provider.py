"""Stripe in the words of the suite."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

import pytest
import stripe
from pydantic import SecretStr

from core.gateways import stripe_client
from core.gateways.stripe import StripeGateway
from core.settings import StripeSettings
from tests.contract.payments.providers import PaymentProvider


class StripeInSandbox(PaymentProvider):
    capabilities = StripeGateway.capabilities
    service = "stripe"
    currency = "EUR"
    good = "pm_card_visa"
    challenged = "pm_card_authenticationRequired"
    challenge_failure = "payment_intent_authentication_failure"
    declined: ClassVar[Mapping[str, str]] = {
        "pm_card_visa_chargeDeclined": "generic_decline",
        "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
        "pm_card_chargeDeclinedExpiredCard": "expired_card",
    }
    operations: ClassVar[Mapping[str, str]] = {
        "authorize": "payment_intents.create",
        "confirm": "payment_intents.retrieve",
        "fetch": "payment_intents.retrieve",
        "find": "payment_intents.list",
        "capture": "payment_intents.capture",
        "void": "payment_intents.cancel",
        "refund": "refunds.create",
        "find_refunds": "refunds.list",
        "list_movements": "balance_transactions.list",
        "list_payments": "payment_intents.list",
        "list_events": "events.list",
        "list_disputes": "disputes.list",
        "fetch_dispute": "disputes.retrieve",
        "submit_evidence": "disputes.update",
        "accept_dispute": "disputes.close",
        "transfer": "transfers.create",
        "transfer_all": "transfers.create",
        "find_transfer": "transfers.list",
        "list_transfers": "transfers.list",
    }
    slow_refund = "pm_card_pendingRefund"
    disputed = "pm_card_createDispute"
    disputed_for = "fraudulent"
    vendor_account = "acct_vendor"
    unusable_accounts = ("acct_unknown", "acct_restricted", "acct_insufficient")
    authorization_days = 7
    signs_the_time = True
    unknown_payment = "pi_unknown"
    unknown_dispute = "du_unknown"
    unknown_method_code = "resource_missing"
    authorized_event = "payment_intent.amount_capturable_updated"

    def __init__(self, sandbox_url: str) -> None:
        self._settings = StripeSettings(api_base=f"{sandbox_url}/stripe")
        self.api_key = self._settings.api_key.get_secret_value()

    def open(
        self,
        *,
        secrets: tuple[SecretStr, ...] | None = None,
        timeout_seconds: float | None = None,
        address: str | None = None,
        api_key: SecretStr | None = None,
    ) -> StripeGateway:
        asked = {
            "webhook_secrets": secrets,
            "timeout_seconds": timeout_seconds,
            "api_base": address,
            "api_key": api_key,
        }
        changes = {name: value for name, value in asked.items() if value is not None}
        return StripeGateway.open(self._settings.model_copy(update=changes))

    def shorten_pages(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        monkeypatch.setattr(stripe_client, "PAGE_SIZE", size)

    def event(self, payment_id: str, order_id: str) -> bytes:
        intent = {"object": "payment_intent", "id": payment_id, "metadata": {"order_id": order_id}}
        event = {
            "id": "evt_1",
            "object": "event",
            "type": "payment_intent.succeeded",
            "created": 1_700_000_000,
            "data": {"object": intent},
        }
        return json.dumps(event).encode()

    def sign(self, body: bytes, *, secret: SecretStr, at: float) -> dict[str, str]:
        header = stripe.WebhookSignature.generate_signature_header(
            body.decode(), secret.get_secret_value(), int(at)
        )
        return {"Stripe-Signature": header}
