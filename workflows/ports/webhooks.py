"""The steps that apply a provider's event, once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from temporalio import activity

from workflows.ports.disputes import DisputeRef
from workflows.ports.payments import PaymentRef
from workflows.ports.refunds import RefundRef


@dataclass(frozen=True, kw_only=True)
class EventRef:
    """An event in the inbox."""

    provider: str
    event_id: str


class EventRoute(StrEnum):
    """Who has to know."""

    CHECKOUT = "checkout"
    """The order is not confirmed yet: its checkout decides."""
    PROVIDER_HAS_MORE = "provider_has_more"
    """The order ended without a payment, or has its one, yet the provider holds more: let it go."""
    STRAY = "stray"
    """A payment that names our order, and that we did not ask this provider for: give it back."""
    RECORD = "record"
    """Fetch the provider's state and record it."""
    DISPUTE = "dispute"
    """The dispute's workflow asks the provider."""
    UNKNOWN_DISPUTE = "unknown_dispute"
    """A dispute of a payment that is not ours."""
    SETTLEMENT = "settlement"
    """A transfer to a vendor changed: its settlement looks at it."""
    SHIPMENT = "shipment"
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class RoutedEvent:
    route: EventRoute
    order_id: str | None = None
    shipment_id: str | None = None
    payment: PaymentRef | None = None
    dispute: DisputeRef | None = None
    wakes: Sequence[str] = ()
    """Workflows of the order that wait for another payment."""
    refunds: Sequence[str] = ()
    """Refunds of the order that are under way."""
    settlement_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SettlementRef:
    settlement_id: str


@dataclass(frozen=True, kw_only=True)
class FinishEvent:
    provider: str
    event_id: str
    outcome: str


class WebhookActivities(ABC):
    """Local activities on the inbox."""

    @activity.defn
    @abstractmethod
    async def route_event(self, step: EventRef) -> RoutedEvent:
        """Find what an event of the inbox is about and who has to know."""

    @activity.defn
    @abstractmethod
    async def resume_refund(self, step: RefundRef) -> None:
        """Let a refund that is under way be followed by its workflow, unless it is."""

    @activity.defn
    @abstractmethod
    async def tell_settlement(self, step: SettlementRef) -> None:
        """Tell a settlement that its transfer has changed."""

    @activity.defn
    @abstractmethod
    async def finish_event(self, step: FinishEvent) -> None:
        """Mark the event processed, with its outcome."""
