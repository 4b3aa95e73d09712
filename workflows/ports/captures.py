"""The capture of what one shipment costs, in parts from the payments of its order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class PlanCapture:
    """``now`` (UTC) is the workflow's time: what lapses before it is not counted on."""

    order_id: str
    shipment_id: str
    number: int
    now: datetime


@dataclass(frozen=True, kw_only=True)
class CapturePart:
    """One payment's part in what shipment ``number`` costs, minor units."""

    order_id: str
    payment_id: str
    number: int
    amount: int


@dataclass(frozen=True, kw_only=True)
class CapturePlan:
    """What is captured from which payment; all amounts in minor units.

    ``missing`` is what no payment has room for; ``renewal`` then names the payment that is to make
    up for it. ``lapsed`` are payments whose time is over, to be let go before anything else.
    """

    amount: int
    parts: Sequence[CapturePart]
    missing: int
    renewal: str
    lapsed: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class PartOutcome:
    """``captured`` is False when the provider does not hold the money any more."""

    captured: bool


@dataclass(frozen=True, kw_only=True)
class DropCapture:
    order_id: str
    number: int


class CaptureActivities(ABC):
    """``plan_capture`` and ``drop_capture`` are local activities."""

    @activity.defn
    @abstractmethod
    async def plan_capture(self, step: PlanCapture) -> CapturePlan:
        """Set aside what the shipment costs on payments with room; the same plan once set."""

    @activity.defn
    @abstractmethod
    async def capture_part(self, step: CapturePart) -> PartOutcome:
        """Capture a planned part at the provider and record it, or that it has lapsed."""

    @activity.defn
    @abstractmethod
    async def drop_capture(self, step: DropCapture) -> None:
        """Forget what is planned for a shipment and not captured: it is not paid for any more."""
