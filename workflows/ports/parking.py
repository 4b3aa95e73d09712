"""How a step that cannot go on is shown to people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class ParkOrder:
    """What the order waits for, in words; shown as the contract's ``waiting_for``.

    ``actions`` are the ways in which a person may resolve it.
    """

    order_id: str
    what: str
    since: datetime
    attempts: int
    last_error: str
    next_attempt_at: datetime | None
    actions: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class ResumeOrder:
    order_id: str
    what: str
    actor: str
    reason: str
    action: str = "retry"


@dataclass(frozen=True, kw_only=True)
class ResolveStep:
    """What a person has decided about a parked step, by which update of its workflow."""

    order_id: str
    what: str
    update_id: str
    action: str
    actor: str
    reason: str


class ParkingActivities(ABC):
    @activity.defn
    @abstractmethod
    async def park_order(self, step: ParkOrder) -> None:
        """Show the order as waiting; only the first call of a wait adds to the timeline."""

    @activity.defn
    @abstractmethod
    async def resume_order(self, step: ResumeOrder) -> None:
        """Take the mark away."""

    @activity.defn
    @abstractmethod
    async def resolve_step(self, step: ResolveStep) -> None:
        """Write down who decided what and why; unless it is to be tried again, it waits no more."""
