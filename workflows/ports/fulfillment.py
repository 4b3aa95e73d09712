"""The database steps of an order's life after its confirmation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from core.domain.statuses import OrderStatus
from workflows.ports.payments import PaymentRef
from workflows.ports.shipments import PlannedShipment


@dataclass(frozen=True, kw_only=True)
class OrderRef:
    order_id: str


@dataclass(frozen=True, kw_only=True)
class FulfillmentPlan:
    """What to ship and how patient to be; all times in seconds."""

    order_status: OrderStatus
    shipments: Sequence[PlannedShipment]
    payment: PaymentRef
    return_window_seconds: int


@dataclass(frozen=True, kw_only=True)
class CancelOrder:
    order_id: str
    reason: str
    actor: str
    voided: bool


class FulfillmentActivities(ABC):
    """Local activities: one transaction each, a no-op when the state is already there."""

    @activity.defn
    @abstractmethod
    async def plan_fulfillment(self, step: OrderRef) -> FulfillmentPlan:
        """Write the shipments of an order, one per vendor and warehouse; return the plan."""

    @activity.defn
    @abstractmethod
    async def begin_processing(self, step: OrderRef) -> OrderStatus:
        """From here on the order is being packed."""

    @activity.defn
    @abstractmethod
    async def cancel_order(self, step: CancelOrder) -> OrderStatus:
        """Release the stock, cancel the shipments, and mark the order canceled."""

    @activity.defn
    @abstractmethod
    async def complete_order(self, step: OrderRef) -> OrderStatus:
        """The return window is over."""
