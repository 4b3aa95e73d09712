"""Paystack in the words of the suite."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from core.gateways import paystack_http
from core.gateways.paystack import PaystackGateway
from core.settings import PaystackSettings
from tests.contract.payments.providers import PaymentProvider


class PaystackInSandbox(PaymentProvider):
    capabilities = PaystackGateway.capabilities
    service = "paystack"
    currency = "USD"
    good = "AUTH_test_success"
    challenged = "checkout"
    challenge_failure = "generic_decline"
    declined: ClassVar[Mapping[str, str]] = {
        "AUTH_test_declined": "generic_decline",
        "AUTH_test_insufficient_funds": "insufficient_funds",
        "AUTH_test_expired_card": "expired_card",
    }
    operations: ClassVar[Mapping[str, str]] = {
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
        "transfer_all": "transfer.bulk",
        "find_transfer": "transfer.verify",
        "list_transfers": "transfer.list",
    }
    answers: ClassVar[Mapping[str, str]] = {"submit_evidence": "dispute.resolve"}
    slow_refund = "AUTH_test_slow_refund"
    disputed = "AUTH_test_disputed"
    disputed_for = "chargeback"
    vendor_account = "RCP_vendor"
    unusable_accounts = ("RCP_unknown",)
    authorization_days = None
    signs_the_time = False
    replays_challenges = False
    withdraws_disputes_at_once = False
    unknown_payment = "ord-unknown.authorize.1"
    unknown_dispute = "1"
    unknown_method_code = "unsupported_payment_method"
    authorized_event = "charge.success"

    def __init__(self, sandbox_url: str) -> None:
        self._settings = PaystackSettings(api_base=f"{sandbox_url}/paystack")
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.api_key = self._settings.secret_key.get_secret_value()

    def open(
        self,
        *,
        secrets: tuple[SecretStr, ...] | None = None,
        timeout_seconds: float | None = None,
        address: str | None = None,
        api_key: SecretStr | None = None,
    ) -> PaystackGateway:
        """Webhooks are signed with the key of the API."""
        changes: dict[str, Any] = {
            "timeout_seconds": timeout_seconds,
            "api_base": address,
            "secret_key": secrets[0] if secrets else api_key,
            "previous_secret_keys": secrets[1:] if secrets else None,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        return PaystackGateway.open(self._settings.model_copy(update=given), self._one_at_a_time)

    @asynccontextmanager
    async def _one_at_a_time(self, name: str) -> AsyncIterator[None]:
        async with self._turns[name]:
            yield

    def shorten_pages(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        monkeypatch.setattr(paystack_http, "PAGE_SIZE", size)

    def event(self, payment_id: str, order_id: str) -> bytes:
        transaction = {
            "id": 1,
            "status": "success",
            "reference": payment_id,
            "metadata": {"order_id": order_id},
        }
        return json.dumps({"event": "charge.success", "data": transaction}).encode()

    def sign(self, body: bytes, *, secret: SecretStr, at: float) -> dict[str, str]:
        """The time is no part of it."""
        del at
        key = secret.get_secret_value().encode()
        return {"x-paystack-signature": hmac.new(key, body, hashlib.sha512).hexdigest()}
