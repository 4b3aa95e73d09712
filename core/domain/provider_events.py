"""What a provider's event is about and what it tells, in words that all providers share.

The gateway that reads an event classifies it; nothing after it looks at a provider's own names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.payments import ProviderPayment
from core.domain.statuses import PaymentStatus, ShipmentStatus


class EventSubject(StrEnum):
    """Whom an event concerns."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    TRANSFER = "transfer"
    """Money on its way to a vendor; the event's reference is our settlement."""
    PAYOUT = "payout"
    """Money on its way to our bank: the reconciliation books it from the provider's movements."""
    SHIPMENT = "shipment"
    OTHER = "other"
    """Nobody here; also a type that is new to us."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventKind:
    """The subject, and the state that the event says it has reached, when it says one."""

    subject: EventSubject
    tells: PaymentStatus | ShipmentStatus | None = None

    @property
    def concerns_us(self) -> bool:
        """Whether a workflow has to look at it; a payout is found in the provider's books."""
        return self.subject not in {EventSubject.OTHER, EventSubject.PAYOUT}

    @property
    def echo_of(self) -> tuple[str, ...]:
        """The recorded states of its subject in which the event tells nothing new."""
        return _ECHOES.get(self.tells, ()) if self.tells is not None else ()


OTHER = EventKind(subject=EventSubject.OTHER)

_BEYOND_AUTHORIZED = (
    PaymentStatus.AUTHORIZED,
    PaymentStatus.PARTIALLY_CAPTURED,
    PaymentStatus.CAPTURED,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
)
_BEYOND_CAPTURED = (
    PaymentStatus.CAPTURED,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
)
_OVER = (PaymentStatus.FAILED, PaymentStatus.VOIDED)
_ECHOES: Mapping[PaymentStatus | ShipmentStatus, tuple[str, ...]] = {
    PaymentStatus.AUTHORIZED: _BEYOND_AUTHORIZED,
    PaymentStatus.CAPTURED: _BEYOND_CAPTURED,
    PaymentStatus.REQUIRES_ACTION: (PaymentStatus.REQUIRES_ACTION, *_OVER, *_BEYOND_AUTHORIZED),
    PaymentStatus.FAILED: _OVER,
    PaymentStatus.VOIDED: _OVER,
    ShipmentStatus.HANDED_OVER: (
        ShipmentStatus.HANDED_OVER,
        ShipmentStatus.IN_TRANSIT,
        ShipmentStatus.DELIVERED,
    ),
    ShipmentStatus.IN_TRANSIT: (ShipmentStatus.IN_TRANSIT, ShipmentStatus.DELIVERED),
    ShipmentStatus.DELIVERED: (ShipmentStatus.DELIVERED,),
}

_HOLDS_NOTHING = frozenset(
    {
        PaymentStatus.PENDING,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.UNKNOWN,
        PaymentStatus.FAILED,
        PaymentStatus.VOIDED,
    }
)


def is_news(found: ProviderPayment, *, status: str | None, refunded: int) -> bool:
    """Tell whether a provider's payment is further than what is recorded of it.

    Args:
        found: the provider's present state.
        status: the recorded one; None when no payment is recorded.
        refunded: what is recorded as given back, minor units.
    """
    if status is None:
        return found.status not in _HOLDS_NOTHING
    if found.refunded_amount != refunded:
        return True
    known = _ECHOES.get(found.status, (found.status,))
    undecided = found.status in {PaymentStatus.PENDING, PaymentStatus.UNKNOWN}
    return status not in known and not undecided
