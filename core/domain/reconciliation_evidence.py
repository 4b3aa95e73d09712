"""What each side says of a payment, side by side; pure."""

from __future__ import annotations

from core.domain.payments import ProviderPayment
from core.domain.reconciliation import DifferenceKind, RepairKind
from core.domain.reconciliation_grace import held_by
from core.domain.reconciliation_pictures import Finding, OurPayment


def payment_finding(
    kind: DifferenceKind,
    repair: RepairKind,
    theirs: ProviderPayment | None,
    ours: OurPayment | None,
    *,
    amount: int = 0,
    on_balance: int = 0,
    **evidence: object,
) -> Finding:
    """Return a difference of a payment; ``evidence`` is told beside what each side says.

    Args:
        kind: what it is.
        repair: what would put it right.
        theirs: the provider's side, None when it knows of no such payment.
        ours: our side, None when there is none.
        amount: by how much, minor units, the provider's figure less ours.
        on_balance: how much of it is missing in the ledger's balance at the provider.
        evidence: further facts.
    """
    subject = (theirs.provider_payment_id if theirs else None) or (
        ours.provider_payment_id or ours.payment_id if ours else ""
    )
    currency = theirs.currency if theirs else ours.currency if ours else None
    return Finding(
        kind=kind,
        subject=subject,
        repair=repair,
        currency=currency,
        amount=amount,
        on_balance=on_balance,
        order_id=ours.order.order_id if ours else None,
        payment_id=ours.payment_id if ours else None,
        evidence={
            "provider": _theirs(theirs) if theirs else None,
            "ours": _ours(ours) if ours else None,
            **evidence,
        },
    )


def _theirs(one: ProviderPayment) -> dict[str, object]:
    return {
        "id": one.provider_payment_id,
        "status": str(one.status),
        "currency": one.currency,
        "amount": one.amount,
        "held": held_by(one),
        "captured": one.captured_amount,
        "refunded": one.refunded_amount,
        "order_id": one.order_id,
    }


def _ours(one: OurPayment) -> dict[str, object]:
    return {
        "id": one.payment_id,
        "status": str(one.status),
        "currency": one.currency,
        "amount": one.amount,
        "held": one.held,
        "captured": one.captured,
        "planned": sum(part.amount for part in one.planned),
        "refunded": one.refunded,
        "refunding": one.refunding,
        "order_status": str(one.order.status),
    }
