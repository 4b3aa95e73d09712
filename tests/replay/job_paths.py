"""The paths of jobs whose histories are kept, beside those of ``paths``."""

from __future__ import annotations

from tests.imports import list_of, open_vendor
from tests.replay.paths import keep
from tests.workflows.conftest import outside, skipping
from tests.workflows.platform import SkippingPlatform
from tests.workflows.test_jobs import begun, written
from workflows.job import JobWorkflow

__all__ = ["outside", "skipping"]


async def test_job_that_waited_for_its_list(skipping: SkippingPlatform) -> None:
    seller = await open_vendor(skipping.resources.database)
    job_id = await written(skipping, list_of(seller, 2))
    handle = await begun(skipping, job_id, waits=True)
    await handle.signal(JobWorkflow.go_on)
    await handle.result()
    await keep(skipping, handle.id, "waited")


async def test_job_that_failed(skipping: SkippingPlatform) -> None:
    handle = await begun(skipping, await written(skipping, b"\xff"))
    await handle.result()
    await keep(skipping, handle.id, "failed")
