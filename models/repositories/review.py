"""Orders that a person looks at before they ship, and the rules that choose them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.events import Actor, OrderEvent, TimelineEntry
from core.domain.statuses import OrderStatus
from models.orders import Order
from models.oversight import ReviewRule
from models.repositories import order_changes, order_units, orders, shares, timeline

# A rule asks once: what a person has released is not held by it again.
_MATCHES = text("""
SELECT r.name FROM review_rules r, orders o
WHERE o.id = :order_id AND r.active AND CASE r.kind
    WHEN 'amount' THEN r.currency = o.currency AND o.total_amount > r.amount
    WHEN 'country' THEN r.country = o.shipping_address ->> 'country'
    ELSE r.orders < (
        SELECT count(*) FROM orders other
        WHERE other.customer_id = o.customer_id AND other.status NOT IN ('failed', 'canceled')
            AND other.created_at > o.created_at - make_interval(secs => r.window_seconds)
            AND other.created_at <= o.created_at)
    END
AND NOT EXISTS (
    SELECT FROM order_timeline t
    WHERE t.order_id = o.id AND t.type = 'order.held_for_review' AND t.actor = 'system')
ORDER BY r.id
""")


async def ask_the_rules(session: AsyncSession, order: Order, *, within_seconds: int) -> None:
    """Hold a locked order that is about to be packed, if a rule says so."""
    if order.status != OrderStatus.CONFIRMED or order.review is not None:
        return
    names = list((await session.scalars(_MATCHES, {"order_id": order.id})).all())
    if names:
        deadline = datetime.now(UTC) + timedelta(seconds=within_seconds)
        await _hold(session, order, names, actor=Actor.SYSTEM, deadline=deadline)


async def hold(session: AsyncSession, order: Order, *, actor: str, reason: str) -> bool:
    """Let no parcel of a locked order leave; tell whether that is new.

    Raises:
        InvalidStateError: nothing is left that could be held, or it is held already by another.
    """
    order_changes.require_changeable(order, "a hold")
    if order.review is not None:
        if order.review.get("actor") == actor and reason in order.review["reasons"]:
            return False
        raise InvalidStateError(present="held for review", wanted="a hold", allowed=["release"])
    parcels = await order_changes.parcels_of(session, order)
    waiting = await order_units.waiting_units(session, order.id)
    if parcels and not waiting and not any(shares.is_open(one) for one in parcels):
        raise InvalidStateError(present="all on its way", wanted="a hold")
    await _hold(session, order, [reason or "held by staff"], actor=actor, deadline=None)
    return True


async def release(session: AsyncSession, order: Order, *, actor: str, reason: str) -> bool:
    """Let a locked order go on; tell whether that is new.

    Raises:
        InvalidStateError: it was never held.
    """
    if order.review is None:
        released = await session.scalar(_RELEASED, {"order_id": order.id, "actor": actor})
        if released:
            return False
        raise InvalidStateError(present=order.status, wanted="a release from review")
    order.review = None
    order.updated_at = orders.now()
    await session.flush()
    entry = TimelineEntry(
        type=OrderEvent.REVIEW_RELEASED, title="Released from review", detail=reason, actor=actor
    )
    await timeline.append(session, order.id, [entry])
    return True


_RELEASED = text("""
SELECT type = 'order.review_released' AND actor = :actor FROM order_timeline
WHERE order_id = :order_id AND type IN ('order.held_for_review', 'order.review_released')
ORDER BY sequence DESC LIMIT 1
""")


def words_of(review: dict[str, Any]) -> str:
    """Why the order is held, for people."""
    return ", ".join(review["reasons"])


async def list_rules(session: AsyncSession) -> Sequence[ReviewRule]:
    """Every rule, the newest first."""
    return (await session.scalars(select(ReviewRule).order_by(col(ReviewRule.id).desc()))).all()


async def lock_rule(session: AsyncSession, rule_id: str) -> ReviewRule:
    """Return a rule, locked.

    Raises:
        NotFoundError: there is no such rule.
    """
    rule = await session.get(ReviewRule, rule_id, with_for_update=True)
    if rule is None:
        raise NotFoundError("there is no such rule")
    return rule


async def _hold(
    session: AsyncSession,
    order: Order,
    reasons: Sequence[str],
    *,
    actor: str,
    deadline: datetime | None,
) -> None:
    order.review = {
        "reasons": list(reasons),
        "since": datetime.now(UTC).isoformat(),
        "deadline": deadline.isoformat() if deadline else None,
        "actor": actor,
    }
    order.updated_at = orders.now()
    await session.flush()
    entry = TimelineEntry(
        type=OrderEvent.HELD_FOR_REVIEW,
        title="Held for review",
        detail=", ".join(reasons),
        actor=actor,
    )
    await timeline.append(session, order.id, [entry])
