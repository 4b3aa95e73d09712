"""Does a payment at its provider tell the story that is written here? Pure.

Of a payment at most one difference of its money is told, the one that explains the others, and
one for each refund that nobody here knows of. A provider without authorizations takes the money
at once: what is captured is then a fact of our books alone, and what was let go is given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from core.domain.payments import ProviderPayment
from core.domain.reconciliation import DifferenceKind, RepairKind
from core.domain.reconciliation_evidence import payment_finding
from core.domain.reconciliation_grace import (
    AT_CAPTURE,
    ENDED,
    GRACE,
    PAID,
    held_by,
    is_at_work,
    is_live,
    taken_by,
    was_undone,
)
from core.domain.reconciliation_pictures import (
    Finding,
    MovedBack,
    OurOrder,
    OurPayment,
    PlannedPart,
)
from core.domain.statuses import OrderStatus, PaymentStatus

_GONE = frozenset({PaymentStatus.VOIDED, PaymentStatus.FAILED})
_UNDECIDED = frozenset(
    {PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.UNKNOWN}
)
_MOST_PARTS = 8
"""Of more planned parts than this, only the first so many are tried in all combinations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """``grace`` is how long things may be under way."""

    grace: timedelta = GRACE


def compare_payment(
    theirs: ProviderPayment,
    ours: OurPayment | None,
    *,
    order: OurOrder | None = None,
    moved_back: Sequence[MovedBack] = (),
    rules: Rules,
) -> list[Finding]:
    """Compare one payment of the provider with ours.

    Args:
        theirs: the provider's present state.
        ours: the payment here with the same id at the provider, or the one it was made for.
        order: the order that it was made for, when there is no payment here.
        moved_back: the provider's movements that gave money of it back.
        rules: see there.
    """
    if ours is None:
        found = _without_payment(theirs, order, rules)
        return [found] if found else []
    strange = [] if ours.order.status in ENDED else _unknown_refunds(theirs, ours, moved_back)
    money = (
        _unwanted(theirs, ours, rules)
        or _other_terms(theirs, ours)
        or _other_state(theirs, ours, rules)
        or _other_captures(theirs, ours, rules)
        or _other_refunds(theirs, ours, sum(one.amount for one in strange), rules)
    )
    return [*([money] if money else []), *strange]


def missing_payment(ours: OurPayment, *, rules: Rules) -> Finding | None:
    """Tell of a payment for which the provider knows nothing."""
    if ours.status not in PAID or _at_work(ours.order, rules, AT_CAPTURE):
        return None
    return payment_finding(
        DifferenceKind.MISSING_PAYMENT,
        RepairKind.BY_HAND,
        None,
        ours,
        amount=-(ours.taken or ours.held),
        on_balance=-ours.taken,
    )


def explained_by(excess: int, planned: Sequence[PlannedPart]) -> Sequence[PlannedPart]:
    """Return the planned parts that add up to what the provider took beyond ours, if any do."""
    parts = sorted(planned, key=lambda part: part.number)[:_MOST_PARTS]
    for size in range(1, len(parts) + 1):
        for chosen in combinations(parts, size):
            if sum(part.amount for part in chosen) == excess:
                return chosen
    return ()


def _without_payment(
    theirs: ProviderPayment, order: OurOrder | None, rules: Rules
) -> Finding | None:
    if not is_live(theirs):
        return None
    if order is None:
        return payment_finding(
            DifferenceKind.UNKNOWN_PAYMENT,
            RepairKind.BY_HAND,
            theirs,
            None,
            amount=taken_by(theirs) or held_by(theirs),
            on_balance=taken_by(theirs),
        )
    if _at_work(order, rules):
        return None
    return _unwanted_finding(theirs, order, None)


def _unwanted(theirs: ProviderPayment, ours: OurPayment, rules: Rules) -> Finding | None:
    """The order has ended, or this payment of it was let go, and yet it holds money."""
    if not is_live(theirs):
        return None
    ended = ours.order.status in ENDED
    let_go = ours.status in _GONE and not _at_work(ours.order, rules, AT_CAPTURE)
    return _unwanted_finding(theirs, ours.order, ours) if ended or let_go else None


def _other_terms(theirs: ProviderPayment, ours: OurPayment) -> Finding | None:
    if theirs.currency != ours.currency:
        return payment_finding(DifferenceKind.CURRENCY, RepairKind.BY_HAND, theirs, ours)
    if theirs.amount != ours.amount and theirs.status is not PaymentStatus.FAILED:
        difference = theirs.amount - ours.amount
        return payment_finding(
            DifferenceKind.AMOUNT, RepairKind.BY_HAND, theirs, ours, amount=difference
        )
    return None


