"""The steps that put a difference right and look whether it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from core.domain.reconciliation import DifferenceStatus, RepairKind
from workflows.ports.captures import CapturePart
from workflows.ports.disputes import DisputeRef
from workflows.ports.payments import AuthorizationRef, PaymentRef


@dataclass(frozen=True, kw_only=True)
class RepairRequest:
    """Which difference to put right; ``tries`` counts those of earlier runs of the same repair."""

    difference_id: str
    tries: int = 0


@dataclass(frozen=True, kw_only=True)
class RepairPlan:
    """What would put a difference right now; ``repair`` is None when there is nothing to do.

    With ``checkout`` the order is not confirmed yet: its checkout is told and decides.
    """

    repair: RepairKind | None
    order_id: str = ""
    payment: PaymentRef | None = None
    parts: Sequence[CapturePart] = ()
    let_go: AuthorizationRef | None = None
    """A payment of which something was taken, and whose rest the provider holds no more."""
    dispute: DisputeRef | None = None
    checkout: bool = False
    wakes: Sequence[str] = ()
    """Workflows that wait for news of the order's money."""


@dataclass(frozen=True, kw_only=True)
class CheckRepair:
    """``attempt`` counts from one; at the last one what is still there is for a person."""

    difference_id: str
    attempt: int
    is_last: bool


@dataclass(frozen=True, kw_only=True)
class RepairOutcome:
    status: DifferenceStatus


class RepairActivities(ABC):
    """``plan_repair`` is a local activity."""

    @activity.defn
    @abstractmethod
    async def plan_repair(self, step: RepairRequest) -> RepairPlan:
        """Read what is to be done about a difference."""

    @activity.defn
    @abstractmethod
    async def start_for_repair(self, step: RepairRequest) -> None:
        """Start what is missing: the workflow of an event or of an order."""

    @activity.defn
    @abstractmethod
    async def check_repair(self, step: CheckRepair) -> RepairOutcome:
        """Look at both sides again; close the difference, or count the attempt."""
