"""A job through what happens to it: a list that comes or not, an attempt that dies, bad bytes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowHandle
from temporalio.testing import ActivityEnvironment

from activities.housekeeping import PostgresHousekeepingActivities
from core.settings import Settings
from models.repositories import jobs
from tests.eventually import eventually
from tests.imports import catalogue_of, job_of, list_of, open_vendor, write_job
from tests.workflows.platform import SkippingPlatform, with_sections
from workflows import workflow_ids
from workflows.job import JobWorkflow
from workflows.ports.housekeeping import Housekeeping, Tidied
from workflows.ports.jobs import JobOutcome, JobRequest
from workflows.task_queues import TaskQueue

Handle = WorkflowHandle[JobWorkflow, JobOutcome]
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_sections(settings, {"jobs": {"part_rows": 10}})


async def begun(skipping: SkippingPlatform, job_id: str, *, waits: bool = False) -> Handle:
    """The workflow of a job that is written down."""
    until = await skipping.now() + HOUR if waits else None
    return await skipping.resources.temporal.start_workflow(
        JobWorkflow.run,
        JobRequest(job_id=job_id, upload_until=until),
        id=workflow_ids.job(job_id),
        task_queue=TaskQueue.CATALOGUE,
    )


async def written(skipping: SkippingPlatform, body: str | bytes) -> str:
    return await write_job(skipping.resources.database, skipping.resources.objects, body)


async def test_list_that_never_comes_ends_its_job_in_words(skipping: SkippingPlatform) -> None:
    job_id = await written(skipping, "")
    await skipping.resources.objects.delete(f"jobs/{job_id}/list.csv")
    handle = await begun(skipping, job_id, waits=True)

    await skipping.skip(HOUR)

    assert await handle.result() == JobOutcome(status="failed")
    job = await job_of(skipping.resources.database, job_id)
    assert job.error == "no list was uploaded (validation-error)"


async def test_attempt_that_dies_costs_its_part_and_doubles_nothing(
    skipping: SkippingPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = skipping.resources.database
    seller = await open_vendor(database)
    job_id = await written(skipping, list_of(seller, 20))
    keep, kept = jobs.keep_part, 0

    async def dies_once(*arguments: Any, **named: Any) -> None:
        nonlocal kept
        kept += 1
        await keep(*arguments, **named)
        if kept == 2:
            raise ConnectionResetError

    monkeypatch.setattr(jobs, "keep_part", dies_once)
    handle = await begun(skipping, job_id, waits=True)
    await handle.signal(JobWorkflow.go_on)

    assert await handle.result() == JobOutcome(status="done")
    job = await job_of(database, job_id)
    assert (kept, job.position, job.done_rows, job.failed_rows) == (5, 40, 40, 0)
    assert {row["version"] for row in await catalogue_of(database, seller)} == {1}


async def test_job_that_nobody_started_is_found_and_its_files_go_in_time(
    skipping: SkippingPlatform,
) -> None:
    resources = skipping.resources
    database, objects = resources.database, resources.objects
    steps = PostgresHousekeepingActivities(
        database, resources.temporal, objects, resources.settings.jobs
    )

    async def tidied() -> Tidied:
        return await ActivityEnvironment().run(steps.tidy, Housekeeping())

    job_id = await written(skipping, list_of(await open_vendor(database), 2) + "x,,,,,,,,,\n")
    assert (await tidied()).restarted == 0
    await database.statement(text("UPDATE jobs SET updated_at = now() - interval '2 min'"), {})
    assert (await tidied()).restarted == 1
    job = await eventually(lambda: job_of(database, job_id), lambda seen: seen.ended_at)
    assert (job.status, job.done_rows, job.failed_rows) == ("done", 4, 1)
    assert job.errors_key is not None
    assert (await tidied()).job_files == 0
    await database.statement(text("UPDATE jobs SET ended_at = now() - interval '31 days'"), {})

    assert (await tidied()).job_files == 1

    assert await objects.head(job.errors_key) is None
    kept = await job_of(database, job_id)
    assert (kept.input_key, kept.errors_key, kept.done_rows) == (None, None, 4)
    assert (await tidied()).job_files == 0
