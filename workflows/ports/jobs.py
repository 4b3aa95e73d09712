"""The steps of a job: it is worked off in parts, then finished or failed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """Input of the workflow; a list that is uploaded has to be there by ``upload_until`` (UTC)."""

    job_id: str
    upload_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class JobRef:
    """Which job; its row tells everything else, how far it is too."""

    job_id: str


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """How far a job is; ``ended`` when there is no part left, or it is to stop."""

    position: int
    ended: bool


@dataclass(frozen=True, kw_only=True)
class FailJob:
    """A job that cannot go on, and why in words."""

    job_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """What became of a job."""

    status: str


class JobActivities(ABC):
    """``fail_job`` is a local activity."""

    @activity.defn
    @abstractmethod
    async def work_on_job(self, step: JobRef) -> JobProgress:
        """Work off parts for a while; each is committed with its effects, and never done again."""

    @activity.defn
    @abstractmethod
    async def finish_job(self, step: JobRef) -> JobOutcome:
        """Write the list of what was wrong, and end the job."""

    @activity.defn
    @abstractmethod
    async def fail_job(self, step: FailJob) -> JobOutcome:
        """End a job that cannot go on; what it has done stays done."""
