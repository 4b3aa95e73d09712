"""What can happen to an order: the names on its timeline and on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OrderEvent(StrEnum):
    """Wire names; an outbox row and a timeline entry carry the same one."""

    PLACED = "order.placed"
    STOCK_RESERVED = "stock.reserved"
    STOCK_RELEASED = "stock.released"
    PAYMENT_REQUIRES_ACTION = "payment.requires_action"
    PAYMENT_AUTHORIZED = "payment.authorized"
    PAYMENT_DECLINED = "payment.declined"
    PAYMENT_CAPTURED = "payment.captured"
    PAYMENT_VOIDED = "payment.voided"
    CONFIRMED = "order.confirmed"
    PROCESSING = "order.processing"
    SHIPMENT_PLANNED = "shipment.planned"
    SHIPMENT_BOOKED = "shipment.booked"
    SHIPMENT_CHANGED = "shipment.changed"
    SHIPPED = "order.shipped"
    DELIVERED = "order.delivered"
    COMPLETED = "order.completed"
    FAILED = "order.failed"
    CANCEL_REQUESTED = "order.cancel_requested"
    CANCELED = "order.canceled"
    PARKED = "order.parked"
    RESUMED = "order.resumed"


class Actor(StrEnum):
    """Who did it, when it was not a person; people appear as ``customer:usr_…``."""

    SYSTEM = "system"
    STRIPE = "provider:stripe"
    CARRIER = "provider:carrier"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEntry:
    """One line of an order's history, in words that its customer may read."""

    type: OrderEvent
    title: str
    detail: str = ""
    actor: str = Actor.SYSTEM
