"""Holds: units kept for a customer before there is an order."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.statuses import HoldStatus
from models.stock import Hold, ReservationLine

_CONTENT = text("""
SELECT sku, sum(quantity)::int AS quantity FROM reservation_lines
WHERE hold_id = :hold_id AND status = 'held' GROUP BY sku
""")


async def lock(session: AsyncSession, hold_id: str) -> Hold | None:
    """Return the hold, locked until the transaction ends."""
    statement = select(Hold).where(Hold.id == hold_id).with_for_update(key_share=True)
    return (await session.scalars(statement)).one_or_none()


async def content(session: AsyncSession, hold_id: str) -> Mapping[str, int]:
    """SKU to units that are still held."""
    rows = await session.execute(_CONTENT, {"hold_id": hold_id})
    return {row.sku: row.quantity for row in rows}


async def consume(session: AsyncSession, hold: Hold, order_id: str) -> None:
    """Hand the units of a locked hold over to an order, which has no deadline of its own."""
    hold.status = HoldStatus.CONSUMED
    hold.order_id = order_id
    await session.execute(
        update(ReservationLine)
        .where(col(ReservationLine.hold_id) == hold.id, col(ReservationLine.status) == "held")
        .values(order_id=order_id, expires_at=None)
    )
