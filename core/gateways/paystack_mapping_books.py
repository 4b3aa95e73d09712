"""Paystack's ledger rows, disputes and transfers in the domain's words; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.domain.provider_books import (
    Evidence,
    MoneyTransferStatus,
    MovementKind,
    ProviderDispute,
    ProviderMovement,
    ProviderTransfer,
)
from core.domain.statuses import DisputeStatus
from core.gateways.paystack_mapping import from_wire, moment_of

_NEEDS_RESPONSE = "awaiting-merchant-feedback"
_SETTLEMENT = "Settlement"
_WON = "declined"
"""The resolution of a dispute that was answered with evidence and upheld."""

# What a row of the ledger is about, by the sign of its difference.
_KINDS = {
    ("Transaction", True): MovementKind.CHARGE,
    ("Refund", False): MovementKind.REFUND,
    ("Refund", True): MovementKind.REFUND_FAILED,
    ("Dispute", False): MovementKind.DISPUTE,
    ("Dispute", True): MovementKind.DISPUTE_REVERSED,
    ("Transfer", False): MovementKind.TRANSFER,
    ("Transfer", True): MovementKind.TRANSFER_REVERSED,
}
# paystack.com/docs/transfers/how-transfers-work; what is not conclusive is pending.
_TRANSFER_STATUSES = {
    "success": MoneyTransferStatus.PAID,
    "failed": MoneyTransferStatus.FAILED,
    "reversed": MoneyTransferStatus.FAILED,
    "abandoned": MoneyTransferStatus.FAILED,
    "blocked": MoneyTransferStatus.FAILED,
    "rejected": MoneyTransferStatus.FAILED,
}


def movement_of(
    row: Mapping[str, Any],
    *,
    amount: int | None,
    source_id: str | None,
    provider_payment_id: str | None,
    reference: str | None,
) -> ProviderMovement:
    """Read a row of the ledger, whose difference is what is left after the fee.

    Args:
        row: the row.
        amount: what its source is about before the fee, minor units; None without a fee.
        source_id: how the source is known elsewhere, if not by its number.
        provider_payment_id: the transaction behind it.
        reference: our own id.
    """
    currency = row["currency"]
    net = _signed(row["difference"], currency)
    gross = net if amount is None else amount
    return ProviderMovement(
        movement_id=str(row["id"]),
        kind=_KINDS.get((row["model_responsible"], net > 0), MovementKind.OTHER),
        source_id=source_id or str(row["model_row"]),
        currency=currency,
        amount=gross,
        fee=gross - net,
        occurred_at=moment_of(row["createdAt"]),
        provider_payment_id=provider_payment_id,
        reference=reference,
    )


def is_payout(row: Mapping[str, Any]) -> bool:
    """Whether a row of the ledger is about a settlement, which is read from the settlements."""
    return bool(row["model_responsible"] == _SETTLEMENT)


def payout_movements_of(settlement: Mapping[str, Any]) -> list[ProviderMovement]:
    """Read what Paystack pays out to our bank; one that failed is followed by its return.

    It counts from the moment it is made: until the bank has it, it is on its way.
    """
    currency = settlement["currency"]
    amount = from_wire(settlement["effective_amount"], currency)
    paid = ProviderMovement(
        movement_id=f"settlement:{settlement['id']}",
        kind=MovementKind.PAYOUT,
        source_id=str(settlement["id"]),
        currency=currency,
        amount=-amount,
        fee=0,
        occurred_at=moment_of(settlement["createdAt"]),
    )
    if settlement["status"] != "failed":
        return [paid]
    returned = replace(
        paid,
        movement_id=f"{paid.movement_id}:failed",
        kind=MovementKind.PAYOUT_FAILED,
        amount=amount,
        occurred_at=moment_of(settlement["updatedAt"]),
    )
    return [paid, returned]


def dispute_of(dispute: Mapping[str, Any]) -> ProviderDispute:
    """Read a dispute; Paystack takes the money back when it is lost, not before."""
    transaction = dispute["transaction"]
    currency = dispute.get("currency") or transaction["currency"]
    status = _dispute_status(dispute)
    amount = dispute.get("refund_amount") or transaction["amount"]
    return ProviderDispute(
        provider_dispute_id=str(dispute["id"]),
        provider_payment_id=transaction["reference"],
        status=status,
        reason=dispute.get("category") or "general",
        currency=currency,
        amount=from_wire(amount, currency),
        withdrawn=status is DisputeStatus.LOST,
        opened_at=moment_of(dispute["createdAt"]),
        evidence_due_at=moment_of(dispute["dueAt"]) if dispute.get("dueAt") else None,
        evidence_submitted=dispute["status"] != _NEEDS_RESPONSE
        and dispute.get("evidence") is not None,
    )


def _dispute_status(dispute: Mapping[str, Any]) -> DisputeStatus:
    if dispute["status"] in {"resolved", "archived"}:
        return DisputeStatus.WON if dispute["resolution"] == _WON else DisputeStatus.LOST
    if dispute["status"] == _NEEDS_RESPONSE:
        return DisputeStatus.NEEDS_RESPONSE
    return DisputeStatus.UNDER_REVIEW


def evidence_body(evidence: Evidence) -> dict[str, str]:
    """Word our side as Paystack asks for it; it wants a phone number, which we do not give away."""
    body = {
        "customer_email": evidence.customer_email or "not known",
        "customer_name": evidence.customer_name or "not known",
        "customer_phone": "not known",
        "service_details": " ".join(
            part
            for part in (
                evidence.product_description,
                evidence.explanation,
                _shipping(evidence),
            )
            if part
        ),
    }
    if evidence.shipping_date is not None:
        body["delivery_date"] = evidence.shipping_date
    return body


def _shipping(evidence: Evidence) -> str:
    if evidence.shipping_tracking_number is None:
        return ""
    return f"Sent with {evidence.shipping_carrier}, {evidence.shipping_tracking_number}."


def transfer_of(transfer: Mapping[str, Any], *, destination: str | None = None) -> ProviderTransfer:
    """Read a transfer; the answer to a new one names its recipient by a number alone."""
    recipient = transfer.get("recipient")
    if isinstance(recipient, Mapping):
        destination = recipient["recipient_code"]
    status = _TRANSFER_STATUSES.get(transfer["status"], MoneyTransferStatus.PENDING)
    currency = transfer["currency"]
    return ProviderTransfer(
        provider_transfer_id=transfer["transfer_code"],
        status=status,
        currency=currency,
        amount=from_wire(transfer["amount"], currency),
        destination=destination or "",
        reference=transfer["reference"],
        failure=transfer["status"] if status is MoneyTransferStatus.FAILED else None,
    )


def _signed(difference: int, currency: str) -> int:
    amount = from_wire(abs(difference), currency)
    return -amount if difference < 0 else amount
