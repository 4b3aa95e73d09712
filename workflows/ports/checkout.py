"""The database steps of a checkout, run as local activities: one short transaction each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from core.domain.payments import ProviderPayment
from core.domain.statuses import OrderStatus


@dataclass(frozen=True, kw_only=True)
class OpenOrder:
    order_id: str


@dataclass(frozen=True, kw_only=True)
class ReadStatus:
    order_id: str


@dataclass(frozen=True, kw_only=True)
class PaymentTerms:
    """What to authorize, where; ``amount`` in minor units of ``currency``."""

    payment_id: str
    provider: str
    payment_method: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class OpenedOrder:
    """The order as it stands after its stock was reserved, or could not be."""

    status: OrderStatus
    terms: PaymentTerms
    hold_id: str | None = None
    challenge_seconds: int
    handling_seconds: int


@dataclass(frozen=True, kw_only=True)
class ConfirmOrder:
    order_id: str
    payment: ProviderPayment


@dataclass(frozen=True, kw_only=True)
class AwaitChallenge:
    order_id: str
    deadline: datetime


@dataclass(frozen=True, kw_only=True)
class CloseOrder:
    """End a checkout without an order: release every line, say why.

    ``status`` is ``failed`` or ``canceled``; ``code`` is the problem's slug.
    """

    order_id: str
    status: OrderStatus
    code: str
    reason: str
    actor: str
    decline_code: str | None = None
    provider_payment_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class StartFulfillment:
    """Hand a confirmed order over; the times are those of ``messages.Fulfillment``."""

    order_id: str
    customer_id: str
    handling_seconds: int
    capture_before: datetime | None


class CheckoutActivities(ABC):
    """Each is idempotent: a second run returns what the first one did."""

    @activity.defn
    @abstractmethod
    async def open_order(self, step: OpenOrder) -> OpenedOrder:
        """Make the order from its draft and reserve every line, or fail it as out of stock."""

    @activity.defn
    @abstractmethod
    async def read_status(self, step: ReadStatus) -> OrderStatus | None:
        """Return how the order stands in the database; None when it was never opened."""

    @activity.defn
    @abstractmethod
    async def await_challenge(self, step: AwaitChallenge) -> OrderStatus:
        """Mark the order ``requires_action`` and give its lines the deadline."""

    @activity.defn
    @abstractmethod
    async def confirm_order(self, step: ConfirmOrder) -> OrderStatus:
        """Commit the reservation, record the authorization and confirm, in one statement."""

    @activity.defn
    @abstractmethod
    async def close_order(self, step: CloseOrder) -> OrderStatus:
        """Release what is reserved and end the order; harmless when nothing was ever opened."""

    @activity.defn
    @abstractmethod
    async def start_fulfillment(self, step: StartFulfillment) -> None:
        """Start the order's fulfilment, unless it was started before."""
