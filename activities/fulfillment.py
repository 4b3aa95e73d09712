"""The database steps of an order's life after its confirmation."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.database import Database
from core.domain.errors import InvalidStateError
from core.domain.events import Actor, OrderEvent, TimelineEntry
from core.domain.statuses import CANCELABLE, OrderStatus, ShipmentStatus
from core.settings_trade import FulfillmentSettings
from models.orders import Order
from models.payments import Payment
from models.repositories import (
    order_changes,
    order_units,
    orders,
    parking,
    promotions,
    reservations,
    review,
    shares,
    shipments,
    timeline,
)
from models.shipments import Shipment, ShipmentPurpose
from workflows.ports.fulfillment import (
    CancelOrder,
    FulfillmentActivities,
    FulfillmentPlan,
    OrderRef,
    Review,
)
from workflows.ports.shipments import PlannedShipment


class PostgresFulfillmentActivities(FulfillmentActivities):
    def __init__(self, database: Database, settings: FulfillmentSettings) -> None:
        self._database = database
        self._settings = settings

    @activity.defn
    async def plan_fulfillment(self, step: OrderRef) -> FulfillmentPlan:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            payment = await orders.first_payment(session, step.order_id)
            planned = await self._plan(session, order)
            return FulfillmentPlan(
                order_status=OrderStatus(order.status),
                shipments=[
                    self._planned(shipment, payment, final=len(planned) == 1)
                    for shipment in planned
                ],
                return_window_seconds=self._settings.return_window_seconds,
                canceling=order.cancel_requested_at is not None,
                waiting=await order_units.waiting_units(session, order.id) > 0,
                review=self._review(order),
            )

    async def _plan(self, session: AsyncSession, order: Order) -> list[Shipment]:
        """Write what is missing; an order that ends, or has left, stays as it is planned."""
        if order.status in CANCELABLE and order.cancel_requested_at is None:
            await shipments.plan(session, order)
            await shares.reshare(session, order)
            await review.ask_the_rules(
                session, order, within_seconds=self._settings.review_deadline_seconds
            )
            if order.status == OrderStatus.CONFIRMED and order.review is None:
                entry = TimelineEntry(type=OrderEvent.PROCESSING, title="Being packed")
                await self._advance(session, order, OrderStatus.PROCESSING, entry)
        return [
            one
            for one in await shipments.of_order(session, order.id)
            if one.purpose == ShipmentPurpose.ORDER
        ]

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
            accept_within_seconds=self._settings.accept_within_seconds,
            pack_within_seconds=self._settings.pack_within_seconds,
            hand_over_within_seconds=self._settings.hand_over_within_seconds,
            status=ShipmentStatus(shipment.status),
        )

    def _review(self, order: Order) -> Review | None:
        if order.review is None:
            return None
        by_rule = order.review["actor"] == Actor.SYSTEM
        return Review(
            words=review.words_of(order.review),
            seconds=self._settings.review_deadline_seconds if by_rule else None,
            approve=self._settings.review_approves_at_deadline,
        )

    @activity.defn
    async def settle_fulfillment(self, step: OrderRef) -> OrderStatus:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            parcels = await order_changes.parcels_of(session, order)
            arrived = any(one.status == ShipmentStatus.DELIVERED for one in parcels)
            if order.status == OrderStatus.SHIPPED and arrived:
                entry = TimelineEntry(
                    type=OrderEvent.DELIVERED,
                    title="Order delivered",
                    detail="not every parcel of it",
                )
                order.delivered_at = order.delivered_at or orders.now()
                await self._advance(session, order, OrderStatus.DELIVERED, entry)
            return OrderStatus(order.status)

    @activity.defn
    async def complete_order(self, step: OrderRef) -> OrderStatus:
        entry = TimelineEntry(
            type=OrderEvent.COMPLETED, title="Order completed", detail="the return window is over"
        )
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            if order.status == OrderStatus.DELIVERED:
                await self._advance(session, order, OrderStatus.COMPLETED, entry)
            return OrderStatus(order.status)

    async def _advance(
        self, session: AsyncSession, order: Order, status: OrderStatus, entry: TimelineEntry
    ) -> None:
        orders.move(order, status)
        await session.flush()
        await timeline.append(session, order.id, [entry])

    @activity.defn
    async def cancel_order(self, step: CancelOrder) -> OrderStatus:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            if order.status == OrderStatus.CANCELED:
                return OrderStatus.CANCELED
            if order.status not in CANCELABLE:
                raise InvalidStateError(present=order.status, wanted=OrderStatus.CANCELED)
            orders.move(order, OrderStatus.CANCELED)
            order.next_action = order.review = None
            await parking.forget(session, order)
            for shipment in await shipments.of_order(session, order.id):
                shipment.status = ShipmentStatus.CANCELED
            await session.flush()
            await promotions.release(session, order.id)
            await order_units.forget_waiting(session, order.id)
            await reservations.release_order(session, order.id)
            await timeline.append(session, order.id, _canceled_entries(order, step))
            return OrderStatus.CANCELED


def _canceled_entries(order: Order, step: CancelOrder) -> list[TimelineEntry]:
    return [
        TimelineEntry(type=OrderEvent.STOCK_RELEASED, title="Stock released"),
        TimelineEntry(
            type=OrderEvent.CANCELED,
            title=f"Order P-{order.number} canceled",
            detail=step.reason,
            actor=step.actor,
        ),
    ]
