"""The database steps of an order's life after its confirmation."""

from __future__ import annotations

from temporalio import activity

from core.database import Database
from core.domain.errors import InvalidStateError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.statuses import CANCELABLE, OrderStatus, PaymentStatus, ShipmentStatus
from core.settings import FulfillmentSettings
from models.orders import Order
from models.payments import Payment
from models.repositories import (
    orders,
    parking,
    promotions,
    reservations,
    shares,
    shipments,
    timeline,
)
from models.shipments import Shipment
from workflows.ports.fulfillment import (
    CancelOrder,
    FulfillmentActivities,
    FulfillmentPlan,
    OrderRef,
    PlannedShipment,
)
from workflows.ports.payments import PaymentRef


class PostgresFulfillmentActivities(FulfillmentActivities):
    def __init__(self, database: Database, settings: FulfillmentSettings) -> None:
        self._database = database
        self._settings = settings

    @activity.defn
    async def plan_fulfillment(self, step: OrderRef) -> FulfillmentPlan:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            payment = await orders.first_payment(session, step.order_id)
            planned = await shipments.plan(session, order)
            if order.status in CANCELABLE:
                await shares.reshare(session, order)
            return FulfillmentPlan(
                order_status=OrderStatus(order.status),
                shipments=[
                    self._planned(shipment, payment, final=len(planned) == 1)
                    for shipment in planned
                ],
                payment=PaymentRef(
                    order_id=order.id,
                    payment_id=payment.id,
                    provider=payment.provider,
                    provider_payment_id=payment.provider_payment_id,
                ),
                return_window_seconds=self._settings.return_window_seconds,
            )

    def _planned(self, shipment: Shipment, payment: Payment, *, final: bool) -> PlannedShipment:
        return PlannedShipment(
            shipment_id=shipment.id,
            order_id=shipment.order_id,
            vendor_id=shipment.vendor_id,
            number=shipment.number,
            final=final,
            payment_id=payment.id,
            capture_amount=shipment.capture_amount,
            capture_before=payment.capture_before,
            delivery_deadline_seconds=self._settings.delivery_deadline_seconds,
        )

    @activity.defn
    async def begin_processing(self, step: OrderRef) -> OrderStatus:
        entry = TimelineEntry(type=OrderEvent.PROCESSING, title="Being packed")
        return await self._advance(step.order_id, OrderStatus.PROCESSING, entry)

    @activity.defn
    async def complete_order(self, step: OrderRef) -> OrderStatus:
        entry = TimelineEntry(
            type=OrderEvent.COMPLETED, title="Order completed", detail="the return window is over"
        )
        return await self._advance(step.order_id, OrderStatus.COMPLETED, entry)

    async def _advance(
        self, order_id: str, status: OrderStatus, entry: TimelineEntry
    ) -> OrderStatus:
        """Move one step on, unless the order is there or beyond already."""
        previous = {
            OrderStatus.PROCESSING: OrderStatus.CONFIRMED,
            OrderStatus.COMPLETED: OrderStatus.DELIVERED,
        }[status]
        async with self._database.transaction() as session:
            order = await orders.lock(session, order_id)
            if order.status == previous:
                orders.move(order, status)
                await session.flush()
                await timeline.append(session, order_id, [entry])
            return OrderStatus(order.status)

    @activity.defn
    async def cancel_order(self, step: CancelOrder) -> OrderStatus:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            if order.status == OrderStatus.CANCELED:
                return OrderStatus.CANCELED
            if order.status not in CANCELABLE:
                raise InvalidStateError(present=order.status, wanted=OrderStatus.CANCELED)
            payment = await orders.first_payment(session, order.id)
            voided = step.voided and orders.move_payment(order, payment, PaymentStatus.VOIDED)
            orders.move(order, OrderStatus.CANCELED)
            order.next_action = None
            await parking.forget(session, order)
            for shipment in await shipments.of_order(session, order.id):
                shipment.status = ShipmentStatus.CANCELED
            await session.flush()
            await promotions.release(session, order.id)
            await reservations.release_order(session, order.id)
            await timeline.append(session, order.id, _canceled_entries(order, step, voided=voided))
            return OrderStatus.CANCELED


def _canceled_entries(order: Order, step: CancelOrder, *, voided: bool) -> list[TimelineEntry]:
    entries = [
        TimelineEntry(
            type=OrderEvent.CANCEL_REQUESTED,
            title="Cancellation requested",
            detail=step.reason,
            actor=step.actor,
        )
    ]
    if voided:
        entries.append(
            TimelineEntry(type=OrderEvent.PAYMENT_VOIDED, title="The authorization was let go")
        )
    entries += [
        TimelineEntry(type=OrderEvent.STOCK_RELEASED, title="Stock released"),
        TimelineEntry(
            type=OrderEvent.CANCELED, title=f"Order P-{order.number} canceled", actor=step.actor
        ),
    ]
    return entries
