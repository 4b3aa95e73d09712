"""The mark of an order that waits for something."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.events import OrderEvent, TimelineEntry
from models.repositories import orders, timeline


async def park(session: AsyncSession, order_id: str, waiting_for: dict[str, Any]) -> None:
    """Set or renew the mark; only the first call of a wait adds to the timeline."""
    order = await orders.lock_if_opened(session, order_id)
    if order is None:
        return
    already = order.waiting_for is not None and order.waiting_for["what"] == waiting_for["what"]
    order.waiting_for = waiting_for
    await session.flush()
    if not already:
        entry = TimelineEntry(
            type=OrderEvent.PARKED,
            title=f"Waiting for {waiting_for['what']}",
            detail=waiting_for["last_error"],
        )
        await timeline.append(session, order_id, [entry])


async def resume(
    session: AsyncSession, order_id: str, *, what: str, actor: str, reason: str
) -> None:
    """Take the mark away, if it is still that one."""
    order = await orders.lock_if_opened(session, order_id)
    if order is None or order.waiting_for is None or order.waiting_for["what"] != what:
        return
    order.waiting_for = None
    await session.flush()
    entry = TimelineEntry(
        type=OrderEvent.RESUMED, title=f"No longer waiting for {what}", detail=reason, actor=actor
    )
    await timeline.append(session, order_id, [entry])
