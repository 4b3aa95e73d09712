"""Stripe's books in the domain's words: movements, disputes and transfers; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.domain.provider_books import (
    MoneyTransferStatus,
    MovementKind,
    ProviderDispute,
    ProviderMovement,
    ProviderTransfer,
)
from core.domain.statuses import DisputeStatus

# docs.stripe.com/reports/balance-transaction-types; what is not here does not come from our flows.
_KINDS = {
    "charge": MovementKind.CHARGE,
    "payment": MovementKind.CHARGE,
    "refund": MovementKind.REFUND,
    "payment_refund": MovementKind.REFUND,
    "refund_failure": MovementKind.REFUND_FAILED,
    "transfer": MovementKind.TRANSFER,
    "transfer_cancel": MovementKind.TRANSFER_REVERSED,
    "transfer_failure": MovementKind.TRANSFER_REVERSED,
    "transfer_refund": MovementKind.TRANSFER_REVERSED,
    "payout": MovementKind.PAYOUT,
    "payout_cancel": MovementKind.PAYOUT_FAILED,
    "payout_failure": MovementKind.PAYOUT_FAILED,
    "stripe_fee": MovementKind.FEE,
    "stripe_fx_fee": MovementKind.FEE,
    "tax_fee": MovementKind.FEE,
}
# An adjustment says only by its category what it adjusts.
_ADJUSTMENTS = {
    "dispute": MovementKind.DISPUTE,
    "dispute_reversal": MovementKind.DISPUTE_REVERSED,
    "fee": MovementKind.FEE,
    "refund_failure": MovementKind.REFUND_FAILED,
}
# docs.stripe.com/disputes/how-disputes-work; an inquiry that ended, or a dispute that was
# prevented, cost nothing.
_DISPUTE_STATUSES = {
    "warning_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "appeal_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "warning_under_review": DisputeStatus.UNDER_REVIEW,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "appeal_under_review": DisputeStatus.UNDER_REVIEW,
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
_REFERENCES = ("refund_id", "reference", "order_id")


def movement_of(entry: Mapping[str, Any]) -> ProviderMovement:
    """Read a balance transaction with its ``source`` expanded.

    A movement of kind ``fee`` has its price as a negative amount and no fee of its own. What a
    reversal gives back is told as a movement of its transfer.
    """
    source = entry.get("source")
    subject: Mapping[str, Any] = source if isinstance(source, Mapping) else {}
    source_id = subject.get("id") or source
    if subject.get("object") == "transfer_reversal":
        source_id = subject["transfer"]
    return ProviderMovement(
        movement_id=entry["id"],
        kind=_kind_of(entry),
        source_id=source_id or entry["id"],
        currency=entry["currency"].upper(),
        amount=entry["amount"],
        fee=entry["fee"],
        occurred_at=moment_of(entry["created"]),
        provider_payment_id=subject.get("payment_intent"),
        reference=_reference_of(subject),
    )


def dispute_of(dispute: Mapping[str, Any]) -> ProviderDispute:
    """Read a dispute; a status that is new to us is the bank's turn, so nothing is sent."""
    details = dispute["evidence_details"]
    return ProviderDispute(
        provider_dispute_id=dispute["id"],
        # A charge that was made without a PaymentIntent is none of ours, but it is disputed.
        provider_payment_id=dispute["payment_intent"] or dispute["charge"],
        status=_DISPUTE_STATUSES.get(dispute["status"], DisputeStatus.UNDER_REVIEW),
        reason=dispute["reason"],
        currency=dispute["currency"].upper(),
        amount=dispute["amount"],
        withdrawn=bool(dispute["balance_transactions"]),
        opened_at=moment_of(dispute["created"]),
        evidence_due_at=moment_of(details["due_by"]) if details["due_by"] else None,
        evidence_submitted=details["submission_count"] > 0,
        inquiry=dispute["status"].startswith("warning_"),
    )


def transfer_of(transfer: Mapping[str, Any]) -> ProviderTransfer:
    """Read a transfer: it has arrived when Stripe answers, unless all of it was taken back."""
    status = MoneyTransferStatus.FAILED if transfer["reversed"] else MoneyTransferStatus.PAID
    return ProviderTransfer(
        provider_transfer_id=transfer["id"],
        status=status,
        currency=transfer["currency"].upper(),
        amount=transfer["amount"],
        destination=transfer["destination"],
        reference=transfer["metadata"].get("reference"),
        failure="reversed" if transfer["reversed"] else None,
    )


def moment_of(unix_seconds: int) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)


def _kind_of(entry: Mapping[str, Any]) -> MovementKind:
    if entry["type"] == "adjustment":
        return _ADJUSTMENTS.get(entry["reporting_category"], MovementKind.OTHER)
    return _KINDS.get(entry["type"], MovementKind.OTHER)


def _reference_of(subject: Mapping[str, Any]) -> str | None:
    metadata = subject.get("metadata") or {}
    return next((metadata[name] for name in _REFERENCES if metadata.get(name)), None)
