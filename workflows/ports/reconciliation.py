"""The steps of a reconciliation: a run is begun, goes through the books, and starts repairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """Whose books are compared; the input of the workflow."""

    provider: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that is under way and the time that it looks at (UTC)."""

    run_id: str
    provider: str
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """What a run has come to; differences that are open, for people and for repairs."""

    run_id: str
    open: int
    repairing: int


@dataclass(frozen=True, kw_only=True)
class FailRun:
    """A run that cannot go on, and why in words."""

    run_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RepairsStarted:
    """How many differences are being repaired now."""

    number: int


class ReconciliationActivities(ABC):
    """``begin_reconciliation`` and ``fail_reconciliation`` are local activities."""

    @activity.defn
    @abstractmethod
    async def begin_reconciliation(self, step: Reconciliation) -> Run:
        """Begin a run, or return the one of this provider that is under way."""

    @activity.defn
    @abstractmethod
    async def reconcile_books(self, step: Run) -> Reconciled:
        """Go through both sides page by page; a further attempt goes on at the page it was at."""

    @activity.defn
    @abstractmethod
    async def fail_reconciliation(self, step: FailRun) -> None:
        """End a run that cannot go on; the next one begins afresh."""

    @activity.defn
    @abstractmethod
    async def start_repairs(self, step: Reconciliation) -> RepairsStarted:
        """Start a workflow for each difference that is repaired without a person."""
