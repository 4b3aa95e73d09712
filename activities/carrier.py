"""Calls to carriers, and what they make of the shipment and its order."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.database import Database
from core.domain.errors import NotFoundError
from core.domain.events import Actor, OrderEvent, TimelineEntry
from core.domain.statuses import (
    SHIPMENT_MOVES,
    FulfillmentStatus,
    OrderStatus,
    ShipmentStatus,
    can_move,
    fulfillment_of,
    order_status_for,
)
from core.gateways.carrier import CarrierGateway, CarrierShipment, Parcel
from models.orders import Order
from models.repositories import orders, reservations, shipments, timeline
from models.shipments import Shipment
from workflows.ports.fulfillment import CarrierActivities, ShipmentRef, ShipmentState

_CARRIER_WORDS = {
    "in_transit": ShipmentStatus.IN_TRANSIT,
    "delivered": ShipmentStatus.DELIVERED,
    "delivery_failed": ShipmentStatus.DELIVERY_FAILED,
    "returning": ShipmentStatus.RETURNING,
    "returned": ShipmentStatus.RETURNED,
}
_ORDER_EVENTS = {
    OrderStatus.SHIPPED: TimelineEntry(type=OrderEvent.SHIPPED, title="Order shipped"),
    OrderStatus.DELIVERED: TimelineEntry(type=OrderEvent.DELIVERED, title="Order delivered"),
}


class GatewayCarrierActivities(CarrierActivities):
    """On one carrier. Each call is recorded in the transaction that follows it."""

    def __init__(self, database: Database, carrier: CarrierGateway) -> None:
        self._database = database
        self._carrier = carrier

    @activity.defn
    async def book_shipment(self, step: ShipmentRef) -> ShipmentState:
        parcel, shipment = await self._parcel(step)
        if shipment.carrier_shipment_id is not None:
            return await self._record(step, ShipmentStatus(shipment.status), None)
        booked = await self._carrier.book(parcel)
        return await self._record(step, ShipmentStatus.PACKED, booked)

    @activity.defn
    async def hand_over_shipment(self, step: ShipmentRef) -> ShipmentState:
        carrier_shipment_id = await self._carrier_shipment_id(step)
        state = await self._carrier.hand_over(carrier_shipment_id)
        return await self._record(step, ShipmentStatus.HANDED_OVER, state)

    @activity.defn
    async def track_shipment(self, step: ShipmentRef) -> ShipmentState:
        carrier_shipment_id = await self._carrier_shipment_id(step)
        state = await self._carrier.fetch(carrier_shipment_id)
        return await self._record(step, _CARRIER_WORDS.get(state.status), state)

    async def _parcel(self, step: ShipmentRef) -> tuple[Parcel, Shipment]:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            shipment = await shipments.lock(session, step.shipment_id)
            items = await shipments.items_of(session, step.shipment_id)
            parcel = Parcel(
                reference=shipment.id,
                service=order.shipping_method,
                to_address=order.shipping_address,
                items=[(item.sku, item.quantity) for item in items],
            )
            return parcel, shipment

    async def _carrier_shipment_id(self, step: ShipmentRef) -> str:
        async with self._database.transaction() as session:
            shipment = await shipments.lock(session, step.shipment_id)
            if shipment.carrier_shipment_id is None:
                raise NotFoundError(f"shipment {step.shipment_id} was never booked")
            return shipment.carrier_shipment_id

    async def _record(
        self, step: ShipmentRef, status: ShipmentStatus | None, told: CarrierShipment | None
    ) -> ShipmentState:
        """Write what the carrier told; a step that was taken before changes nothing."""
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            shipment = await shipments.lock(session, step.shipment_id)
            if told is not None:
                self._keep_booking(shipment, told)
                await shipments.record_tracking(session, shipment.id, told.events)
            if status is not None:
                await self._move(session, order, shipment, status)
            return ShipmentState(
                shipment_id=shipment.id,
                status=ShipmentStatus(shipment.status),
                order_status=OrderStatus(order.status),
                tracking_number=shipment.tracking_number,
            )

    def _keep_booking(self, shipment: Shipment, told: CarrierShipment) -> None:
        shipment.carrier = self._carrier.name
        shipment.carrier_shipment_id = told.carrier_shipment_id
        shipment.tracking_number = told.tracking_number
        shipment.label_url = told.label_url

    async def _move(
        self, session: AsyncSession, order: Order, shipment: Shipment, status: ShipmentStatus
    ) -> None:
        if not can_move(SHIPMENT_MOVES, ShipmentStatus(shipment.status), status):
            return
        shipment.status = status
        shipment.updated_at = orders.now()
        await session.flush()
        if status is ShipmentStatus.HANDED_OVER:
            await reservations.consume_shipment(session, shipment.id)
        entries = [_shipment_entry(shipment, status)]
        entries += await self._sum_up(session, order)
        await session.flush()
        await timeline.append(session, order.id, entries)

    async def _sum_up(self, session: AsyncSession, order: Order) -> list[TimelineEntry]:
        """Let the order follow its shipments."""
        parcels = await shipments.of_order(session, order.id)
        fulfillment = fulfillment_of(ShipmentStatus(parcel.status) for parcel in parcels)
        order.fulfillment_status = fulfillment
        wanted = order_status_for(fulfillment, OrderStatus(order.status))
        entries: list[TimelineEntry] = []
        if fulfillment is FulfillmentStatus.DELIVERED and order.status == OrderStatus.PROCESSING:
            entries.append(self._advance(order, OrderStatus.SHIPPED))
        if wanted != order.status:
            entries.append(self._advance(order, wanted))
        return entries

    def _advance(self, order: Order, status: OrderStatus) -> TimelineEntry:
        orders.move(order, status)
        return _ORDER_EVENTS[status]


def _shipment_entry(shipment: Shipment, status: ShipmentStatus) -> TimelineEntry:
    booked = status is ShipmentStatus.PACKED
    words = status.value.replace("_", " ")
    return TimelineEntry(
        type=OrderEvent.SHIPMENT_BOOKED if booked else OrderEvent.SHIPMENT_CHANGED,
        title=f"Parcel {shipment.number} packed" if booked else f"Parcel {shipment.number} {words}",
        detail=f"tracking number {shipment.tracking_number}" if booked else "",
        actor=Actor.SYSTEM if booked else Actor.CARRIER,
    )
