"""The database steps of one parcel; each takes the order's lock first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select
from temporalio import activity

from activities.carrier import CARRIER_WORDS, LOST
from activities.shipment_audit import write_down, write_down_once
from activities.shipment_state import is_manual, state_of
from core.database import Database
from core.domain.errors import InvalidStateError, OutOfStockError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.statuses import SHIPMENT_MOVES, ShipmentStatus, require_move
from core.gateways.carrier import TrackingEvent
from core.settings_trade import FulfillmentSettings
from models.orders import Order, TimelineRow
from models.payments import Payment
from models.repositories import (
    orders,
    parcel_contents,
    parcel_refunds,
    parcel_states,
    shares,
    shipments,
    timeline,
)
from models.shipments import Shipment, ShipmentEvent, ShipmentPurpose
from workflows.ports.shipments import (
    EscalateShipment,
    PlannedShipment,
    ReallocateShipment,
    RecordEvent,
    Replacement,
    ShipmentActivities,
    ShipmentRef,
    ShipmentState,
    ShipmentStep,
    SplitShipment,
)


class PostgresShipmentActivities(ShipmentActivities):
    def __init__(self, database: Database, settings: FulfillmentSettings) -> None:
        self._database = database
        self._settings = settings

    @activity.defn
    async def look_at_shipment(self, step: ShipmentRef) -> ShipmentState:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            manual = await is_manual(session, shipment)
            return await state_of(session, order, shipment, manual=manual)

    @activity.defn
    async def begin_dispatch(self, step: ShipmentRef) -> ShipmentState:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            held = order.review is not None or order.cancel_requested_at is not None
            if shares.is_open(shipment) and not held:
                shipment.dispatching_at = orders.now()
                await session.flush()
                await session.refresh(shipment, ["dispatching_at"])
            return await state_of(session, order, shipment)

    @activity.defn
    async def accept_shipment(self, step: ShipmentStep) -> ShipmentState:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            if shipment.accepted_at is None:
                _require_unbooked(shipment, "accept")
                shipment.accepted_at = orders.now()
                await session.flush()
                await session.refresh(shipment, ["accepted_at"])
                entry = TimelineEntry(
                    type=OrderEvent.SHIPMENT_ACCEPTED,
                    title=f"Parcel {shipment.number} accepted by its vendor",
                    actor=step.actor,
                )
                await timeline.append(session, order.id, [entry])
                await write_down_once(session, shipment, actor=step.actor, move="accept")
            return await state_of(session, order, shipment)

    @activity.defn
    async def reject_shipment(self, step: ShipmentStep) -> ShipmentState:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            entry = TimelineEntry(
                type=OrderEvent.SHIPMENT_REJECTED,
                title=f"Parcel {shipment.number} rejected by its vendor",
                detail=step.reason,
                actor=step.actor,
            )
            if not await _told(session, order, entry):
                _require_unbooked(shipment, "reject")
                await timeline.append(session, order.id, [entry])
            return await state_of(session, order, shipment)

    @activity.defn
    async def split_shipment(self, step: SplitShipment) -> ShipmentState:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            packed = {item.item_id: item.quantity for item in step.items}
            if packed and shipment.booking_at is None:
                _require_unbooked(shipment, "pack")
                rest = await parcel_contents.split(session, order, shipment, packed)
                if rest is not None:
                    entry = TimelineEntry(
                        type=OrderEvent.SHIPMENT_SPLIT,
                        title=f"Parcel {shipment.number} was packed in part",
                        detail=f"the rest follows in parcel {rest.number}",
                        actor=step.actor,
                    )
                    await timeline.append(session, order.id, [entry])
            await write_down_once(session, shipment, actor=step.actor, move="pack")
            state = await state_of(session, order, shipment)
            return replace(state, beside=await self._beside(session, order, shipment))

    async def _beside(
        self, session: AsyncSession, order: Order, shipment: Shipment
    ) -> list[PlannedShipment]:
        """Who looks after an order's own parcels reads its plan; the others have nobody."""
        if shipment.purpose == ShipmentPurpose.ORDER:
            return []
        payment = await orders.first_payment(session, order.id)
        return [
            self._planned(one, payment)
            for one in await shipments.of_order(session, order.id)
            if (one.purpose, one.replaces_id) == (shipment.purpose, shipment.replaces_id)
            and one.id != shipment.id
            and one.status == ShipmentStatus.PLANNED
        ]

    @activity.defn
    async def note_hand_over(self, step: ShipmentStep) -> None:
        async with self._locked(step.order_id, step.shipment_id) as (session, _, shipment):
            await write_down_once(session, shipment, actor=step.actor, move="hand_over")

    @activity.defn
    async def escalate_shipment(self, step: EscalateShipment) -> None:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            entry = TimelineEntry(
                type=OrderEvent.SHIPMENT_ESCALATED,
                title=f"Parcel {shipment.number}: its vendor is late to {step.step} it",
            )
            if not await _told(session, order, entry):
                await timeline.append(session, order.id, [entry])

    @activity.defn
    async def reallocate_shipment(self, step: ReallocateShipment) -> ShipmentState:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            if shipment.status != ShipmentStatus.CANCELED:
                _require_unbooked(shipment, "reallocate")
                await self._reallocate(session, order, shipment, step)
            return await state_of(session, order, shipment)

    async def _reallocate(
        self, session: AsyncSession, order: Order, shipment: Shipment, step: ReallocateShipment
    ) -> None:
        if shipment.purpose != ShipmentPurpose.ORDER:
            if step.warehouse_id is None:
                return  # nobody asked for a place: staff decides what becomes of it
            raise InvalidStateError(present=f"a {shipment.purpose} parcel", wanted="reallocate")
        before = shipment.status
        try:
            planned = await parcel_contents.send_from_elsewhere(
                session, order, shipment, warehouse_id=step.warehouse_id
            )
        except OutOfStockError:
            if step.warehouse_id is None:
                return
            raise InvalidStateError(
                present="that warehouse has not got the goods", wanted="reallocate"
            ) from None
        entry = TimelineEntry(
            type=OrderEvent.SHIPMENT_REALLOCATED,
            title=f"Parcel {shipment.number} is sent from elsewhere",
            detail=", ".join(f"parcel {one.number}" for one in planned),
            actor=step.actor,
        )
        await timeline.append(session, order.id, [entry])
        await write_down(
            session,
            shipment,
            actor=step.actor,
            move="reallocate",
            before=before,
            reason=step.reason,
            more={"shipment_ids": [one.id for one in planned]},
        )

    @activity.defn
    async def cancel_shipment(self, step: ShipmentStep) -> ShipmentState:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            refund_id = await parcel_refunds.cancel_and_refund(
                session, order, shipment, actor=step.actor, reason=step.reason
            )
            return await state_of(session, order, shipment, refund_id=refund_id)

    @activity.defn
    async def record_event(self, step: RecordEvent) -> ShipmentState:
        status = CARRIER_WORDS[step.status]
        served: list[str] = []
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            known = await session.get(ShipmentEvent, (shipment.id, step.event_id))
            before = shipment.status
            if known is None:
                if shipment.status != status:
                    require_move(SHIPMENT_MOVES, ShipmentStatus(shipment.status), status)
                await shipments.record_tracking(session, shipment.id, [_event(step)])
                await parcel_states.move(
                    session, order, shipment, status, actor=step.actor, lost=step.status == LOST
                )
                await write_down(
                    session,
                    shipment,
                    actor=step.actor,
                    move="event",
                    before=before,
                    more={"told": step.status, "sellable": step.sellable},
                )
            if step.sellable and shipment.status == ShipmentStatus.RETURNED:
                served = await parcel_contents.restock(session, shipment, actor=step.actor)
            state = await state_of(session, order, shipment)
            return replace(state, served=served)

    @activity.defn
    async def replace_shipment(self, step: ShipmentStep) -> Replacement:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            try:
                planned = await parcel_contents.send_once_more(session, order, shipment)
            except OutOfStockError:
                return Replacement(shipments=[])
            entry = TimelineEntry(
                type=OrderEvent.SHIPMENT_REPLACED,
                title=f"Parcel {shipment.number} is sent once more",
                detail=step.reason,
                actor=step.actor,
            )
            if not await _told(session, order, entry):
                entries = [entry, *await parcel_states.sum_up(session, order)]
                await session.flush()
                await timeline.append(session, order.id, entries)
            payment = await orders.first_payment(session, order.id)
            return Replacement(shipments=[self._planned(one, payment) for one in planned])

    def _planned(self, shipment: Shipment, payment: Payment) -> PlannedShipment:
        return PlannedShipment(
            shipment_id=shipment.id,
            order_id=shipment.order_id,
            vendor_id=shipment.vendor_id,
            number=shipment.number,
            final=False,
            payment_id=payment.id,
            capture_amount=shipment.capture_amount,
            capture_before=None,
            delivery_deadline_seconds=self._settings.delivery_deadline_seconds,
            accept_within_seconds=self._settings.accept_within_seconds,
            pack_within_seconds=self._settings.pack_within_seconds,
            hand_over_within_seconds=self._settings.hand_over_within_seconds,
        )

    @activity.defn
    async def refund_shipment(self, step: ShipmentStep) -> ShipmentState:
        async with self._locked(step.order_id, step.shipment_id) as (session, order, shipment):
            refund_id = await parcel_refunds.refund_contents(
                session, order, shipment, actor=step.actor, reason=step.reason
            )
            return await state_of(session, order, shipment, refund_id=refund_id)

    @asynccontextmanager
    async def _locked(
        self, order_id: str, shipment_id: str
    ) -> AsyncIterator[tuple[AsyncSession, Order, Shipment]]:
        async with self._database.transaction() as session:
            order = await orders.lock(session, order_id)
            yield session, order, await shipments.lock(session, shipment_id)


def _require_unbooked(shipment: Shipment, wanted: str) -> None:
    """Refuse what is possible only while nobody has asked the carrier."""
    if shipment.status == ShipmentStatus.PLANNED and shipment.booking_at is None:
        return
    present = "being booked" if shipment.status == ShipmentStatus.PLANNED else shipment.status
    raise InvalidStateError(present=present, wanted=wanted)


async def _told(session: AsyncSession, order: Order, entry: TimelineEntry) -> bool:
    statement = select(TimelineRow.sequence).where(
        TimelineRow.order_id == order.id,
        TimelineRow.type == entry.type,
        TimelineRow.title == entry.title,
    )
    return (await session.scalars(statement.limit(1))).first() is not None


def _event(step: RecordEvent) -> TrackingEvent:
    return TrackingEvent(
        event_id=step.event_id,
        status=step.status,
        description=step.description,
        location=step.location,
        occurred_at=step.occurred_at,
    )
