"""Stripe's events: which of them we want, and what is kept of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.provider_books import ListedEvent
from core.gateways.event_kinds import stripe_kind
from core.gateways.payments import ProviderEvent
from core.gateways.stripe_mapping_books import moment_of

SUBSCRIBED_EVENTS = (
    "payment_intent.requires_action",
    "payment_intent.amount_capturable_updated",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "transfer.created",
    "transfer.updated",
    "transfer.reversed",
    "payout.paid",
    "payout.failed",
)
"""What the webhook endpoint subscribes to; Stripe lists events by at most 20 types."""

_KEPT = (
    "object",
    "status",
    "reason",
    "amount",
    "amount_capturable",
    "amount_captured",
    "amount_received",
    "amount_refunded",
    "amount_reversed",
    "currency",
)


def event_of(event: Mapping[str, Any]) -> ProviderEvent:
    """Read an event and keep ids, status and amounts only: no card and no billing details.

    ``object_id`` is the PaymentIntent's, also for an event of its charge, refund or dispute, whose
    own id is the payload's ``subject_id``, and that of a dispute its ``dispute_id`` too. Transfers
    and payouts have no PaymentIntent.
    """
    subject: Mapping[str, Any] = event.get("data", {}).get("object", {})
    subject_id = subject.get("id") or event["id"]
    object_id = subject.get("payment_intent") or subject_id
    metadata = subject.get("metadata") or {}
    order_id = metadata.get("order_id")
    payload = {name: subject[name] for name in _KEPT if name in subject}
    payload |= {
        "id": event["id"],
        "type": event["type"],
        "created": event["created"],
        "object_id": object_id,
        "subject_id": subject_id,
        "order_id": order_id,
        "payment_id": metadata.get("payment_id"),
    }
    if subject.get("object") == "dispute":
        payload["dispute_id"] = subject_id
    own_reference = metadata.get("refund_id") or metadata.get("reference")
    return ProviderEvent(
        event_id=event["id"],
        type=event["type"],
        object_id=object_id,
        reference=order_id or own_reference,
        payload=payload,
        kind=stripe_kind(event["type"]),
    )


def listed_event_of(event: Mapping[str, Any]) -> ListedEvent:
    return ListedEvent(
        event_id=event["id"],
        type=event["type"],
        created_at=moment_of(event["created"]),
        body=event,
    )
