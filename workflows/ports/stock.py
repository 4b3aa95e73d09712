"""The database steps of a hold, run as local activities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from temporalio import activity

from core.domain.errors import Shortage
from core.domain.statuses import HoldStatus


@dataclass(frozen=True, kw_only=True)
class WantedItem:
    sku: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class PlaceHold:
    hold_id: str
    owner_id: str
    items: Sequence[WantedItem]
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class PlacedHold:
    """``shortages`` is empty when every unit is held."""

    status: HoldStatus
    shortages: Sequence[Shortage] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True)
class EndHold:
    """``status`` is ``released`` or ``expired``."""

    hold_id: str
    status: HoldStatus


class StockActivities(ABC):
    @activity.defn
    @abstractmethod
    async def place_hold(self, step: PlaceHold) -> PlacedHold:
        """Reserve every unit until the deadline, or none."""

    @activity.defn
    @abstractmethod
    async def end_hold(self, step: EndHold) -> HoldStatus:
        """Give the units back, unless a checkout has consumed the hold."""