def _other_state(theirs: ProviderPayment, ours: OurPayment, rules: Rules) -> Finding | None:
    if was_undone(ours.order.status, live=is_live(theirs)):
        return None
    decided = ours.status in _UNDECIDED and theirs.status not in _UNDECIDED
    nothing_left = not held_by(theirs) and theirs.captured_amount <= ours.captured
    let_go = ours.status in PAID and ours.held > 0 and nothing_left and _is_at_its_end(theirs)
    if not (decided or let_go) or _at_work(ours.order, rules, AT_CAPTURE):
        return None
    return payment_finding(
        DifferenceKind.STATE,
        RepairKind.SYNC_PAYMENT,
        theirs,
        ours,
        amount=held_by(theirs) - ours.held,
    )


def _is_at_its_end(theirs: ProviderPayment) -> bool:
    """Taken at once, only the whole given back is an end; a part is a matter of amounts."""
    return not theirs.taken_at_once or theirs.status in {*_GONE, PaymentStatus.REFUNDED}


def _other_captures(theirs: ProviderPayment, ours: OurPayment, rules: Rules) -> Finding | None:
    excess = theirs.captured_amount - ours.captured
    if not excess or theirs.taken_at_once or was_undone(ours.order.status, live=is_live(theirs)):
        return None
    if _at_work(ours.order, rules, AT_CAPTURE):
        return None
    lost = explained_by(excess, ours.planned)
    if lost:
        return payment_finding(
            DifferenceKind.LOST_CAPTURE,
            RepairKind.RESUME_CAPTURE,
            theirs,
            ours,
            amount=excess,
            on_balance=excess,
            parts=[part.number for part in lost],
        )
    return payment_finding(
        DifferenceKind.CAPTURED_AMOUNT,
        RepairKind.BY_HAND,
        theirs,
        ours,
        amount=excess,
        on_balance=excess,
    )


def _other_refunds(
    theirs: ProviderPayment, ours: OurPayment, strange: int, rules: Rules
) -> Finding | None:
    let_go = theirs.amount - theirs.authorized_amount if theirs.taken_at_once else 0
    excess = let_go + theirs.refunded_amount - ours.given_back
    if ours.status not in PAID:
        return None
    undone = was_undone(ours.order.status, live=is_live(theirs))
    if undone or 0 <= excess - strange <= ours.refunding or excess == 0:
        return None
    if _at_work(ours.order, rules, AT_CAPTURE):
        return None
    return payment_finding(
        DifferenceKind.REFUNDED_AMOUNT,
        RepairKind.SYNC_PAYMENT,
        theirs,
        ours,
        amount=excess,
        on_balance=-excess,
    )


def _unknown_refunds(
    theirs: ProviderPayment, ours: OurPayment, moved_back: Sequence[MovedBack]
) -> list[Finding]:
    return [
        Finding(
            kind=DifferenceKind.UNKNOWN_REFUND,
            subject=one.provider_refund_id,
            repair=RepairKind.SYNC_PAYMENT,
            currency=theirs.currency,
            amount=one.amount,
            on_balance=-one.amount,
            order_id=ours.order.order_id,
            payment_id=ours.payment_id,
            evidence={"provider_payment_id": theirs.provider_payment_id, "refund": one.amount},
        )
        for one in moved_back
        if one.reference is None and one.provider_refund_id not in ours.refunds
    ]


def _unwanted_finding(theirs: ProviderPayment, order: OurOrder, ours: OurPayment | None) -> Finding:
    found = payment_finding(
        DifferenceKind.UNWANTED_PAYMENT,
        RepairKind.VOID_PAYMENT,
        theirs,
        ours,
        amount=taken_by(theirs) or held_by(theirs),
        on_balance=taken_by(theirs) - (ours.taken if ours and ours.status in PAID else 0),
    )
    return Finding(
        **{name: getattr(found, name) for name in Finding.__slots__}
        | {
            "order_id": order.order_id,
            "evidence": {**found.evidence, "order_status": str(order.status)},
        }
    )


def _at_work(order: OurOrder, rules: Rules, also: frozenset[OrderStatus] = frozenset()) -> bool:
    return is_at_work(
        order.status,
        under_way=order.under_way,
        quiet_for=order.quiet_for,
        also=also,
        grace=rules.grace,
    )
