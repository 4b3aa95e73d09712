"""Refunds: asked for once, within what was captured, and spread over an order's payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.money import Money
from core.domain.statuses import RefundStatus
from models.orders import Order
from models.payments import Payment, Refund, RefundPart
from models.repositories import timeline


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
    """The payments of a locked order with what each can still give back, minor units."""
    payments = (
        await session.scalars(
            select(Payment).where(Payment.order_id == order_id).order_by(col(Payment.attempt))
        )
    ).all()
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
            payment.captured_amount - payment.refunded_amount - on_its_way.get(payment.id, 0),
        )
        for payment in payments
    ]


async def _parts(
    session: AsyncSession, order: Order, refund_id: str, amount: int
) -> list[RefundPart]:
    sources = await refundable(session, order.id)
    possible = sum(left for _, left in sources)
    if amount > possible:
        most = Money(amount=possible, currency=order.currency)
        raise InvalidStateError(
            present=f"{order.payment_status}, {most} can be refunded",
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
