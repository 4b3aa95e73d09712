"""Refunds: asked for once, within what was captured, and spread over an order's payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.disputes import OPEN_DISPUTE
from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id
from core.domain.money import Money
from core.domain.payments import ProviderRefund
from core.domain.statuses import DisputeStatus, RefundStatus
from models.disputes import Dispute
from models.orders import Order
from models.payments import Payment, Refund, RefundPart
from models.repositories import ledger_payments, orders, payments, timeline


async def request(
    session: AsyncSession,
    order: Order,
    *,
    refund_id: str,
    amount: int,
    reason: str,
    actor: str,
    return_id: str | None = None,
    shipment_id: str | None = None,
    items: Sequence[Mapping[str, Any]] = (),
) -> Refund:
    """Write a refund of a locked order; ``RefundWorkflow`` carries it out. Once per id.

    Args:
        session: the transaction that holds the order's row.
        order: the locked order.
        refund_id: from a business key; the same id gives the refund that it gave before.
        amount: minor units of the order's currency, more than none.
        reason: in words.
        actor: who wants it.
        return_id: the return that it pays for.
        shipment_id: the lost or returned parcel that it pays for.
        items: ``item_id`` and ``quantity`` of what it is for.

    Raises:
        InvalidRequestError: not more than none.
        InvalidStateError: more than was captured and is not refunded or about to be.
    """
    existing = await session.get(Refund, refund_id)
    if existing is not None:
        return existing
    if amount <= 0:
        raise InvalidRequestError([FieldError(pointer="/amount", detail="more than zero")])
    parts = await _parts(session, order, refund_id, amount)
    refund = Refund(
        id=refund_id,
        order_id=order.id,
        return_id=return_id,
        shipment_id=shipment_id,
        amount=amount,
        currency=order.currency,
        status=RefundStatus.PENDING,
        reason=reason,
        actor=actor,
        items=[dict(item) for item in items],
    )
    session.add(refund)
    await session.flush()
    session.add_all(parts)
    await session.flush()
    entry = TimelineEntry(
        type=OrderEvent.REFUND_REQUESTED,
        title=f"Refund of {Money(amount=amount, currency=order.currency)} requested",
        detail=reason,
        actor=actor,
    )
    await timeline.append(session, order.id, [entry])
    return refund


async def refundable(session: AsyncSession, order_id: str) -> list[tuple[Payment, int]]:
    """The payments of a locked order with what each can still give back, minor units.

    What a bank has taken back in a dispute, or is about to, is not ours to give.
    """
    at_stake = await _at_stake(session, order_id)
    pending = (
        await session.execute(
            select(RefundPart.payment_id, RefundPart.amount)
            .join(Refund, col(Refund.id) == RefundPart.refund_id)
            .where(Refund.order_id == order_id, RefundPart.status == RefundStatus.PENDING)
        )
    ).all()
    on_its_way: dict[str, int] = {}
    for payment_id, amount in pending:
        on_its_way[payment_id] = on_its_way.get(payment_id, 0) + amount
    return [
        (
            payment,
            max(
                payment.captured_amount
                - payment.refunded_amount
                - at_stake.get(payment.id, 0)
                - on_its_way.get(payment.id, 0),
                0,
            ),
        )
        for payment in await payments.of_order(session, order_id)
    ]


async def _at_stake(session: AsyncSession, order_id: str) -> dict[str, int]:
    """What disputes have taken of each payment, or take when they are lost, minor units."""
    statement = (
        select(Dispute.payment_id, func.sum(Dispute.amount))
        .where(
            Dispute.order_id == order_id,
            ~col(Dispute.inquiry),
            or_(
                col(Dispute.status).in_(OPEN_DISPUTE),
                and_(col(Dispute.withdrawn), col(Dispute.status) == DisputeStatus.LOST),
            ),
        )
        .group_by(col(Dispute.payment_id))
    )
    return {payment_id: int(amount) for payment_id, amount in await session.execute(statement)}


async def _parts(
    session: AsyncSession, order: Order, refund_id: str, amount: int
) -> list[RefundPart]:
    sources = await refundable(session, order.id)
    possible = sum(left for _, left in sources)
    if amount > possible:
        most = Money(amount=possible, currency=order.currency)
        disputed = sum((await _at_stake(session, order.id)).values())
        kept = Money(amount=disputed, currency=order.currency)
        by_banks = f" since {kept} is in dispute or lost in one" if disputed else ""
        raise InvalidStateError(
            present=f"{order.payment_status}, {most} can be refunded{by_banks}",
            wanted=f"a refund of {Money(amount=amount, currency=order.currency)}",
            allowed=[f"refund up to {possible}"] if possible else [],
        )
    parts: list[RefundPart] = []
    for payment, left in sources:
        share = min(left, amount - sum(part.amount for part in parts))
        if share > 0:
            parts.append(
                RefundPart(
                    refund_id=refund_id,
                    payment_id=payment.id,
                    amount=share,
                    status=RefundStatus.PENDING,
                )
            )
    return parts


async def unsettled(session: AsyncSession, refund_id: str) -> list[RefundPart]:
    """The parts that no payment has given back yet, in the order of their payments."""
    statement = (
        select(RefundPart)
        .join(Payment, col(Payment.id) == RefundPart.payment_id)
        .where(RefundPart.refund_id == refund_id, RefundPart.status == RefundStatus.PENDING)
        .order_by(col(Payment.attempt))
    )
    return list((await session.scalars(statement)).all())


async def record_part(
    session: AsyncSession, order: Order, part: RefundPart, found: ProviderRefund
) -> None:
    """Record what the provider says of a part whose order is locked; never the same twice.

    A failure leaves the part pending, or makes it pending again when the money came back after it
    had gone: a person decides whether it is tried again.
    """
    payment = await payments.get(session, part.payment_id)
    if part.status == RefundStatus.SUCCEEDED:
        same = found.provider_refund_id == part.provider_refund_id
        if found.status is RefundStatus.FAILED and same:
            await _reopen_part(session, order, payment, part, found)
        return
    if part.status != RefundStatus.PENDING:
        return
    part.provider_refund_id = found.provider_refund_id
    part.failure_code = found.failure_code
    part.unanswered_at = None
    if found.status is RefundStatus.SUCCEEDED:
        payment.refunded_amount += part.amount
        await _end_part(session, order, payment, part, RefundStatus.SUCCEEDED)
        refund = await session.get_one(Refund, part.refund_id)
        await ledger_payments.refunded(session, order, payment, refund, part)
    await session.flush()


async def give_up(
    session: AsyncSession, order: Order, part: RefundPart, *, actor: str, reason: str
) -> None:
    """Record that a part is not given back by the provider."""
    if part.status != RefundStatus.PENDING:
        return
    payment = await payments.get(session, part.payment_id)
    await _end_part(session, order, payment, part, RefundStatus.FAILED, actor=actor, detail=reason)


async def record_found(
    session: AsyncSession, order: Order, payment: Payment, found: Sequence[ProviderRefund]
) -> None:
    """Record the provider's refunds of a payment whose order is locked, ours and its own."""
    by_reference: dict[str, list[ProviderRefund]] = {}
    for one in found:
        if one.reference is None:
            await _record_foreign(session, order, payment, one)
        else:
            by_reference.setdefault(one.reference, []).append(one)
    for refund_id, tries in by_reference.items():
        part = await session.get(RefundPart, (refund_id, payment.id))
        if part is None:
            continue
        if part.status == RefundStatus.SUCCEEDED:
            for one in tries:
                await record_part(session, order, part, one)
        else:
            live = [one for one in tries if one.status is not RefundStatus.FAILED]
            if live:
                await record_part(session, order, part, live[0])


