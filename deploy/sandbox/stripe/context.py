"""What an operation of Stripe works with: the transaction, the parameters and the events."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from fnmatch import fnmatchcase

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.errors import missing
from deploy.sandbox.stripe.parameters import Parameters
from deploy.sandbox.transaction import Transaction

API_VERSION = "2026-10-28.endive"
"""The version whose behaviour this is: since 2025-03-31 a release is not a refund."""

CUSTOMER = "customer"
PAYMENT_METHOD = "payment_method"
PAYMENT_INTENT = "payment_intent"
CHARGE = "charge"
REFUND = "refund"
BALANCE_TRANSACTION = "balance_transaction"
DISPUTE = "dispute"
TRANSFER = "transfer"
TRANSFER_REVERSAL = "transfer_reversal"
PAYOUT = "payout"
EVENT = "event"


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


@dataclass(frozen=True, kw_only=True)
class Context:
    """`path` holds the ids of the request's path by name."""

    transaction: Transaction
    parameters: Parameters
    path: dict[str, str]
    enabled_events: tuple[str, ...]
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.transaction.now_seconds

    def fetch(self, kind: str, document_id: str, *, param: str | None = None) -> Json:
        """The document.

        Raises:
            StripeError: resource_missing; 404 unless the id came in parameter `param`.
        """
        found = self.transaction.documents.get(document_id, kind)
        if found is None:
            raise missing(kind, document_id, param=param)
        return found

    def emit(self, event_type: str, subject: Json) -> None:
        """Record an event with a snapshot of its subject, and deliver it if it is enabled."""
        deliver = any(fnmatchcase(event_type, pattern) for pattern in self.enabled_events)
        event = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": {"object": subject},
            "livemode": False,
            "pending_webhooks": int(deliver),
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": event_type,
        }
        self.transaction.record_event(
            "stripe", EVENT, event, subject=subject["id"], deliver=deliver
        )
