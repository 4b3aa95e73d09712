"""Each payment provider in the words of the suite: what to pay with, what to break, how to sign."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest
import stripe
from pydantic import SecretStr

from core.gateways import paystack_http, stripe_client
from core.gateways.paystack import PaystackGateway
from core.gateways.stripe import StripeGateway
from core.settings import PaystackSettings, StripeSettings


class StripeInSandbox:
    service = "stripe"
    currency = "USD"
    good = "pm_card_visa"
    challenged = "pm_card_authenticationRequired"
    challenge_failure = "payment_intent_authentication_failure"
    declined: Mapping[str, str] = {
        "pm_card_visa_chargeDeclined": "generic_decline",
        "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
        "pm_card_chargeDeclinedExpiredCard": "expired_card",
    }
    operations: Mapping[str, str] = {
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
        "find_transfer": "transfers.list",
        "list_transfers": "transfers.list",
    }
    slow_refund = "pm_card_pendingRefund"
    disputed = "pm_card_createDispute"
    disputed_for = "fraudulent"
    evidence_operation = "disputes.update"
    vendor_account = "acct_vendor"
    unusable_accounts = ("acct_unknown", "acct_restricted", "acct_insufficient")
    unknown_method = "resource_missing"
    authorization_days: int | None = 7
    replays_challenges = True
    signs_the_time = True
    withdraws_disputes_at_once = True
    authorized_event = "payment_intent.amount_capturable_updated"

    def __init__(self, sandbox_url: str) -> None:
        self._settings = StripeSettings(api_base=f"{sandbox_url}/stripe")
        self.api_key = self._settings.api_key.get_secret_value()

    def open(self, **changes: object) -> StripeGateway:
        """Open a gateway with settings of its own."""
        return StripeGateway.open(self._settings.model_copy(update=changes))

    def shorten_pages(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        monkeypatch.setattr(stripe_client, "PAGE_SIZE", size)

    def event(self, payment_id: str, order_id: str) -> bytes:
        """Word an event about a payment, as the provider would."""
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
        """Sign as the provider would have at a Unix time."""
        header = stripe.WebhookSignature.generate_signature_header(
            body.decode(), secret.get_secret_value(), int(at)
        )
        return {"Stripe-Signature": header}


class PaystackInSandbox:
    service = "paystack"
    currency = "USD"
    good = "AUTH_test_success"
    challenged = "checkout"
    challenge_failure = "generic_decline"
    declined: Mapping[str, str] = {
        "AUTH_test_declined": "generic_decline",
        "AUTH_test_insufficient_funds": "insufficient_funds",
        "AUTH_test_expired_card": "expired_card",
    }
    operations: Mapping[str, str] = {
        "authorize": "transaction.charge_authorization",
        "confirm": "transaction.verify",
        "fetch": "transaction.verify",
        "find": "transaction.list",
        "capture": "transaction.verify",
        "void": "transaction.verify",
        "refund": "refund.create",
        "find_refunds": "refund.list",
        "list_movements": "balance.ledger",
        "list_payments": "transaction.list",
        "list_disputes": "dispute.list",
        "fetch_dispute": "dispute.fetch",
        "submit_evidence": "dispute.fetch",
        "accept_dispute": "dispute.fetch",
        "transfer": "transfer.initiate",
        "find_transfer": "transfer.verify",
        "list_transfers": "transfer.list",
    }
    slow_refund = "AUTH_test_slow_refund"
    disputed = "AUTH_test_disputed"
    disputed_for = "chargeback"
    evidence_operation = "dispute.resolve"
    vendor_account = "RCP_vendor"
    unusable_accounts = ("RCP_unknown",)
    unknown_method = "unsupported_payment_method"
    authorization_days: int | None = None
    replays_challenges = False
    signs_the_time = False
    withdraws_disputes_at_once = False
    authorized_event = "charge.success"

    def __init__(self, sandbox_url: str) -> None:
        self._settings = PaystackSettings(api_base=f"{sandbox_url}/paystack")
        self.api_key = self._settings.secret_key.get_secret_value()

    def open(self, **changes: Any) -> PaystackGateway:
        """Open a gateway with settings of its own; one key is for calls and for webhooks."""
        keys = changes.pop("webhook_secrets", ())
        if keys:
            changes |= {"secret_key": keys[0], "previous_secret_keys": keys[1:]}
        if "api_key" in changes:
            changes["secret_key"] = changes.pop("api_key")
        return PaystackGateway.open(self._settings.model_copy(update=changes))

    def shorten_pages(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        monkeypatch.setattr(paystack_http, "PAGE_SIZE", size)

    def event(self, payment_id: str, order_id: str) -> bytes:
        """Word an event about a payment, as the provider would."""
        transaction = {
            "id": 1,
            "status": "success",
            "reference": payment_id,
            "metadata": {"order_id": order_id},
        }
        return json.dumps({"event": "charge.success", "data": transaction}).encode()

    def sign(self, body: bytes, *, secret: SecretStr, at: float) -> dict[str, str]:
        """Sign as the provider would have; the time is no part of it."""
        del at
        key = secret.get_secret_value().encode()
        return {"x-paystack-signature": hmac.new(key, body, hashlib.sha512).hexdigest()}


PaymentProvider = StripeInSandbox | PaystackInSandbox
