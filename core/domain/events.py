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
    PAYMENT_RELEASED = "payment.released"
    """What was authorized and is not needed was let go, after some of it was captured."""
    PAYMENT_LAPSED = "payment.lapsed"
    PAYMENT_RENEWED = "payment.renewed"
    PAYMENT_UNKNOWN = "payment.unknown"
    """The provider did not answer: it is asked what became of the payment."""
    STRAY_PAYMENT_RETURNED = "payment.stray_returned"
    """A payment for the order that nobody here had asked for was given back."""
    PAYMENT_REQUESTED = "payment.requested"
    """The customer is asked for another payment."""
    REFUND_REQUESTED = "refund.requested"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_ESCALATED = "dispute.escalated"
    """A bank that only asked has taken the money back."""
    DISPUTE_EVIDENCE_DUE = "dispute.evidence_due"
    DISPUTE_EVIDENCE_MISSED = "dispute.evidence_missed"
    DISPUTE_EVIDENCE_SUBMITTED = "dispute.evidence_submitted"
    DISPUTE_ACCEPTED = "dispute.accepted"
    DISPUTE_WON = "dispute.won"
    DISPUTE_LOST = "dispute.lost"
    CONFIRMED = "order.confirmed"
    PROCESSING = "order.processing"
    SHIPMENT_PLANNED = "shipment.planned"
    SHIPMENT_BOOKED = "shipment.booked"
    SHIPMENT_CHANGED = "shipment.changed"
    SHIPMENT_ACCEPTED = "shipment.accepted"
    SHIPMENT_REJECTED = "shipment.rejected"
    SHIPMENT_SPLIT = "shipment.split"
    SHIPMENT_REALLOCATED = "shipment.reallocated"
    SHIPMENT_CANCELED = "shipment.canceled"
    SHIPMENT_ESCALATED = "shipment.escalated"
    SHIPMENT_LOST = "shipment.lost"
    SHIPMENT_REPLACED = "shipment.replaced"
    BACKORDERED = "stock.backordered"
    BACKORDER_ALLOCATED = "stock.backorder_allocated"
    ITEMS_CANCELED = "order.items_canceled"
    ADDRESS_CHANGED = "order.address_changed"
    EDITED = "order.edited"
    EDIT_REFUSED = "order.edit_refused"
    HELD_FOR_REVIEW = "order.held_for_review"
    REVIEW_RELEASED = "order.review_released"
    RETURN_REQUESTED = "return.requested"
    RETURN_APPROVED = "return.approved"
    RETURN_REJECTED = "return.rejected"
    RETURN_IN_TRANSIT = "return.in_transit"
    RETURN_RECEIVED = "return.received"
    RETURN_INSPECTED = "return.inspected"
    RETURN_REFUNDED = "return.refunded"
    RETURN_EXPIRED = "return.expired"
    STEP_RESOLVED = "step.resolved"
    """A person decided what becomes of a parked step."""
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
