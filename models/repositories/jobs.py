"""Jobs: made once for each key, worked off in parts, each written with its effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, defer
from sqlmodel import col, select

from core.database import Database
from core.domain.errors import InvalidStateError, NotFoundError
from models.jobs import Job, JobPart, JobStatus
from models.repositories import audit, idempotency

_PARAMETERS = cast("InstrumentedAttribute[Any]", Job.parameters)
ENDED = (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELED)

_UNFINISHED = text("""
SELECT id, parameters ->> 'upload_until' AS upload_until FROM jobs
WHERE status IN ('queued', 'running') AND updated_at < now() - interval '1 minute'
ORDER BY id LIMIT 500
""")
_UNFINISHED_OF = text("""
SELECT count(*) FROM jobs WHERE vendor_id = :vendor_id AND status IN ('queued', 'running')
""")
_EXPIRED = text("""
SELECT id, input_key, output_key, errors_key FROM jobs
WHERE ended_at < now() - make_interval(days => :days)
    AND (input_key IS NOT NULL OR output_key IS NOT NULL OR errors_key IS NOT NULL)
ORDER BY id LIMIT :limit
""")
_FORGET = text("""
WITH gone AS (DELETE FROM job_parts WHERE job_id = ANY(CAST(:ids AS text[])))
UPDATE jobs SET input_key = NULL, output_key = NULL, errors_key = NULL
WHERE id = ANY(CAST(:ids AS text[]))
""")


async def add(
    session: AsyncSession, job: Job, *, reason: str = "", most_unfinished: int | None = None
) -> Job:
    """Add a job; a second call with the same id finds the job of the first.

    Raises:
        InvalidStateError: its vendor has ``most_unfinished`` jobs that have not ended.
    """
    await idempotency.one_at_a_time(session, f"jobs:{job.vendor_id or job.id}")
    existing = await session.get(Job, job.id)
    if existing is not None:
        return existing
    if job.vendor_id is not None and most_unfinished is not None:
        found = (await session.execute(_UNFINISHED_OF, {"vendor_id": job.vendor_id})).scalar_one()
        if found >= most_unfinished:
            raise InvalidStateError(present=f"{found} jobs have not ended", wanted="one more")
    session.add(job)
    await session.flush()
    await session.refresh(job)
    await audit.record(
        session,
        actor=job.actor,
        action="job.added",
        target=job.id,
        reason=reason,
        after={"kind": job.kind, "dry_run": job.dry_run, "total_rows": job.total_rows},
    )
    return job


async def find(
    session: AsyncSession, job_id: str, *, vendor_id: str | None = None, lock: bool = False
) -> Job:
    """Return a job, of a vendor or of anybody for None.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    statement = select(Job).where(Job.id == job_id)
    if vendor_id is not None:
        statement = statement.where(Job.vendor_id == vendor_id)
    if lock:
        statement = statement.with_for_update(key_share=True)
    job = (await session.scalars(statement)).one_or_none()
    if job is None:
        raise NotFoundError("there is no such job")
    return job


async def page_of(
    session: AsyncSession,
    *,
    vendor_id: str | None,
    kinds: Sequence[str],
    status: str | None,
    before: str | None,
    limit: int,
) -> Sequence[Job]:
    """Return jobs, the newest first, those older than ``before``, without their parameters."""
    parameters = defer(_PARAMETERS, raiseload=True)  # thousands of ids in some
    statement = select(Job).options(parameters).order_by(col(Job.id).desc()).limit(limit)
    statement = statement.where(col(Job.kind).in_(kinds))
    wanted = {"vendor_id": vendor_id, "status": status}
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(Job, name) == value)
    if before is not None:
        statement = statement.where(col(Job.id) < before)
    return (await session.scalars(statement)).all()


def upload_until(job: Job) -> datetime | None:
    """Return by when a job's list has to be there (UTC); None when it is, or there is none."""
    until = job.parameters.get("upload_until")
    return datetime.fromisoformat(until) if until else None


