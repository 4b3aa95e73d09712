"""Calls to a provider that were not answered: written down, so that it is asked before the next."""

from __future__ import annotations

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.money import Money
from core.domain.payments import ProviderPayment
from core.domain.statuses import PaymentStatus, RefundStatus
from models.payments import Capture, CaptureStatus, Payment, RefundPart
from models.repositories import orders, timeline

_ASKED = text("""
SELECT order_id, id AS payment_id, provider, provider_payment_id, status, amount, currency
FROM payments WHERE id = :payment_id
""")

_STRAY_IS_TOLD = text("""
SELECT EXISTS (
    SELECT FROM order_timeline
    WHERE order_id = :order_id AND type = :type AND detail LIKE :payment || ' %'
) AS told
""")


async def asked(database: Database, payment_id: str) -> RowMapping | None:
    """What was asked of which provider with a payment, and how its row stands."""
    rows = await database.statement(_ASKED, {"payment_id": payment_id})
    return rows[0] if rows else None


async def mark_payment(database: Database, order_id: str, payment_id: str) -> None:
    """Record that the call for a payment was not answered; never a step back."""
    async with database.transaction() as session:
        order = await orders.lock_if_opened(session, order_id)
        payment = await session.get(Payment, payment_id)
        if order is None or payment is None or payment.status != PaymentStatus.PENDING:
            return
        payment.status = PaymentStatus.UNKNOWN
        payment.updated_at = orders.now()
        await _tell(session, order_id, "payment")


async def mark_capture(database: Database, order_id: str, payment_id: str, number: int) -> None:
    """Record that the call for a planned part was not answered."""
    async with database.transaction() as session:
        await orders.lock(session, order_id)
        part = await session.get(Capture, (payment_id, number))
        if part is None or part.status != CaptureStatus.PLANNED or part.unanswered_at is not None:
            return
        part.unanswered_at = orders.now()
        await _tell(session, order_id, "capture")


async def mark_refund(database: Database, order_id: str, refund_id: str, payment_id: str) -> None:
    """Record that the call for a part of a refund was not answered."""
    async with database.transaction() as session:
        await orders.lock(session, order_id)
        part = await session.get(RefundPart, (refund_id, payment_id))
        if part is None or part.status != RefundStatus.PENDING or part.unanswered_at is not None:
            return
        part.unanswered_at = orders.now()
        await _tell(session, order_id, "refund")


async def tell_of_stray(session: AsyncSession, order_id: str, found: ProviderPayment) -> None:
    """Show, once, that a payment which nobody here asked for was given back."""
    kind = OrderEvent.STRAY_PAYMENT_RETURNED
    payment = found.provider_payment_id or ""
    known = {"order_id": order_id, "type": kind, "payment": payment}
    if (await session.execute(_STRAY_IS_TOLD, known)).scalar_one():
        return
    amount = Money(amount=found.amount, currency=found.currency)
    entry = TimelineEntry(
        type=kind,
        title="A payment that nobody had asked for was given back",
        detail=f"{payment} of {amount}",
    )
    await timeline.append(session, order_id, [entry])


async def _tell(session: AsyncSession, order_id: str, what: str) -> None:
    await session.flush()
    entry = TimelineEntry(
        type=OrderEvent.PAYMENT_UNKNOWN,
        title=f"The payment provider did not answer about the {what}",
        detail="it is asked what became of it before anything else is done",
    )
    await timeline.append(session, order_id, [entry])
