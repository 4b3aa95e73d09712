"""The database steps of an order's life after its confirmation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from core.domain.statuses import OrderStatus
from workflows.ports.shipments import PlannedShipment


@dataclass(frozen=True, kw_only=True)
class OrderRef:
    order_id: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """Why a person has to look at an order before it ships, and for how long it waits for that.

    Without ``seconds`` it waits for as long as it takes; ``approve`` tells what comes after them.
    """

    words: str
    seconds: int | None = None
    approve: bool = False


@dataclass(frozen=True, kw_only=True)
class FulfillmentPlan:
    """What to ship and how patient to be; all times in seconds.

    ``canceling`` when a cancellation was accepted that is not finished; ``waiting`` when goods of
    the order still wait for stock.
    """

    order_status: OrderStatus
    shipments: Sequence[PlannedShipment]
    return_window_seconds: int
    canceling: bool = False
    waiting: bool = False
    review: Review | None = None


@dataclass(frozen=True, kw_only=True)
class CancelOrder:
    order_id: str
    reason: str
    actor: str


class FulfillmentActivities(ABC):
    """Local activities: one transaction each, a no-op when the state is already there."""

    @activity.defn
    @abstractmethod
    async def plan_fulfillment(self, step: OrderRef) -> FulfillmentPlan:
        """Write the shipments of an order, one per vendor and warehouse; return the plan.

        From here on the order is being packed, unless a rule wants a person to look at it first.
        """

    @activity.defn
    @abstractmethod
    async def cancel_order(self, step: CancelOrder) -> OrderStatus:
        """Release the stock, cancel the shipments, and mark the order canceled."""

    @activity.defn
    @abstractmethod
    async def settle_fulfillment(self, step: OrderRef) -> OrderStatus:
        """Every parcel has ended, not all at the door: deliver the order if any of it arrived."""

    @activity.defn
    @abstractmethod
    async def complete_order(self, step: OrderRef) -> OrderStatus:
        """The return window is over."""
