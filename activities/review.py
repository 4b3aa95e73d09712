"""Holding an order for review, and letting it go on."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.database import Database
from core.domain.statuses import OrderStatus
from models.orders import Order
from models.repositories import audit, order_changes, orders, review, shares
from workflows.ports.order_changes import ChangedOrder, DecideReview, ReviewActivities


class PostgresReviewActivities(ReviewActivities):
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def hold_order(self, step: DecideReview) -> ChangedOrder:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            if await review.hold(session, order, actor=step.actor, reason=step.reason):
                await self._audit(session, step, "order.hold")
            return await self._changed(session, order)

    @activity.defn
    async def release_order(self, step: DecideReview) -> ChangedOrder:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            if await review.release(session, order, actor=step.actor, reason=step.reason):
                await self._audit(session, step, "order.release")
            return await self._changed(session, order)

    async def _audit(self, session: AsyncSession, step: DecideReview, action: str) -> None:
        await audit.record(
            session, actor=step.actor, action=action, target=step.order_id, reason=step.reason
        )

    async def _changed(self, session: AsyncSession, order: Order) -> ChangedOrder:
        """Parcels that wait for the release, or have to stop for the hold."""
        parcels = await order_changes.parcels_of(session, order)
        return ChangedOrder(
            order_status=OrderStatus(order.status),
            parcels=[one.id for one in parcels if shares.is_open(one)],
        )
