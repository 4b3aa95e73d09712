"""Jobs that nobody works on, and files of jobs that nobody needs any more."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy

from activities.starting import start_unless_it_runs
from core.database import Database
from core.gateways.objects import ObjectStore
from models.repositories import jobs
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.jobs import JobRequest
from workflows.task_queues import TaskQueue

_AT_ONCE = 100


async def start_unfinished(database: Database, temporal: Client) -> int:
    """Start the workflows of jobs that were written down and never started; return how many."""
    started = 0
    for job_id, upload_until in (await jobs.unfinished(database)).items():
        started += await start_unless_it_runs(
            temporal,
            Child.JOB,
            JobRequest(job_id=job_id, upload_until=upload_until),
            workflow_id=workflow_ids.job(job_id),
            queue=TaskQueue.CATALOGUE,
            order_id=None,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        )
    return started


async def forget_files(database: Database, objects: ObjectStore, *, days: int) -> int:
    """Delete the files of jobs that ended so long ago; return of how many jobs.

    A file that is not there any more is no fault: a crash leaves the row for the next time.
    """
    async with database.transaction() as session:
        expired = await jobs.expired(session, days=days, limit=_AT_ONCE)
    for keys in expired.values():
        for key in keys:
            await objects.delete(key)
    async with database.transaction() as session:
        await jobs.forget_files(session, list(expired))
    return len(expired)