async def begin(session: AsyncSession, job_id: str) -> Job:
    """Return a locked job; one that waits in line runs now."""
    job = await find(session, job_id, lock=True)
    if job.status == JobStatus.QUEUED:
        job.status = JobStatus.RUNNING
        await _changed(session, job)
    return job


async def count_rows(session: AsyncSession, job_id: str, total_rows: int) -> None:
    """Write down how many rows a job has."""
    job = await find(session, job_id, lock=True)
    if job.total_rows is None:
        job.total_rows = total_rows
        await _changed(session, job)


async def keep_part(
    session: AsyncSession,
    job: Job,
    *,
    position: int,
    done_rows: int,
    failed_rows: int,
    faults: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Write down a part of a locked job, in the transaction of its effects.

    The next run goes on at ``position``, which also numbers the part.
    """
    part = JobPart(
        job_id=job.id,
        number=position,
        done_rows=done_rows,
        failed_rows=failed_rows,
        errors=[dict(fault) for fault in faults],
    )
    session.add(part)
    job.position = position
    job.done_rows += done_rows
    job.failed_rows += failed_rows
    await _changed(session, job)


async def show_position(session: AsyncSession, job: Job, position: int) -> None:
    """Write down how far a locked job is that is done in one go."""
    job.position = position
    await _changed(session, job)


async def keep_output(session: AsyncSession, job: Job, key: str, *, rows: int) -> None:
    """Write down what a locked job has made."""
    job.output_key = key
    job.position = job.done_rows = job.total_rows = rows
    await _changed(session, job)


async def faults_after(session: AsyncSession, job_id: str, number: int) -> JobPart | None:
    """Return the next part of a job after one of a number that has faults."""
    statement = (
        select(JobPart)
        .where(JobPart.job_id == job_id, JobPart.number > number, JobPart.failed_rows > 0)
        .order_by(col(JobPart.number))
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def end(
    session: AsyncSession,
    job: Job,
    status: JobStatus,
    *,
    error: str | None = None,
    errors_key: str | None = None,
) -> None:
    """End a locked job; nothing happens to one that has ended."""
    if job.status in ENDED:
        return
    job.status = status
    job.error = error
    job.errors_key = errors_key or job.errors_key
    job.ended_at = datetime.now(UTC)
    await _changed(session, job)
    await audit.record(
        session,
        actor=job.actor,
        action=f"job.{status}",
        target=job.id,
        reason="",
        after={"done_rows": job.done_rows, "failed_rows": job.failed_rows},
    )


async def request_cancel(session: AsyncSession, job: Job, *, actor: str) -> None:
    """Let a locked job stop after the part that is under way; again changes nothing.

    Raises:
        InvalidStateError: it has ended otherwise.
    """
    if job.cancel_requested_at is not None:
        return
    if job.status in ENDED:
        raise InvalidStateError(present=job.status, wanted=JobStatus.CANCELED)
    job.cancel_requested_at = datetime.now(UTC)
    await _changed(session, job)
    await audit.record(
        session, actor=actor, action="job.cancel_requested", target=job.id, reason=""
    )


async def unfinished(database: Database) -> dict[str, datetime | None]:
    """Return jobs that nobody has worked on for a minute, with when their lists are due."""
    rows = await database.statement(_UNFINISHED, {})
    return {
        row["id"]: datetime.fromisoformat(row["upload_until"]) if row["upload_until"] else None
        for row in rows
    }


async def expired(session: AsyncSession, *, days: int, limit: int) -> dict[str, list[str]]:
    """Return the files of jobs that ended so long ago, by job."""
    rows = (await session.execute(_EXPIRED, {"days": days, "limit": limit})).all()
    return {row.id: [key for key in row[1:] if key] for row in rows}


async def forget_files(session: AsyncSession, job_ids: Sequence[str]) -> None:
    """Forget the files and the faults of jobs; their rows and counts stay."""
    await session.execute(_FORGET, {"ids": list(job_ids)})


async def _changed(session: AsyncSession, job: Job) -> None:
    job.updated_at = datetime.now(UTC)
    await session.flush()
