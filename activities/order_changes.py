"""The database steps that change a confirmed order."""

from __future__ import annotations

from temporalio import activity

from core.database import Database
from core.domain.statuses import OrderStatus
from models.repositories import audit, order_changes, orders
from workflows.ports.order_changes import (
    ChangedOrder,
    OrderChangeActivities,
    RequestCancellation,
)

STAFF = "staff:"


class PostgresOrderChangeActivities(OrderChangeActivities):
    """Each under the row lock of its order, which decides who of two came first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def request_cancellation(self, step: RequestCancellation) -> ChangedOrder:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            before = {"status": order.status, "total": order.total_amount}
            who = {"actor": step.actor, "reason": step.reason}
            if step.items:
                wanted: dict[str, int] = {}
                for item in step.items:
                    wanted[item.item_id] = wanted.get(item.item_id, 0) + item.quantity
                canceled = await order_changes.cancel_units(
                    session, order, wanted, change_id=step.change_id, **who
                )
            else:
                canceled = await order_changes.begin_cancellation(session, order, **who)
            if step.actor.startswith(STAFF) and canceled.new:
                await audit.record(
                    session,
                    action="order.cancel",
                    target=order.id,
                    before=before,
                    after={"whole": canceled.whole, "total": order.total_amount},
                    **who,
                )
            return ChangedOrder(
                order_status=OrderStatus(order.status),
                whole=canceled.whole,
                parcels=canceled.parcels,
                refund_id=canceled.refund_id,
            )
