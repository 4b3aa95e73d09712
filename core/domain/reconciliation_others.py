"""Disputes, transfers, events, workflows and balances: where do they differ? Pure."""

from __future__ import annotations

from datetime import timedelta

from core.domain.provider_books import MoneyTransferStatus, ProviderDispute, ProviderTransfer
from core.domain.reconciliation import DifferenceKind, RepairKind
from core.domain.reconciliation_pictures import (
    Finding,
    OurDispute,
    OurOrder,
    OurPayment,
    OurTransfer,
)
from core.domain.statuses import SettlementStatus

_SENT = frozenset({SettlementStatus.PAYING, SettlementStatus.PAID})


def compare_dispute(
    theirs: ProviderDispute,
    ours: OurDispute | None,
    *,
    payment: OurPayment | None,
    grace: timedelta,
) -> Finding | None:
    """Compare a dispute at the provider with ours; ``payment`` is the one that is disputed."""
    evidence: dict[str, object] = {
        "provider_payment_id": theirs.provider_payment_id,
        "provider": {
            "status": str(theirs.status),
            "amount": theirs.amount,
            "withdrawn": theirs.withdrawn,
            "reason": theirs.reason,
        },
    }
    if ours is None:
        return Finding(
            kind=DifferenceKind.UNKNOWN_DISPUTE,
            subject=theirs.provider_dispute_id,
            repair=RepairKind.OPEN_DISPUTE if payment else RepairKind.BY_HAND,
            currency=theirs.currency,
            amount=theirs.amount,
            on_balance=-theirs.amount if theirs.withdrawn else 0,
            order_id=payment.order.order_id if payment else None,
            payment_id=payment.payment_id if payment else None,
            evidence=evidence,
        )
    same = (theirs.status, theirs.withdrawn, theirs.amount) == (
        ours.status,
        ours.withdrawn,
        ours.amount,
    )
    if same or ours.quiet_for < grace:
        return None
    return Finding(
        kind=DifferenceKind.DISPUTE_STATE,
        subject=theirs.provider_dispute_id,
        repair=RepairKind.OPEN_DISPUTE,
        currency=theirs.currency,
        amount=theirs.amount - ours.amount,
        order_id=ours.order_id,
        payment_id=ours.payment_id,
        evidence={
            **evidence,
            "ours": {
                "id": ours.dispute_id,
                "status": str(ours.status),
                "amount": ours.amount,
                "withdrawn": ours.withdrawn,
            },
        },
    )


def compare_transfer(theirs: ProviderTransfer, ours: OurTransfer | None) -> Finding | None:
    """Compare money that went to somebody's account with the settlement that says why."""
    if theirs.status is MoneyTransferStatus.FAILED:
        return None
    agree = ours is not None and (ours.currency, ours.amount) == (theirs.currency, theirs.amount)
    if agree:
        return None
    settled = ours.amount if ours else 0
    return Finding(
        kind=DifferenceKind.UNKNOWN_TRANSFER,
        subject=theirs.provider_transfer_id,
        repair=RepairKind.BY_HAND,
        currency=theirs.currency,
        amount=theirs.amount - settled,
        on_balance=settled - theirs.amount,
        evidence={
            "destination": theirs.destination,
            "reference": theirs.reference,
            "settled": settled,
            "transferred": theirs.amount,
        },
    )


def missing_transfer(
    ours: OurTransfer, theirs: ProviderTransfer | None, *, grace: timedelta
) -> Finding | None:
    """Tell of a settlement that is paid here and that the provider has not paid."""
    sent = theirs is not None and theirs.status is not MoneyTransferStatus.FAILED
    if sent or ours.status not in _SENT or ours.quiet_for < grace:
        return None
    return Finding(
        kind=DifferenceKind.MISSING_TRANSFER,
        subject=ours.settlement_id,
        repair=RepairKind.BY_HAND,
        currency=ours.currency,
        amount=-ours.amount,
        on_balance=ours.amount if ours.status is SettlementStatus.PAID else 0,
        evidence={
            "provider_transfer_id": ours.provider_transfer_id,
            "reference": ours.reference,
            "status": str(ours.status),
            "failure": theirs.failure if theirs else None,
        },
    )


def event_finding(kind: DifferenceKind, event_id: str, *, type_: str, object_id: str) -> Finding:
    """Tell of an event that was missed, or that no workflow has finished."""
    return Finding(
        kind=kind,
        subject=event_id,
        repair=RepairKind.DRIVE_EVENT,
        evidence={"type": type_, "object_id": object_id},
    )


def lost_workflow(order: OurOrder, workflow_id: str) -> Finding:
    """Tell of an unfinished order for which no workflow runs."""
    return Finding(
        kind=DifferenceKind.LOST_WORKFLOW,
        subject=order.order_id,
        repair=RepairKind.RESTART_WORKFLOW,
        order_id=order.order_id,
        evidence={"workflow_id": workflow_id, "order_status": str(order.status)},
    )


def compare_balance(currency: str, *, provider: int, ledger: int) -> Finding | None:
    """Compare what the provider's movements add up to with the ledger, beyond what is explained."""
    if provider == ledger:
        return None
    return Finding(
        kind=DifferenceKind.BALANCE,
        subject=currency,
        repair=RepairKind.BOOK_ADJUSTMENT,
        currency=currency,
        amount=provider - ledger,
        on_balance=provider - ledger,
        evidence={"provider": provider, "ledger": ledger},
    )
