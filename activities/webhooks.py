"""Find what an event is about and who has to know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import RowMapping
from temporalio import activity
from temporalio.client import Client

from activities import starting
from core.database import Database
from core.domain.provider_events import EventSubject
from core.domain.statuses import OrderStatus
from models.repositories import disputes, webhooks
from workflows.messages import NEW_PAYMENT
from workflows.ports.disputes import DisputeRef
from workflows.ports.payments import PaymentRef
from workflows.ports.refunds import RefundRef
from workflows.ports.webhooks import (
    EventRef,
    EventRoute,
    FinishEvent,
    RoutedEvent,
    SettlementRef,
    WebhookActivities,
)

_IN_CHECKOUT = (OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION)
_WITHOUT_PAYMENT = (OrderStatus.FAILED, OrderStatus.CANCELED)
_NOBODY = RoutedEvent(route=EventRoute.NOBODY)


class PostgresWebhookActivities(WebhookActivities):
    def __init__(self, database: Database, temporal: Client) -> None:
        self._database = database
        self._temporal = temporal
        self._routes: Mapping[EventSubject, Callable[[EventRef], Awaitable[RoutedEvent]]] = {
            EventSubject.PAYMENT: self._route_payment,
            EventSubject.REFUND: self._route_refund,
            EventSubject.DISPUTE: self._route_dispute,
            EventSubject.TRANSFER: self._route_transfer,
            EventSubject.SHIPMENT: self._route_shipment,
        }

    @activity.defn
    async def route_event(self, step: EventRef) -> RoutedEvent:
        subject = await webhooks.subject_of(self._database, step.provider, step.event_id)
        route = self._routes.get(EventSubject(subject or EventSubject.PAYMENT))
        return await route(step) if route else _NOBODY

    async def _route_payment(self, step: EventRef) -> RoutedEvent:
        row = await self._payment_of(step)
        if row is None:
            return _NOBODY
        order_id, payment = row["order_id"], _ref(step, row)
        if payment.payment_id == "":
            return RoutedEvent(route=EventRoute.STRAY, order_id=order_id, payment=payment)
        status = OrderStatus(row["status"])
        # A second payment at the provider where the order has its one already.
        second = row["provider_payment_id"] not in {None, row["object_id"]}
        if second or status in _WITHOUT_PAYMENT:
            return RoutedEvent(
                route=EventRoute.PROVIDER_HAS_MORE, order_id=order_id, payment=payment
            )
        if status in _IN_CHECKOUT:
            return RoutedEvent(route=EventRoute.CHECKOUT, order_id=order_id)
        return _recorded(order_id, payment, row)

    async def _route_refund(self, step: EventRef) -> RoutedEvent:
        """Money that went back belongs in the books, however the order ended."""
        row = await self._payment_of(step)
        if row is None or not row["captured_amount"]:
            return await self._route_payment(step)
        return _recorded(row["order_id"], _ref(step, row), row)

    async def _payment_of(self, step: EventRef) -> RowMapping | None:
        row = await webhooks.payment_of(
            self._database, step.provider, step.event_id, new_payment=NEW_PAYMENT
        )
        return None if row is None or row["order_id"] is None else row

    async def _route_dispute(self, step: EventRef) -> RoutedEvent:
        """A dispute of a payment that is not here is seen in the inbox, and by reconciliation."""
        row = await webhooks.payment_of(
            self._database, step.provider, step.event_id, new_payment=NEW_PAYMENT
        )
        if row is None or row["dispute_id"] is None:
            return _NOBODY
        order_id, provider_dispute_id = row["order_id"], row["dispute_id"]
        if order_id is None or row["provider_payment_id"] != row["object_id"]:
            return RoutedEvent(route=EventRoute.UNKNOWN_DISPUTE)
        ref = DisputeRef(
            order_id=order_id,
            payment_id=row["payment_id"],
            dispute_id=disputes.id_of(order_id, provider_dispute_id),
            provider_dispute_id=provider_dispute_id,
        )
        return RoutedEvent(route=EventRoute.DISPUTE, order_id=order_id, dispute=ref)

    async def _route_transfer(self, step: EventRef) -> RoutedEvent:
        settlement_id = await webhooks.settlement_of(self._database, step.provider, step.event_id)
        if settlement_id is None:
            return _NOBODY
        return RoutedEvent(route=EventRoute.SETTLEMENT, settlement_id=settlement_id)

    async def _route_shipment(self, step: EventRef) -> RoutedEvent:
        shipment_id = await webhooks.shipment_of(self._database, step.provider, step.event_id)
        if shipment_id is None:
            return _NOBODY
        return RoutedEvent(route=EventRoute.SHIPMENT, shipment_id=shipment_id)

    @activity.defn
    async def resume_refund(self, step: RefundRef) -> None:
        await starting.start_refund(self._temporal, step)

    @activity.defn
    async def tell_settlement(self, step: SettlementRef) -> None:
        await starting.tell_settlement(self._temporal, step.settlement_id)

    @activity.defn
    async def finish_event(self, step: FinishEvent) -> None:
        await webhooks.finish(self._database, step.provider, step.event_id, step.outcome)


def _ref(step: EventRef, row: RowMapping) -> PaymentRef:
    return PaymentRef(
        order_id=row["order_id"],
        payment_id=row["payment_id"] or "",
        provider=step.provider,
        provider_payment_id=row["object_id"],
    )


def _recorded(order_id: str, payment: PaymentRef, row: RowMapping) -> RoutedEvent:
    return RoutedEvent(
        route=EventRoute.RECORD,
        order_id=order_id,
        payment=payment,
        wakes=row["wakes"],
        refunds=row["refunds"],
    )
