"""The providers' names of events in the domain's words: one table for each provider.

A name that no table has is somebody else's or new: the event is stored and concerns nobody.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.provider_events import OTHER, EventKind, EventSubject
from core.domain.statuses import PaymentStatus, ShipmentStatus

_PAYMENT = EventKind(subject=EventSubject.PAYMENT)
_REFUND = EventKind(subject=EventSubject.REFUND)
_DISPUTE = EventKind(subject=EventSubject.DISPUTE)
_TRANSFER = EventKind(subject=EventSubject.TRANSFER)
_PAYOUT = EventKind(subject=EventSubject.PAYOUT)
_SHIPMENT = EventKind(subject=EventSubject.SHIPMENT)


def _payment(tells: PaymentStatus) -> EventKind:
    return EventKind(subject=EventSubject.PAYMENT, tells=tells)


def _shipment(tells: ShipmentStatus) -> EventKind:
    return EventKind(subject=EventSubject.SHIPMENT, tells=tells)


# docs.stripe.com/api/events/types; a prefix ends with a dot, and the longest one counts.
_STRIPE: Mapping[str, EventKind] = {
    "payment_intent.": _PAYMENT,
    "payment_intent.created": OTHER,  # every payment has it, and it tells nothing
    "payment_intent.amount_capturable_updated": _payment(PaymentStatus.AUTHORIZED),
    "payment_intent.succeeded": _payment(PaymentStatus.CAPTURED),
    "payment_intent.requires_action": _payment(PaymentStatus.REQUIRES_ACTION),
    "payment_intent.payment_failed": _payment(PaymentStatus.FAILED),
    "payment_intent.canceled": _payment(PaymentStatus.VOIDED),
    "charge.": _PAYMENT,
    "charge.refund.": _REFUND,
    "charge.refunded": _REFUND,
    "charge.dispute.": _DISPUTE,
    "refund.": _REFUND,
    "transfer.": _TRANSFER,
    "payout.": _PAYOUT,
}
# paystack.com/docs/payments/webhooks: a charge is taken at once, which our checkout calls
# authorized; of one that failed there is no event.
_PAYSTACK: Mapping[str, EventKind] = {
    "charge.success": _payment(PaymentStatus.AUTHORIZED),
    "charge.dispute.": _DISPUTE,
    "refund.": _REFUND,
    "transfer.": _TRANSFER,
}
_CARRIER: Mapping[str, EventKind] = {
    "shipment.": _SHIPMENT,
    "shipment.handed_over": _shipment(ShipmentStatus.HANDED_OVER),
    "shipment.in_transit": _shipment(ShipmentStatus.IN_TRANSIT),
    "shipment.delivered": _shipment(ShipmentStatus.DELIVERED),
    "tracking.": _SHIPMENT,
}


def stripe_kind(name: str) -> EventKind:
    """What an event of Stripe's is about."""
    return _kind_in(_STRIPE, name)


def paystack_kind(name: str) -> EventKind:
    """What an event of Paystack's is about."""
    return _kind_in(_PAYSTACK, name)


def carrier_kind(name: str) -> EventKind:
    """What an event of the carrier's is about."""
    return _kind_in(_CARRIER, name)


def _kind_in(table: Mapping[str, EventKind], name: str) -> EventKind:
    """The entry of the whole name, else of the longest prefix that ends with a dot."""
    wanted = name
    while wanted not in table:
        head, dot, _ = wanted.rstrip(".").rpartition(".")
        if not dot:
            return OTHER
        wanted = head + dot
    return table[wanted]
