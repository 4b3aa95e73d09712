"""What is still under way is no difference yet: two systems are never read at one moment; pure."""

from __future__ import annotations

from datetime import timedelta

from core.domain.payments import ProviderPayment
from core.domain.statuses import OrderStatus, PaymentStatus

GRACE = timedelta(minutes=15)
"""How long an order that is worked on may differ."""

ENDED = frozenset({OrderStatus.FAILED, OrderStatus.CANCELED})
AT_CHECKOUT = frozenset({OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION})
AT_CAPTURE = frozenset({OrderStatus.CONFIRMED, OrderStatus.PROCESSING})
PAID = frozenset(
    {
        PaymentStatus.AUTHORIZED,
        PaymentStatus.PARTIALLY_CAPTURED,
        PaymentStatus.CAPTURED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.DISPUTED,
    }
)
"""Payments for which a provider has held or taken money."""


def is_at_work(
    status: OrderStatus,
    *,
    under_way: bool,
    quiet_for: timedelta,
    also: frozenset[OrderStatus] = frozenset(),
    grace: timedelta = GRACE,
) -> bool:
    """Tell whether an order that differs is still being worked on.

    Args:
        status: the order's.
        under_way: it waits for something, or somebody asked to cancel it.
        quiet_for: since it last changed.
        also: further states in which this difference is to be expected for a while.
        grace: after so long it is not.
    """
    return quiet_for < grace and (under_way or status in AT_CHECKOUT | also)


def was_undone(status: OrderStatus, *, live: bool) -> bool:
    """Tell whether money that came for an order that had ended was given back at once."""
    return status in ENDED and not live


def held_by(payment: ProviderPayment) -> int:
    """Return what a provider holds for us and has not taken, minor units.

    One without authorizations has taken it; it is still held for what is to be sent.
    """
    if payment.status not in {PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_CAPTURED}:
        return 0
    if payment.taken_at_once:
        return payment.authorized_amount - payment.refunded_amount
    return payment.authorized_amount - payment.captured_amount


def taken_by(payment: ProviderPayment) -> int:
    """Return what is on our balance at the provider of a payment, minor units."""
    if payment.taken_at_once:
        return held_by(payment)
    return payment.captured_amount - payment.refunded_amount


def is_live(payment: ProviderPayment) -> bool:
    """Tell whether the customer's money is blocked, or taken and not given back."""
    return held_by(payment) > 0 or payment.captured_amount > payment.refunded_amount
