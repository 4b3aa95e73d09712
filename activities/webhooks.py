"""Find what an event is about and who has to know."""

from __future__ import annotations

from sqlalchemy import RowMapping
from temporalio import activity

from core.database import Database
from core.domain.statuses import OrderStatus
from models.repositories import disputes, webhooks
from workflows.messages import NEW_PAYMENT
from workflows.ports.disputes import DisputeRef
from workflows.ports.payments import PaymentRef
from workflows.ports.webhooks import (
    EventRef,
    EventRoute,
    FinishEvent,
    RoutedEvent,
    WebhookActivities,
)

_IN_CHECKOUT = (OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION)
_WITHOUT_PAYMENT = (OrderStatus.FAILED, OrderStatus.CANCELED)


class PostgresWebhookActivities(WebhookActivities):
    def __init__(self, database: Database, *, carrier: str) -> None:
        self._database = database
        self._carrier = carrier

    @activity.defn
    async def route_event(self, step: EventRef) -> RoutedEvent:
        if step.provider == self._carrier:
            return await self._route_to_shipment(step)
        row = await webhooks.payment_of(
            self._database, step.provider, step.event_id, new_payment=NEW_PAYMENT
        )
        if row is None or row["order_id"] is None or row["dispute_id"] is not None:
            return _to_dispute(row)
        order_id, status = row["order_id"], OrderStatus(row["status"])
        payment = PaymentRef(
            order_id=order_id,
            payment_id=row["payment_id"],
            provider=row["provider"],
            provider_payment_id=row["object_id"],
        )
        if status in _IN_CHECKOUT:
            return RoutedEvent(route=EventRoute.CHECKOUT, order_id=order_id)
        if status in _WITHOUT_PAYMENT:
            return RoutedEvent(
                route=EventRoute.PROVIDER_HAS_MORE, order_id=order_id, payment=payment
            )
        unanswered = row["provider_payment_id"] is None and row["attempt"] > 1
        if row["provider_payment_id"] != row["object_id"] and not unanswered:
            # A second payment for an order that has one already.
            return RoutedEvent(
                route=EventRoute.PROVIDER_HAS_MORE, order_id=order_id, payment=payment
            )
        return RoutedEvent(
            route=EventRoute.RECORD, order_id=order_id, payment=payment, wakes=row["wakes"]
        )

    async def _route_to_shipment(self, step: EventRef) -> RoutedEvent:
        shipment_id = await webhooks.shipment_of(self._database, step.provider, step.event_id)
        if shipment_id is None:
            return RoutedEvent(route=EventRoute.NOBODY)
        return RoutedEvent(route=EventRoute.SHIPMENT, shipment_id=shipment_id)

    @activity.defn
    async def finish_event(self, step: FinishEvent) -> None:
        await webhooks.finish(self._database, step.provider, step.event_id, step.outcome)


def _to_dispute(row: RowMapping | None) -> RoutedEvent:
    """A dispute of a payment that is not here is seen in the inbox, and by the reconciliation."""
    if row is None or row["dispute_id"] is None:
        return RoutedEvent(route=EventRoute.NOBODY)
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
