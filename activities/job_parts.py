"""How a job is worked off: one part at a time, each committed with its effects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.database import Database
from core.domain.catalogue_rows import Fault
from core.domain.errors import UnavailableError
from core.gateways.objects import ObjectStore
from core.settings_jobs import JobSettings
from models.jobs import Job, JobStatus
from models.repositories import jobs

_STRETCH_SECONDS = 60.0
"""A long job gives the workflow a chance to begin a fresh history this often."""

MAX_FAULTS_OF_ROW = 10


_BEAT_SECONDS = 4.0
_Result = TypeVar("_Result")


async def beating(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do some work and show meanwhile that this process is alive, however slow the work is."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            activity.heartbeat()
            await asyncio.wait({task}, timeout=_BEAT_SECONDS)
    finally:
        task.cancel()
        await asyncio.wait({task})
    return await task


class JobStoppedError(Exception):
    """Nobody wants the job any more, or another attempt has ended it."""


@dataclass(kw_only=True)
class Part:
    """A part under way: what to write it with, and what comes of it."""

    session: AsyncSession
    done_rows: int = 0
    failed_rows: int = 0
    faults: Sequence[Fault] = field(default_factory=list)


class Stretch:
    """A stretch of work on one job, from ``position`` on."""

    def __init__(
        self, database: Database, objects: ObjectStore, settings: JobSettings, job: Job
    ) -> None:
        self.database, self.objects, self.settings, self.job = database, objects, settings, job
        self.position = job.position
        self._until = time.monotonic() + _STRETCH_SECONDS

    @asynccontextmanager
    async def part(self, position: int) -> AsyncIterator[Part]:
        """One transaction: the effects of the rows up to ``position``, and that they are done.

        Raises:
            JobStoppedError: the job is canceled or has ended.
            UnavailableError: another attempt has done this part.
        """
        async with self.database.transaction() as session:
            job = await jobs.find(session, self.job.id, lock=True)
            if job.status != JobStatus.RUNNING or job.cancel_requested_at is not None:
                raise JobStoppedError
            if job.position != self.position:
                raise UnavailableError("another attempt is at work on this job")
            part = Part(session=session)
            yield part
            await jobs.keep_part(
                session,
                job,
                position=position,
                done_rows=part.done_rows,
                failed_rows=part.failed_rows,
                faults=_bounded(part.faults),
            )
        self.position = position

    def is_over(self) -> bool:
        """Tell whether it is time to stop for now: the next stretch goes on at ``position``."""
        return time.monotonic() > self._until or activity.is_worker_shutdown()


class JobRun(Protocol):
    """What one kind of job does; tells whether it has come to its end."""

    def __call__(self, stretch: Stretch) -> Coroutine[Any, Any, bool]: ...


def _bounded(faults: Sequence[Fault]) -> list[dict[str, object]]:
    """Return faults as they are stored, of one row only some of very many."""
    counted: dict[int, int] = {}
    kept = []
    for fault in sorted(faults, key=lambda one: one.line):
        counted[fault.line] = counted.get(fault.line, 0) + 1
        if counted[fault.line] <= MAX_FAULTS_OF_ROW:
            document = asdict(fault)
            kept.append({"row": document.pop("line"), **document})
    return kept
