"""What an order waits for: one mark for each parked step of each of its workflows."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.events import OrderEvent, TimelineEntry
from models.orders import Order
from models.oversight import OrderWait
from models.repositories import orders, timeline


async def park(session: AsyncSession, wait: OrderWait) -> None:
    """Set or renew a mark; only the first call of a wait adds to the timeline."""
    order = await orders.lock_if_opened(session, wait.order_id)
    if order is None:
        return
    known = await session.get(OrderWait, (wait.order_id, wait.workflow_id, wait.what))
    wait.updated_at = orders.now()
    await session.merge(wait)
    await _show_oldest(session, order)
    if known is None:
        entry = TimelineEntry(
            type=OrderEvent.PARKED, title=f"Waiting for {wait.what}", detail=wait.last_error
        )
        await timeline.append(session, order.id, [entry])


async def resume(
    session: AsyncSession, order_id: str, *, workflow_id: str, what: str, entry: TimelineEntry
) -> None:
    """Take a mark away, if it is there, and tell why."""
    order = await orders.lock_if_opened(session, order_id)
    wait = await session.get(OrderWait, (order_id, workflow_id, what))
    if order is None or wait is None:
        return
    await session.delete(wait)
    await _show_oldest(session, order)
    await timeline.append(session, order_id, [entry])


async def forget(session: AsyncSession, order: Order) -> None:
    """Take all marks of a locked order away: it has ended."""
    for wait in await _waits(session, order.id):
        await session.delete(wait)
    order.waiting_for = None


async def _show_oldest(session: AsyncSession, order: Order) -> None:
    await session.flush()
    waits = await _waits(session, order.id)
    order.waiting_for = _document(waits[0]) if waits else None
    await session.flush()


async def _waits(session: AsyncSession, order_id: str) -> list[OrderWait]:
    statement = (
        select(OrderWait)
        .where(OrderWait.order_id == order_id)
        .order_by(col(OrderWait.since_at), col(OrderWait.workflow_id), col(OrderWait.what))
    )
    return list((await session.scalars(statement)).all())


def _document(wait: OrderWait) -> dict[str, Any]:
    """The contract's ``waiting_for``."""
    next_attempt_at = wait.next_attempt_at
    return {
        "what": wait.what,
        "since": wait.since_at.isoformat(),
        "next_attempt_at": next_attempt_at.isoformat() if next_attempt_at else None,
        "attempts": wait.attempts,
        "last_error": wait.last_error,
    }
