"""A dispute: looked up at its provider, recorded, answered with evidence or given up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from core.domain.statuses import DisputeStatus


@dataclass(frozen=True, kw_only=True)
class DisputeRef:
    """A dispute of a payment of ours; ``dispute_id`` comes from the order and the provider's id."""

    order_id: str
    payment_id: str
    dispute_id: str
    provider_dispute_id: str


@dataclass(frozen=True, kw_only=True)
class DisputeState:
    """How a dispute stands.

    ``reminders`` are the moments in which staff are reminded, in seconds before
    ``evidence_due_at`` (UTC).
    """

    status: DisputeStatus
    wants_evidence: bool
    evidence_due_at: datetime | None = None
    reminders: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class SubmitEvidence:
    """Send what the row keeps under ``submission_id``: it is personal, so only its id travels."""

    ref: DisputeRef
    submission_id: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class AcceptDispute:
    """Give a dispute up: who, and why."""

    ref: DisputeRef
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RemindOfEvidence:
    """The deadline is near, or over when ``missed``."""

    ref: DisputeRef
    due_at: datetime
    left_seconds: int
    missed: bool = False


class DisputeActivities(ABC):
    """``follow_dispute`` and ``remind_of_evidence`` are local activities."""

    @activity.defn
    @abstractmethod
    async def follow_dispute(self, step: DisputeRef) -> None:
        """Start the dispute's workflow, or tell the one that runs that something has changed."""

    @activity.defn
    @abstractmethod
    async def look_at_dispute(self, step: DisputeRef) -> DisputeState:
        """Fetch the provider's state and record it."""

    @activity.defn
    @abstractmethod
    async def submit_evidence(self, step: SubmitEvidence) -> DisputeState:
        """Tell the bank our side, unless it is told or has decided; record what follows."""

    @activity.defn
    @abstractmethod
    async def accept_dispute(self, step: AcceptDispute) -> DisputeState:
        """Give the dispute up, unless it is decided; record what follows."""

    @activity.defn
    @abstractmethod
    async def remind_of_evidence(self, step: RemindOfEvidence) -> None:
        """Tell on the timeline that the deadline comes near, or has passed; each once."""
