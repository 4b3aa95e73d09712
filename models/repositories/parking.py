"""What an order waits for: one mark for each parked step of each of its workflows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.events import OrderEvent, TimelineEntry
from models.orders import Order
from models.oversight import OrderWait
from models.repositories import audit, orders, timeline

_WAITING = text("""
SELECT workflow_id FROM order_waits WHERE order_id = :order_id AND what = :what
ORDER BY since_at, workflow_id
""")

RETRY = "retry"
WORDS = {
    RETRY: "it is tried again now",
    "skip": "the order goes on without it",
    "cancel": "it is given up",
    "refund": "the money for it is given back",
}
"""What each decision means, for the timeline."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a person has decided about a parked step, by which update of its workflow."""

    order_id: str
    workflow_id: str
    what: str
    update_id: str
    action: str
    actor: str
    reason: str


async def park(
    session: AsyncSession, wait: OrderWait, *, then: Sequence[TimelineEntry] = ()
) -> None:
    """Set or renew a mark; only the first call of a wait adds to the timeline.

    Args:
        session: the caller's transaction.
        wait: the mark.
        then: what the wait means for others, told after it.
    """
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
        await timeline.append(session, order.id, [entry, *then])


async def resume(
    session: AsyncSession, order_id: str, *, workflow_id: str, what: str, entry: TimelineEntry
) -> bool:
    """Take a mark away, if it is there, and tell why; return whether it was there."""
    order = await orders.lock_if_opened(session, order_id)
    wait = await session.get(OrderWait, (order_id, workflow_id, what))
    if order is None or wait is None:
        return False
    await session.delete(wait)
    await _show_oldest(session, order)
    await timeline.append(session, order_id, [entry])
    return True


async def resolve(session: AsyncSession, decision: Decision) -> None:
    """Write a decision down, once; a step that is not tried again waits no more."""
    order = await orders.lock_if_opened(session, decision.order_id)
    if order is None:
        return
    update_id = f"{decision.update_id} {decision.what}"
    if await audit.knows_update(session, target=order.id, update_id=update_id):
        return
    wait = await session.get(OrderWait, (order.id, decision.workflow_id, decision.what))
    await audit.record(
        session,
        actor=decision.actor,
        action=f"order.step_{decision.action}",
        target=order.id,
        reason=decision.reason,
        before={
            "workflow_id": decision.workflow_id,
            "waiting_for": decision.what,
            "attempts": wait.attempts if wait else None,
            "last_error": wait.last_error if wait else None,
        },
        after={"decision": decision.action, "update_id": update_id},
    )
    if wait is not None and decision.action == RETRY:
        wait.next_attempt_at = orders.now()
    elif wait is not None:
        await session.delete(wait)
    await _show_oldest(session, order)
    entry = TimelineEntry(
        type=OrderEvent.STEP_RESOLVED,
        title=f"Decided about {decision.what}: {WORDS[decision.action]}",
        detail=decision.reason,
        actor=decision.actor,
    )
    await timeline.append(session, order.id, [entry])


def own_workflows(order_id: str) -> tuple[str, str]:
    """The ids of the workflows that end with the order itself."""
    return f"checkout/{order_id}", f"fulfillment/{order_id}"


async def workflows_waiting_for(database: Database, order_id: str, what: str) -> list[str]:
    """The workflows of an order that wait for one thing, the longest first."""
    rows = await database.statement(_WAITING, {"order_id": order_id, "what": what})
    return [row["workflow_id"] for row in rows]


async def forget(session: AsyncSession, order: Order) -> None:
    """Take the marks of a locked order's own workflows away: it has ended.

    Others that work for it go on, a refund or an event of the provider, and so do their marks.
    """
    for wait in await _waits(session, order.id):
        if wait.workflow_id in own_workflows(order.id):
            await session.delete(wait)
    await _show_oldest(session, order)


async def forget_workflow(session: AsyncSession, workflow_id: str) -> None:
    """Take a workflow's marks away: it is reset, and makes them again if it still has to."""
    statement = select(OrderWait).where(OrderWait.workflow_id == workflow_id)
    for order_id in sorted({wait.order_id for wait in await session.scalars(statement)}):
        order = await orders.lock(session, order_id)
        for wait in await _waits(session, order_id):
            if wait.workflow_id == workflow_id:
                await session.delete(wait)
        await _show_oldest(session, order)


async def waits_of(session: AsyncSession, order_id: str) -> list[OrderWait]:
    """Return what an order waits for, the longest first."""
    return await _waits(session, order_id)


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
        .execution_options(populate_existing=True)
    )
    return list((await session.scalars(statement)).all())


def _document(wait: OrderWait) -> dict[str, Any]:
    """The contract's ``waiting_for``."""
    return {
        "what": wait.what,
        "since": in_contract(wait.since_at),
        "next_attempt_at": in_contract(wait.next_attempt_at) if wait.next_attempt_at else None,
        "attempts": wait.attempts,
        "last_error": wait.last_error,
    }


def in_contract(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and ``Z``, as every moment of the API."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
