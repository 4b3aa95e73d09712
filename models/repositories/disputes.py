"""Disputes as the provider last told them; changes happen while the order's row is locked."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.disputes import DISPUTE_MOVES, OPEN_DISPUTE, shares
from core.domain.errors import NotFoundError, ProviderRejectedError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id
from core.domain.money import Money
from core.domain.provider_books import ProviderDispute
from core.domain.statuses import DisputeStatus, PaymentStatus, can_move
from models.disputes import Dispute
from models.orders import Order
from models.payments import Payment
from models.repositories import ledger_disputes, orders, payments, timeline


def id_of(order_id: str, provider_dispute_id: str) -> str:
    """Our id of a dispute: the same one whoever hears of it first."""
    return derived_id(Prefix.DISPUTE, order_id, provider_dispute_id)


async def find(session: AsyncSession, dispute_id: str) -> Dispute | None:
    """Return a dispute as it is now, or None before its first record."""
    return await session.get(Dispute, dispute_id, populate_existing=True)


async def get(session: AsyncSession, dispute_id: str) -> Dispute:
    """Return a dispute.

    Raises:
        NotFoundError: there is no such dispute.
    """
    dispute = await find(session, dispute_id)
    if dispute is None:
        raise NotFoundError(f"no dispute {dispute_id}")
    return dispute


async def record(
    session: AsyncSession, order: Order, payment: Payment, found: ProviderDispute
) -> Dispute:
    """Record what the provider says of a dispute of a locked order; never a step back.

    Raises:
        ProviderRejectedError: it is about another payment, or in another currency.
    """
    if (found.provider_payment_id, found.currency) != (
        payment.provider_payment_id,
        payment.currency,
    ):
        raise ProviderRejectedError(
            f"{found.provider_dispute_id} disputes {found.provider_payment_id} in {found.currency},"
            f" not {payment.provider_payment_id} in {payment.currency}"
        )
    dispute = await find(session, id_of(order.id, found.provider_dispute_id))
    entries: list[TimelineEntry] = []
    if dispute is None:
        dispute = await _add(session, order, payment, found)
        entries.append(_opened(dispute, found))
    if dispute.status not in OPEN_DISPUTE:
        return dispute
    before = _facts(dispute)
    became_dispute = dispute.inquiry and not found.inquiry
    escalated = became_dispute and not entries
    if escalated:
        entries.append(_escalated(dispute, found))
    await _hold(session, payment, dispute, found, opening=became_dispute)
    backwards = (found.inquiry and not dispute.inquiry) or (
        dispute.withdrawn and not found.withdrawn
    )
    if not backwards or found.status not in OPEN_DISPUTE:  # else an answer that was overtaken
        _follow(dispute, found, entries, again=escalated)
    if entries or _facts(dispute) != before:
        await _settle(session, order, payment, dispute)
        await timeline.append(session, order.id, entries)
    return dispute


async def _add(
    session: AsyncSession, order: Order, payment: Payment, found: ProviderDispute
) -> Dispute:
    dispute = Dispute(
        id=id_of(order.id, found.provider_dispute_id),
        order_id=order.id,
        payment_id=payment.id,
        provider=payment.provider,
        provider_dispute_id=found.provider_dispute_id,
        status=DisputeStatus.NEEDS_RESPONSE,
        reason=found.reason,
        currency=found.currency,
        amount=found.amount,
        held=[],
        inquiry=True,
        evidence_due_at=found.evidence_due_at,
        opened_at=found.opened_at,
    )
    session.add(dispute)
    await session.flush()
    return dispute


async def _hold(
    session: AsyncSession,
    payment: Payment,
    dispute: Dispute,
    found: ProviderDispute,
    *,
    opening: bool,
) -> None:
    """Hold the vendors' shares back while it is contested, and book what the bank has taken.

    The shares are looked at again each time: a dispute can be quicker than the record of its
    capture, and some providers name the amount at last.
    """
    if found.inquiry and dispute.inquiry:
        return
    dispute.inquiry = False
    taken = found.withdrawn and not dispute.withdrawn
    if not dispute.withdrawn:
        dispute.amount = found.amount
    held = await _shares(session, payment, dispute)
    before, dispute.held = dispute.held, held
    dispute.withdrawn = dispute.withdrawn or taken
    if opening:
        await ledger_disputes.post_opened(session, dispute)
        return
    if held != before:
        await ledger_disputes.post_shared_again(session, dispute, before)
    if taken:
        await ledger_disputes.post_withdrawn(session, dispute)


async def _shares(
    session: AsyncSession, payment: Payment, dispute: Dispute
) -> list[dict[str, Any]]:
    others = [one for one in await _contested(session, payment.id) if one.id != dispute.id]
    owed = await ledger_disputes.owed_to_vendors(session, payment, dispute.id)
    taken = payment.captured_amount - payment.refunded_amount - sum(one.amount for one in others)
    borne = shares(dispute.amount, taken=taken, parts=owed)
    return [{"vendor_id": vendor, "amount": share} for vendor, share in borne.items()]


async def _contested(session: AsyncSession, payment_id: str) -> list[Dispute]:
    """The disputes of a payment whose money is at stake or gone."""
    statement = select(Dispute).where(
        Dispute.payment_id == payment_id,
        ~col(Dispute.inquiry),
        Dispute.status != DisputeStatus.WON,
    )
    return [
        one
        for one in await session.scalars(statement)
        if one.withdrawn or one.status in OPEN_DISPUTE
    ]


def _follow(
    dispute: Dispute, found: ProviderDispute, entries: list[TimelineEntry], *, again: bool
) -> None:
    """Take the provider's state over, as far as it is a step forward.

    ``again``: an inquiry has become a dispute, and the bank asks once more.
    """
    present = DisputeStatus(dispute.status)
    dispute.reason = found.reason
    dispute.evidence_due_at = found.evidence_due_at or dispute.evidence_due_at
    if again:
        dispute.evidence_submitted_at = dispute.submitted_by = None
    submitted = found.evidence_submitted or found.status is DisputeStatus.UNDER_REVIEW
    if submitted and dispute.evidence_submitted_at is None:
        dispute.evidence_submitted_at = orders.now()
        dispute.submitted_by = f"provider:{dispute.provider}"
        entries.append(
            TimelineEntry(
                type=OrderEvent.DISPUTE_EVIDENCE_SUBMITTED,
                title="Evidence was submitted at the provider",
                detail=dispute.provider_dispute_id,
                actor=f"provider:{dispute.provider}",
            )
        )
    back = found.status is DisputeStatus.NEEDS_RESPONSE and not again
    if can_move(DISPUTE_MOVES, present, found.status) and not back:
        dispute.status = found.status
    if dispute.status not in OPEN_DISPUTE:
        dispute.closed_at = orders.now()
        entries.append(_decided(dispute))


async def _settle(session: AsyncSession, order: Order, payment: Payment, dispute: Dispute) -> None:
    """Book how it ended, and show on the payment and the order what is in dispute."""
    touch(dispute)
    if not dispute.inquiry and dispute.status == DisputeStatus.WON:
        await ledger_disputes.post_won(session, dispute)
    elif not dispute.inquiry and dispute.status == DisputeStatus.LOST:
        await ledger_disputes.post_lost(session, dispute)
    await session.flush()
    await session.refresh(dispute)
    contested = await _contested(session, payment.id)
    payment.disputed_amount = sum(one.amount for one in contested if one.withdrawn)
    if any(one.status in OPEN_DISPUTE for one in contested):
        payment.status = PaymentStatus.DISPUTED
    elif payment.status == PaymentStatus.DISPUTED:
        captured = payment.captured_amount > 0
        payment.status = PaymentStatus.CAPTURED if captured else PaymentStatus.AUTHORIZED
    await payments.settle(session, order, payment)


def touch(dispute: Dispute) -> None:
    """Give a changed row its next version."""
    dispute.version += 1
    dispute.updated_at = orders.now()


def _facts(dispute: Dispute) -> tuple[object, ...]:
    return (
        dispute.status,
        dispute.inquiry,
        dispute.withdrawn,
        dispute.amount,
        dispute.held,
        dispute.reason,
        dispute.evidence_due_at,
        dispute.evidence_submitted_at is not None,
    )


def _amount(dispute: Dispute) -> Money:
    return Money(amount=dispute.amount, currency=dispute.currency)


def _opened(dispute: Dispute, found: ProviderDispute) -> TimelineEntry:
    what = "asks about" if found.inquiry else "disputes"
    return TimelineEntry(
        type=OrderEvent.DISPUTE_OPENED,
        title=f"The bank {what} {_amount(dispute)}",
        detail=dispute.reason,
        actor=f"provider:{dispute.provider}",
    )


def _escalated(dispute: Dispute, found: ProviderDispute) -> TimelineEntry:
    return TimelineEntry(
        type=OrderEvent.DISPUTE_ESCALATED,
        title=f"The bank disputes {_amount(dispute)}, about which it had asked",
        detail=found.reason,
        actor=f"provider:{dispute.provider}",
    )


def _decided(dispute: Dispute) -> TimelineEntry:
    won = dispute.status == DisputeStatus.WON
    return TimelineEntry(
        type=OrderEvent.DISPUTE_WON if won else OrderEvent.DISPUTE_LOST,
        title=f"The dispute about {_amount(dispute)} is {dispute.status}",
        detail=dispute.reason,
        actor=f"provider:{dispute.provider}",
    )
