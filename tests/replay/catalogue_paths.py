"""The paths of what follows the catalogue, beside those of ``paths``."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError

from deploy.cli.reindex import reindex
from tests.eventually import eventually
from tests.replay.paths import keep
from tests.workflows.conftest import outside, platform
from tests.workflows.platform import Platform
from tests.workflows.test_catalogue_sync import ended_followers, given_up, named_product
from workers.schedules import ensure_syncs
from workflows import workflow_ids
from workflows.catalogue_upkeep import CatalogueUpkeepWorkflow
from workflows.ports.catalogue_sync import Consumer
from workflows.ports.index import Upkeep
from workflows.task_queues import TaskQueue

__all__ = ["outside", "platform"]


async def test_follower_stint_after_stint(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.policies.SYNC_STINT", timedelta(seconds=1))
    workflow_id = workflow_ids.catalogue_sync(Consumer.SEARCH)
    async with ended_followers(platform):
        await ensure_syncs(platform.resources.temporal)
        handle = platform.shop.workflow(workflow_id)

        async def stints() -> int:
            history = await handle.fetch_history()
            return sum(
                one.HasField("activity_task_completed_event_attributes") for one in history.events
            )

        await eventually(stints, lambda number: number >= 2)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        await keep(platform, workflow_id, "followed")


async def test_index_rebuilt_and_given_up(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await named_product(platform, "Lamp")
    workflow_id = workflow_ids.reindex("products")
    await reindex(platform.resources, reason="test", tell=lambda _: None)
    await keep(platform, workflow_id, "rebuilt")
    await given_up(platform, monkeypatch)
    await keep(platform, workflow_id, "given_up")


async def test_upkeep(platform: Platform) -> None:
    async with ended_followers(platform):
        for path, compare in (("kept_up", False), ("compared", True)):
            await platform.resources.temporal.execute_workflow(
                CatalogueUpkeepWorkflow.run,
                Upkeep(compare=compare),
                id=path,
                task_queue=TaskQueue.SEARCH,
            )
            await keep(platform, path, path)
