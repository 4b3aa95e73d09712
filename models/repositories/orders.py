"""Changes of an order after it was opened; each inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import NotFoundError
from core.domain.statuses import (
    ORDER_MOVES,
    PAYMENT_MOVES,
    OrderStatus,
    PaymentStatus,
    ReservationStatus,
    can_move,
    require_move,
)
from models.orders import Order
from models.payments import Payment
from models.stock import ReservationLine


async def lock(session: AsyncSession, order_id: str) -> Order:
    """Return the order, locked until the transaction ends.

    Raises:
        NotFoundError: there is no such order.
    """
    order = await lock_if_opened(session, order_id)
    if order is None:
        raise NotFoundError(f"no order {order_id}")
    return order


async def lock_if_opened(session: AsyncSession, order_id: str) -> Order | None:
    """Return the order, locked, or None when its checkout never opened it."""
    statement = select(Order).where(Order.id == order_id).with_for_update(key_share=True)
    return (await session.scalars(statement)).one_or_none()


async def first_payment(session: AsyncSession, order_id: str) -> Payment:
    """The payment of the checkout; its order's row is locked by the caller."""
    statement = select(Payment).where(Payment.order_id == order_id, Payment.attempt == 1)
    return (await session.scalars(statement)).one()


def move(order: Order, status: OrderStatus) -> None:
    """Change the state.

    Raises:
        InvalidStateError: the order's state has no such move.
    """
    require_move(ORDER_MOVES, OrderStatus(order.status), status)
    order.status = status
    order.updated_at = now()


def move_payment(order: Order, payment: Payment, status: PaymentStatus) -> bool:
    """Change the payment's state if that is a step forward; tell whether it was."""
    if not can_move(PAYMENT_MOVES, PaymentStatus(payment.status), status):
        return False
    payment.status = order.payment_status = status
    payment.updated_at = now()
    return True


async def hold_lines_until(session: AsyncSession, order_id: str, deadline: datetime) -> None:
    """Give the order's held lines a deadline."""
    await session.execute(
        update(ReservationLine)
        .where(
            col(ReservationLine.order_id) == order_id,
            col(ReservationLine.status) == ReservationStatus.HELD,
        )
        .values(expires_at=deadline)
    )


def now() -> Any:
    """The transaction's time, as the database has it."""
    return func.now()
