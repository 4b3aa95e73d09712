"""The database steps of a return."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.database import Database
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id
from core.domain.money import Money
from core.domain.returns import approved_at_once
from core.domain.statuses import RETURN_MOVES, RefundStatus, ReturnStatus, can_move, require_move
from core.settings_trade import FulfillmentSettings, ReturnSettings
from models.orders import Order
from models.payments import Refund
from models.repositories import (
    audit,
    exchanges,
    inspections,
    orders,
    restocking,
    returns,
    shares,
    timeline,
)
from models.repositories.restocking import UnitsBack
from models.returns import Return
from models.shipments import Shipment
from workflows.ports.returns import (
    DropExchange,
    MoveReturn,
    OpenReturn,
    ReceiveReturn,
    ReturnActivities,
    ReturnRef,
    ReturnState,
    ReturnTerms,
)
from workflows.ports.shipments import PlannedShipment

_EVENTS = {
    ReturnStatus.APPROVED: (OrderEvent.RETURN_APPROVED, "Return approved"),
    ReturnStatus.REJECTED: (OrderEvent.RETURN_REJECTED, "Return rejected"),
    ReturnStatus.IN_TRANSIT: (OrderEvent.RETURN_IN_TRANSIT, "Return on its way"),
    ReturnStatus.RECEIVED: (OrderEvent.RETURN_RECEIVED, "Return received"),
    ReturnStatus.EXPIRED: (OrderEvent.RETURN_EXPIRED, "Return expired"),
    ReturnStatus.REFUNDED: (OrderEvent.RETURN_REFUNDED, "Return settled"),
}
_STAFF = "staff:"


class PostgresReturnActivities(ReturnActivities):
    """On PostgreSQL: the order's row is locked first, then what belongs to it."""

    def __init__(
        self, database: Database, settings: ReturnSettings, fulfillment: FulfillmentSettings
    ) -> None:
        self._database = database
        self._settings = settings
        self._fulfillment = fulfillment

    @activity.defn
    async def open_return(self, step: OpenReturn) -> ReturnTerms:
        settings = self._settings
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            found = await returns.find(session, step.return_id)
            if found.status == ReturnStatus.REQUESTED and found.deadline_at is None:
                found.deadline_at = step.at + timedelta(seconds=settings.decision_seconds)
                if await self._needs_nobody(session, order, found):
                    found.deadline_at = step.at + timedelta(seconds=settings.sending_seconds)
                    await _move(session, order, found, ReturnStatus.APPROVED, reason="by policy")
            return ReturnTerms(
                state=await self._state(session, found),
                decision_seconds=settings.decision_seconds,
                undecided_seconds=settings.undecided_seconds,
                when_undecided=settings.when_undecided,
                sending_seconds=settings.sending_seconds,
                transit_seconds=settings.transit_seconds,
            )

    async def _needs_nobody(self, session: AsyncSession, order: Order, found: Return) -> bool:
        asked = await returns.items_of(session, found.id)
        return approved_at_once(
            [one.reason for one, _ in asked],
            sum(returns.credit_of(order, item, one.quantity).due for one, item in asked),
            of=self._settings.auto_approve_reasons,
            up_to=self._settings.auto_approve_amount,
        )

    @activity.defn
    async def move_return(self, step: MoveReturn) -> ReturnState:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            found = await returns.find(session, step.return_id)
            present = ReturnStatus(found.status)
            if can_move(RETURN_MOVES, present, step.status):
                found.deadline_at = step.deadline_at
                if step.status is ReturnStatus.REJECTED:
                    found.rejection_reason = step.reason
                found.tracking_number = step.tracking_number or found.tracking_number
                detail = step.tracking_number or ""
                await _move(
                    session,
                    order,
                    found,
                    step.status,
                    actor=step.actor,
                    reason=step.reason,
                    detail=f"tracking number {detail}" if detail else step.reason,
                )
            return await self._state(session, found)

    @activity.defn
    async def receive_return(self, step: ReceiveReturn) -> ReturnState:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            found = await returns.find(session, step.return_id)
            served: list[str] = []
            if can_move(RETURN_MOVES, ReturnStatus(found.status), ReturnStatus.RECEIVED):
                served = await self._receive(session, order, found, step)
            return replace(await self._state(session, found), served=served)

    async def _receive(
        self, session: AsyncSession, order: Order, found: Return, step: ReceiveReturn
    ) -> list[str]:
        units = [
            UnitsBack(
                item_id=one.item_id,
                sku="",
                sellable=one.sellable,
                damaged=one.damaged,
            )
            for one in step.items
        ]
        items = await inspections.take_stock_of(session, found, units)
        found.deadline_at = None
        found.warehouse_id = step.warehouse_id or await restocking.sent_from(
            session, [one.item_id for one in step.items]
        )
        came = sum(one.units for one in units)
        await _move(
            session,
            order,
            found,
            ReturnStatus.RECEIVED,
            actor=step.actor,
            detail=returns.in_units(came),
        )
        require_move(RETURN_MOVES, ReturnStatus(found.status), ReturnStatus.INSPECTED)
        found.status = ReturnStatus.INSPECTED
        await session.flush()
        if step.refusal is not None:
            found.rejection_reason = step.refusal
            await _move(
                session,
                order,
                found,
                ReturnStatus.REJECTED,
                actor=step.actor,
                reason=step.refusal,
                detail=f"after inspection, nothing is paid: {step.refusal}",
            )
            return []
        return await inspections.credit(
            session, order, found, items, warehouse_id=found.warehouse_id, actor=step.actor
        )

    @activity.defn
    async def drop_exchange(self, step: DropExchange) -> ReturnState:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            found = await returns.find(session, step.return_id)
            planned = await exchanges.shipments_of(session, found.id)
            if planned and all(shares.is_open(one) for one in planned):
                await inspections.refund_instead(session, order, found, planned, step.reason)
            return await self._state(session, found)

    @activity.defn
    async def close_return(self, step: ReturnRef) -> ReturnState:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            found = await returns.find(session, step.return_id)
            if found.status == ReturnStatus.INSPECTED:
                refund = await _refund_of(session, found)
                await _move(session, order, found, ReturnStatus.REFUNDED, detail=_settled(refund))
            return await self._state(session, found)

    async def _state(self, session: AsyncSession, found: Return) -> ReturnState:
        await session.flush()
        refund = await _refund_of(session, found)
        owed = refund is not None and refund.status == RefundStatus.PENDING
        planned = await exchanges.shipments_of(session, found.id)
        return ReturnState(
            status=ReturnStatus(found.status),
            deadline_at=found.deadline_at,
            refund_id=found.refund_id if owed else None,
            to_authorize=sum(one.capture_amount for one in planned),
            shipments=[self._planned(one) for one in planned],
        )

    def _planned(self, shipment: Shipment) -> PlannedShipment:
        return PlannedShipment(
            shipment_id=shipment.id,
            order_id=shipment.order_id,
            vendor_id=shipment.vendor_id,
            number=shipment.number,
            final=False,
            payment_id=derived_id(Prefix.PAYMENT, shipment.order_id, 1),
            capture_amount=shipment.capture_amount,
            capture_before=None,
            delivery_deadline_seconds=self._fulfillment.delivery_deadline_seconds,
            accept_within_seconds=self._fulfillment.accept_within_seconds,
            pack_within_seconds=self._fulfillment.pack_within_seconds,
            hand_over_within_seconds=self._fulfillment.hand_over_within_seconds,
        )


async def _move(
    session: AsyncSession,
    order: Order,
    found: Return,
    status: ReturnStatus,
    *,
    actor: str = "system",
    reason: str = "",
    detail: str = "",
) -> None:
    """Change the state, tell it, and write down which member of staff did it."""
    before = ReturnStatus(found.status)
    require_move(RETURN_MOVES, before, status)
    found.status = status
    found.updated_at = orders.now()
    await session.flush()
    event, title = _EVENTS[status]
    entry = TimelineEntry(type=event, title=title, detail=detail or reason, actor=actor)
    await timeline.append(session, order.id, [entry])
    if actor.startswith(_STAFF):
        await audit.record(
            session,
            actor=actor,
            action=event,
            target=found.id,
            reason=reason,
            before={"status": before},
            after={"status": status},
        )


async def _refund_of(session: AsyncSession, found: Return) -> Refund | None:
    if found.refund_id is None:
        return None
    return await session.get(Refund, found.refund_id, populate_existing=True)


def _settled(refund: Refund | None) -> str:
    if refund is None:
        return "nothing is to be refunded"
    if refund.status != RefundStatus.SUCCEEDED:
        return "the refund is settled by hand"
    return f"{Money(amount=refund.amount, currency=refund.currency)} refunded"
