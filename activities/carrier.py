"""Calls to carriers, and what they make of the shipment and its order."""

from __future__ import annotations

from temporalio import activity

from activities.shipment_state import state_of
from core.database import Database
from core.domain.errors import NotFoundError, ProviderRejectedError
from core.domain.statuses import ShipmentStatus
from core.gateways.carrier import CarrierGateway, CarrierShipment, Parcel
from models.repositories import orders, parcel_states, shipments
from models.shipments import Shipment
from workflows.ports.shipments import CarrierActivities, ShipmentRef, ShipmentState

LOST = "lost"
CARRIER_WORDS = {
    "in_transit": ShipmentStatus.IN_TRANSIT,
    "delivered": ShipmentStatus.DELIVERED,
    "delivery_failed": ShipmentStatus.DELIVERY_FAILED,
    LOST: ShipmentStatus.DELIVERY_FAILED,
    "returning": ShipmentStatus.RETURNING,
    "returned": ShipmentStatus.RETURNED,
}


class GatewayCarrierActivities(CarrierActivities):
    """On one carrier. Each call is recorded in the transaction that follows it."""

    def __init__(self, database: Database, carrier: CarrierGateway) -> None:
        self._database = database
        self._carrier = carrier

    @activity.defn
    async def book_shipment(self, step: ShipmentRef) -> ShipmentState:
        parcel, status, booked = await self._claim_booking(step)
        if booked or status is not ShipmentStatus.PLANNED:
            return await self._record(step, None, None)
        told = await self._carrier.book(parcel)
        return await self._record(step, ShipmentStatus.PACKED, told)

    @activity.defn
    async def cancel_booking(self, step: ShipmentRef) -> ShipmentState:
        carrier_shipment_id = await self._carrier_shipment_id(step)
        try:
            await self._carrier.cancel(carrier_shipment_id)
        except ProviderRejectedError:
            told = await self._carrier.fetch(carrier_shipment_id)
            if told.status not in {"handed_over", "out_for_delivery", *CARRIER_WORDS}:
                raise
            return await self._record(step, ShipmentStatus.HANDED_OVER, told)
        return await self._record(step, None, None)

    @activity.defn
    async def hand_over_shipment(self, step: ShipmentRef) -> ShipmentState:
        carrier_shipment_id = await self._carrier_shipment_id(step)
        told = await self._carrier.hand_over(carrier_shipment_id)
        return await self._record(step, ShipmentStatus.HANDED_OVER, told)

    @activity.defn
    async def track_shipment(self, step: ShipmentRef) -> ShipmentState:
        carrier_shipment_id = await self._carrier_shipment_id(step)
        told = await self._carrier.fetch(carrier_shipment_id)
        status = CARRIER_WORDS.get(told.status)
        return await self._record(step, status, told, lost=told.status == LOST)

    async def _claim_booking(self, step: ShipmentRef) -> tuple[Parcel, ShipmentStatus, bool]:
        """Fix the address and the contents before the carrier is told of them."""
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            shipment = await shipments.lock(session, step.shipment_id)
            items = await shipments.items_of(session, step.shipment_id)
            if shipment.booking_at is None and shipment.status == ShipmentStatus.PLANNED:
                shipment.booking_at = orders.now()
            parcel = Parcel(
                reference=shipment.id,
                service=order.shipping_method,
                to_address=order.shipping_address,
                items=[(item.sku, item.quantity) for item in items],
            )
            booked = shipment.carrier_shipment_id is not None
            return parcel, ShipmentStatus(shipment.status), booked

    async def _carrier_shipment_id(self, step: ShipmentRef) -> str:
        async with self._database.transaction() as session:
            shipment = await shipments.lock(session, step.shipment_id)
            if shipment.carrier_shipment_id is None:
                raise NotFoundError(f"shipment {step.shipment_id} was never booked")
            return shipment.carrier_shipment_id

    async def _record(
        self,
        step: ShipmentRef,
        status: ShipmentStatus | None,
        told: CarrierShipment | None,
        *,
        lost: bool = False,
    ) -> ShipmentState:
        """Write what the carrier told; a step that was taken before changes nothing."""
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            shipment = await shipments.lock(session, step.shipment_id)
            if told is not None:
                self._keep_booking(shipment, told)
                await shipments.record_tracking(session, shipment.id, told.events)
            if status is not None:
                await parcel_states.move(session, order, shipment, status, lost=lost)
            return await state_of(session, order, shipment)

    def _keep_booking(self, shipment: Shipment, told: CarrierShipment) -> None:
        shipment.carrier = self._carrier.name
        shipment.carrier_shipment_id = told.carrier_shipment_id
        shipment.tracking_number = told.tracking_number
        shipment.label_url = told.label_url