async def _record_foreign(
    session: AsyncSession, order: Order, payment: Payment, found: ProviderRefund
) -> None:
    """Somebody refunded at the provider itself: the books follow, as far as they can."""
    refund_id = derived_id(Prefix.REFUND, order.id, found.provider_refund_id)
    possible = payment.captured_amount - payment.refunded_amount
    if (
        found.status is not RefundStatus.SUCCEEDED
        or found.amount > possible
        or await session.get(Refund, refund_id) is not None
    ):
        return
    actor = f"provider:{payment.provider}"
    refund = Refund(
        id=refund_id,
        order_id=order.id,
        amount=found.amount,
        currency=order.currency,
        status=RefundStatus.PENDING,
        reason="made at the provider",
        actor=actor,
        items=[],
    )
    session.add(refund)
    await session.flush()
    part = RefundPart(
        refund_id=refund_id,
        payment_id=payment.id,
        amount=found.amount,
        status=RefundStatus.PENDING,
    )
    session.add(part)
    await session.flush()
    await record_part(session, order, part, found)


async def _reopen_part(
    session: AsyncSession,
    order: Order,
    payment: Payment,
    part: RefundPart,
    found: ProviderRefund,
) -> None:
    """The bank sent the money back: it is the customer's still, and nobody has given it yet."""
    payment.refunded_amount -= part.amount
    await ledger_payments.refund_failed(session, payment, part)
    part.status = RefundStatus.PENDING
    part.failure_code = found.failure_code
    await payments.settle(session, order, payment)
    refund = await session.get(Refund, part.refund_id)
    if refund is None:
        return
    refund.status = RefundStatus.PENDING
    refund.updated_at = orders.now()
    await session.flush()
    amount = Money(amount=part.amount, currency=refund.currency)
    entry = TimelineEntry(
        type=OrderEvent.REFUND_FAILED,
        title=f"The refund of {amount} came back",
        detail=found.failure_code or "",
        actor=f"provider:{payment.provider}",
    )
    await timeline.append(session, order.id, [entry])


async def _end_part(
    session: AsyncSession,
    order: Order,
    payment: Payment,
    part: RefundPart,
    status: RefundStatus,
    *,
    actor: str | None = None,
    detail: str = "",
) -> None:
    part.status = status
    await payments.settle(session, order, payment)
    refund = await session.get(Refund, part.refund_id)
    statuses = {one.status for one in await _parts_of(session, part.refund_id)}
    if refund is None or RefundStatus.PENDING in statuses:
        return
    succeeded = statuses == {RefundStatus.SUCCEEDED}
    refund.status = RefundStatus.SUCCEEDED if succeeded else RefundStatus.FAILED
    refund.updated_at = orders.now()
    await session.flush()
    amount = Money(amount=refund.amount, currency=refund.currency)
    entry = TimelineEntry(
        type=OrderEvent.REFUND_SUCCEEDED if succeeded else OrderEvent.REFUND_FAILED,
        title=f"{amount} refunded" if succeeded else f"The refund of {amount} failed",
        detail=detail,
        actor=actor or f"provider:{payment.provider}",
    )
    await timeline.append(session, order.id, [entry])


async def _parts_of(session: AsyncSession, refund_id: str) -> Sequence[RefundPart]:
    statement = select(RefundPart).where(RefundPart.refund_id == refund_id)
    return (await session.scalars(statement)).all()
