"""What each parcel takes from which payment: set aside first, captured then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.ids import Prefix, derived_id
from core.domain.statuses import PaymentStatus
from models.orders import Order
from models.payments import Capture, CaptureStatus, Payment, PaymentPurpose
from models.repositories import ledger_payments, payments
from models.shipments import Shipment

_PART = text("""
SELECT p.provider, p.provider_payment_id, p.attempt, p.authorized_amount, p.captured_amount,
    p.status AS payment_status, c.amount, c.status, c.final, c.created_at, c.unanswered_at, (
        SELECT coalesce(sum(o.amount), 0) FROM captures o
        WHERE o.payment_id = c.payment_id AND o.number <> c.number AND o.status = 'planned'
    ) AS others
FROM captures c JOIN payments p ON p.id = c.payment_id
WHERE c.payment_id = :payment_id AND c.number = :number
""")

_MORE_TO_COME = text("""
SELECT EXISTS (
    SELECT FROM shipments s
    WHERE s.order_id = :order_id AND s.number <> :number AND s.status <> 'canceled'
      AND s.capture_amount > coalesce((
          SELECT sum(c.amount) FROM captures c JOIN payments p ON p.id = c.payment_id
          WHERE p.order_id = s.order_id AND c.number = s.number AND c.status = 'captured'), 0)
) OR (
    SELECT coalesce(sum(s.capture_amount), 0) < max(o.total_amount)
    FROM orders o LEFT JOIN shipments s
      ON s.order_id = o.id AND s.purpose = 'order' AND s.status <> 'canceled'
    WHERE o.id = :order_id
) AS more
""")


async def part(database: Database, payment_id: str, number: int) -> RowMapping | None:
    """A payment's part in a parcel, with what the provider has to be told; None: not planned."""
    rows = await database.statement(_PART, {"payment_id": payment_id, "number": number})
    return rows[0] if rows else None


async def of_number(session: AsyncSession, order_id: str, number: int) -> Sequence[Capture]:
    """What is planned and captured for one parcel of an order, by payment's attempt."""
    statement = (
        select(Capture)
        .join(Payment, col(Payment.id) == Capture.payment_id)
        .where(Payment.order_id == order_id, Capture.number == number)
        .order_by(col(Payment.attempt))
    )
    return (await session.scalars(statement)).all()


async def plan(
    session: AsyncSession, order: Order, shipment: Shipment, *, now: datetime
) -> Sequence[Capture]:
    """Set aside what a parcel of a locked order costs, as far as there is room; return all parts.

    Args:
        session: the transaction that holds the order's row.
        order: the locked order.
        shipment: its parcel.
        now: what lapses by then (UTC) has no room.
    """
    existing = await of_number(session, order.id, shipment.number)
    missing = shipment.capture_amount - sum(one.amount for one in existing)
    if missing <= 0:
        return existing
    used = {one.payment_id for one in existing}
    final = not await _more_to_come(session, order.id, shipment.number)
    for payment in await payments.of_order(session, order.id):
        planned = await payments.planned_on(session, payment.id)
        room = min(room_of(payment, now) - planned, missing)
        if room <= 0 or payment.id in used:
            continue
        missing -= room
        session.add(
            Capture(
                payment_id=payment.id,
                number=shipment.number,
                amount=room,
                status=CaptureStatus.PLANNED,
                final=final and not planned,
            )
        )
    await session.flush()
    return await of_number(session, order.id, shipment.number)


def room_of(payment: Payment, now: datetime) -> int:
    """What can still be taken with a payment before it lapses, planned parts included."""
    if payment.status in payments.ENDED or has_lapsed(payment, now):
        return 0
    return payment.authorized_amount - payment.captured_amount


def has_lapsed(payment: Payment, now: datetime) -> bool:
    """Whether the provider's deadline is over while something is still authorized."""
    return (
        payment.status not in payments.ENDED
        and payment.authorized_amount > payment.captured_amount
        and payment.capture_before is not None
        and payment.capture_before <= now
    )


async def renewal_of(session: AsyncSession, order: Order, shipment: Shipment) -> str:
    """Name the payment that makes up for what is missing: the first that is not used up."""
    known = {payment.id: payment for payment in await payments.of_order(session, order.id)}
    number = 1
    while True:
        reference = f"{shipment.id}:{number}"
        payment_id = derived_id(Prefix.PAYMENT, order.id, PaymentPurpose.RENEWAL, reference)
        payment = known.get(payment_id)
        if payment is None or payment.status in {
            PaymentStatus.PENDING,
            PaymentStatus.REQUIRES_ACTION,
            PaymentStatus.UNKNOWN,
        }:
            return reference
        number += 1


async def record(
    session: AsyncSession, order: Order, payment: Payment, *, number: int
) -> tuple[Capture, int] | None:
    """Record a planned part as captured; return it with what was let go, or None when it was."""
    capture = await session.get(Capture, (payment.id, number))
    if capture is None or capture.status == CaptureStatus.CAPTURED:
        return None
    before = payments.figures_of(payment)
    capture.status = CaptureStatus.CAPTURED
    capture.unanswered_at = None
    payment.captured_amount += capture.amount
    await payments.settle(session, order, payment)
    taken = payments.figures_of(payment)
    ended = before.held - taken.held
    await ledger_payments.captured(session, order, payment, capture, ended=ended)
    if not (capture.final and taken.held):
        return capture, 0
    payment.authorized_amount = payment.captured_amount
    await payments.settle(session, order, payment)
    await ledger_payments.released(session, payment, taken, payments.figures_of(payment))
    return capture, taken.held


async def drop(session: AsyncSession, payment: Payment, *, number: int) -> None:
    """Forget a planned part that cannot be captured any more."""
    capture = await session.get(Capture, (payment.id, number))
    if capture is not None and capture.status == CaptureStatus.PLANNED:
        await session.delete(capture)
        await session.flush()


async def _more_to_come(session: AsyncSession, order_id: str, number: int) -> bool:
    row = await session.execute(_MORE_TO_COME, {"order_id": order_id, "number": number})
    return bool(row.scalar_one())
