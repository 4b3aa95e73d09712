"""The states of orders, payments, reservation lines and shipments, and the moves between them.

One pure table per axis. A move that is not in the table is refused with ``InvalidStateError``;
a stale provider event never moves a state backwards because the table has no such move.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from core.domain.errors import InvalidStateError


class OrderStatus(StrEnum):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    PARTIALLY_CAPTURED = "partially_captured"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    FAILED = "failed"
    DISPUTED = "disputed"
    UNKNOWN = "unknown"
    """A call was not answered: internal, always resolved by asking the provider."""


class FulfillmentStatus(StrEnum):
    UNFULFILLED = "unfulfilled"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"


class ReservationStatus(StrEnum):
    HELD = "held"
    COMMITTED = "committed"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldStatus(StrEnum):
    ACTIVE = "active"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


class ShipmentStatus(StrEnum):
    PLANNED = "planned"
    PACKED = "packed"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    RETURNING = "returning"
    RETURNED = "returned"
    CANCELED = "canceled"


class ReturnStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    INSPECTED = "inspected"
    REFUNDED = "refunded"
    EXPIRED = "expired"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    """Evidence was submitted, and the bank decides."""
    WON = "won"
    LOST = "lost"


class ReconciliationStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class SettlementStatus(StrEnum):
    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"
    """The provider could not pay it: a person has to look."""
    CANCELED = "canceled"
    """Its lines go to the next one."""


class BackorderStatus(StrEnum):
    WAITING = "waiting"
    ALLOCATED = "allocated"
    CANCELED = "canceled"


class EditStatus(StrEnum):
    PENDING = "pending"
    APPLIED = "applied"
    REFUSED = "refused"


class PromotionUseStatus(StrEnum):
    RESERVED = "reserved"
    USED = "used"
    RELEASED = "released"


ORDER_MOVES: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PENDING: frozenset(
        {
            OrderStatus.REQUIRES_ACTION,
            OrderStatus.CONFIRMED,
            OrderStatus.FAILED,
            OrderStatus.CANCELED,
        }
    ),
    OrderStatus.REQUIRES_ACTION: frozenset(
        {OrderStatus.CONFIRMED, OrderStatus.FAILED, OrderStatus.CANCELED}
    ),
    OrderStatus.CONFIRMED: frozenset({OrderStatus.PROCESSING, OrderStatus.CANCELED}),
    OrderStatus.PROCESSING: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED}),
    OrderStatus.DELIVERED: frozenset({OrderStatus.COMPLETED}),
    OrderStatus.COMPLETED: frozenset(),
    OrderStatus.FAILED: frozenset(),
    OrderStatus.CANCELED: frozenset(),
}

PAYMENT_MOVES: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset(
        {
            PaymentStatus.REQUIRES_ACTION,
            PaymentStatus.AUTHORIZED,
            PaymentStatus.FAILED,
            PaymentStatus.VOIDED,
            PaymentStatus.UNKNOWN,
        }
    ),
    PaymentStatus.REQUIRES_ACTION: frozenset(
        {PaymentStatus.AUTHORIZED, PaymentStatus.FAILED, PaymentStatus.VOIDED}
    ),
    PaymentStatus.UNKNOWN: frozenset(
        {
            PaymentStatus.REQUIRES_ACTION,
            PaymentStatus.AUTHORIZED,
            PaymentStatus.FAILED,
            PaymentStatus.VOIDED,
        }
    ),
    PaymentStatus.AUTHORIZED: frozenset(
        {
            PaymentStatus.PARTIALLY_CAPTURED,
            PaymentStatus.CAPTURED,
            PaymentStatus.VOIDED,
            PaymentStatus.DISPUTED,
        }
    ),
    PaymentStatus.PARTIALLY_CAPTURED: frozenset(
        {PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.DISPUTED}
    ),
    PaymentStatus.CAPTURED: frozenset(
        {PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED, PaymentStatus.DISPUTED}
    ),
    PaymentStatus.PARTIALLY_REFUNDED: frozenset({PaymentStatus.REFUNDED, PaymentStatus.DISPUTED}),
    PaymentStatus.REFUNDED: frozenset({PaymentStatus.DISPUTED}),
    PaymentStatus.VOIDED: frozenset(),
    PaymentStatus.FAILED: frozenset(),
    PaymentStatus.DISPUTED: frozenset(
        {
            PaymentStatus.AUTHORIZED,
            PaymentStatus.PARTIALLY_CAPTURED,
            PaymentStatus.CAPTURED,
            PaymentStatus.PARTIALLY_REFUNDED,
            PaymentStatus.REFUNDED,
        }
    ),
}

SETTLEMENT_MOVES: Mapping[SettlementStatus, frozenset[SettlementStatus]] = {
    SettlementStatus.DRAFT: frozenset(
        {
            SettlementStatus.AWAITING_APPROVAL,
            SettlementStatus.APPROVED,
            SettlementStatus.CANCELED,
        }
    ),
    SettlementStatus.AWAITING_APPROVAL: frozenset(
        {SettlementStatus.APPROVED, SettlementStatus.CANCELED}
    ),
    SettlementStatus.APPROVED: frozenset({SettlementStatus.PAYING, SettlementStatus.CANCELED}),
    SettlementStatus.PAYING: frozenset({SettlementStatus.PAID, SettlementStatus.FAILED}),
    SettlementStatus.PAID: frozenset({SettlementStatus.FAILED}),
    SettlementStatus.FAILED: frozenset({SettlementStatus.APPROVED, SettlementStatus.CANCELED}),
    SettlementStatus.CANCELED: frozenset(),
}

RESERVATION_MOVES: Mapping[ReservationStatus, frozenset[ReservationStatus]] = {
    ReservationStatus.HELD: frozenset(
        {ReservationStatus.COMMITTED, ReservationStatus.RELEASED, ReservationStatus.EXPIRED}
    ),
    ReservationStatus.COMMITTED: frozenset(
        {ReservationStatus.CONSUMED, ReservationStatus.RELEASED}
    ),
    ReservationStatus.CONSUMED: frozenset(),
    ReservationStatus.RELEASED: frozenset(),
    ReservationStatus.EXPIRED: frozenset(),
}

SHIPMENT_MOVES: Mapping[ShipmentStatus, frozenset[ShipmentStatus]] = {
    ShipmentStatus.PLANNED: frozenset({ShipmentStatus.PACKED, ShipmentStatus.CANCELED}),
    ShipmentStatus.PACKED: frozenset({ShipmentStatus.HANDED_OVER, ShipmentStatus.CANCELED}),
    ShipmentStatus.HANDED_OVER: frozenset(
        {
            ShipmentStatus.IN_TRANSIT,
            ShipmentStatus.DELIVERED,
            ShipmentStatus.DELIVERY_FAILED,
            ShipmentStatus.RETURNING,
            ShipmentStatus.RETURNED,
        }
    ),
    ShipmentStatus.IN_TRANSIT: frozenset(
        {
            ShipmentStatus.DELIVERED,
            ShipmentStatus.DELIVERY_FAILED,
            ShipmentStatus.RETURNING,
            ShipmentStatus.RETURNED,
        }
    ),
    ShipmentStatus.DELIVERY_FAILED: frozenset(
        {
            ShipmentStatus.IN_TRANSIT,
            ShipmentStatus.DELIVERED,
            ShipmentStatus.RETURNING,
            ShipmentStatus.RETURNED,
        }
    ),
    ShipmentStatus.RETURNING: frozenset({ShipmentStatus.RETURNED}),
    ShipmentStatus.RETURNED: frozenset(),
    ShipmentStatus.DELIVERED: frozenset(),
    ShipmentStatus.CANCELED: frozenset(),
}

RETURN_MOVES: Mapping[ReturnStatus, frozenset[ReturnStatus]] = {
    ReturnStatus.REQUESTED: frozenset(
        {ReturnStatus.APPROVED, ReturnStatus.REJECTED, ReturnStatus.EXPIRED}
    ),
    ReturnStatus.APPROVED: frozenset(
        {
            ReturnStatus.IN_TRANSIT,
            ReturnStatus.RECEIVED,
            ReturnStatus.REJECTED,
            ReturnStatus.EXPIRED,
        }
    ),
    ReturnStatus.IN_TRANSIT: frozenset({ReturnStatus.RECEIVED, ReturnStatus.REJECTED}),
    ReturnStatus.RECEIVED: frozenset({ReturnStatus.INSPECTED}),
    ReturnStatus.INSPECTED: frozenset({ReturnStatus.REFUNDED, ReturnStatus.REJECTED}),
    ReturnStatus.REJECTED: frozenset(),
    ReturnStatus.REFUNDED: frozenset(),
    ReturnStatus.EXPIRED: frozenset(),
}

OPEN_RETURN = (
    ReturnStatus.REQUESTED,
    ReturnStatus.APPROVED,
    ReturnStatus.IN_TRANSIT,
    ReturnStatus.RECEIVED,
    ReturnStatus.INSPECTED,
)
"""Returns that are still under way: their units cannot be returned a second time."""

CANCELABLE = frozenset(
    {
        OrderStatus.PENDING,
        OrderStatus.REQUIRES_ACTION,
        OrderStatus.CONFIRMED,
        OrderStatus.PROCESSING,
    }
)
"""An order can be canceled until it is shipped; the workflow says no once shipping has begun."""

OPEN_RESERVATION = (ReservationStatus.HELD, ReservationStatus.COMMITTED)
"""The lines that ``stock.reserved`` counts."""

S = TypeVar("S", bound=StrEnum)


def require_move(moves: Mapping[S, frozenset[S]], present: S, wanted: S) -> None:
    """Refuse a move that the table does not have.

    Raises:
        InvalidStateError: names the present state and the moves it allows.
    """
    if wanted not in moves[present]:
        raise InvalidStateError(
            present=present, wanted=wanted, allowed=tuple(sorted(moves[present]))
        )


def can_move(moves: Mapping[S, frozenset[S]], present: S, wanted: S) -> bool:
    """Tell whether the table has the move."""
    return wanted in moves[present]
