"""The database steps that change a confirmed order."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.database import Database
from core.domain.statuses import EditStatus, OrderStatus
from models.orders import Order
from models.oversight import OrderEdit
from models.repositories import audit, order_changes, order_edits, orders
from workflows.ports.order_changes import (
    ApplyEdit,
    ChangedOrder,
    EditOrder,
    OrderChangeActivities,
    PreparedEdit,
    RefuseEdit,
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
            return await self._changed(session, order, step.change_id, whole=canceled.whole)

    @activity.defn
    async def prepare_edit(self, step: EditOrder) -> PreparedEdit:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            edit, missing = await order_edits.prepare(
                session,
                order,
                {one.sku: one.quantity for one in step.changes},
                edit_id=step.edit_id,
                actor=step.actor,
                reason=step.reason,
            )
            return PreparedEdit(status=EditStatus(edit.status), missing_amount=missing)

    @activity.defn
    async def apply_edit(self, step: ApplyEdit) -> ChangedOrder:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            edit = await session.get_one(OrderEdit, step.edit_id)
            if edit.status != EditStatus.PENDING:
                return await self._changed(session, order, edit.id)
            before = order.total_amount
            await order_edits.apply(session, order, edit, payment_id=step.payment_id)
            await audit.record(
                session,
                actor=edit.actor,
                action="order.edit",
                target=order.id,
                reason=edit.reason,
                before={"total": before},
                after={"total": order.total_amount, "changes": edit.changes},
            )
            return await self._changed(session, order, edit.id)

    @activity.defn
    async def refuse_edit(self, step: RefuseEdit) -> OrderStatus:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            edit = await session.get_one(OrderEdit, step.edit_id)
            await order_edits.refuse(session, order, edit, step.why)
            return OrderStatus(order.status)

    async def _changed(
        self, session: AsyncSession, order: Order, change_id: str, *, whole: bool = False
    ) -> ChangedOrder:
        parcels, refund_id = await order_changes.to_be_told(session, order, change_id)
        return ChangedOrder(
            order_status=OrderStatus(order.status),
            whole=whole,
            parcels=parcels,
            refund_id=refund_id,
        )
