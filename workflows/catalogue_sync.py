"""One of these for each consumer of the catalogue's events, for as long as the platform runs."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.policies import (
    SYNC_HEARTBEAT,
    SYNC_PAUSE_AFTER_FAILURE,
    SYNC_RETRIES,
    SYNC_STINT,
    SYNC_STINT_TIMEOUT,
    SYNC_STINTS,
)
from workflows.ports.catalogue_sync import (
    CatalogueSync,
    CatalogueSyncActivities,
    FollowCatalogue,
)
from workflows.task_queues import TaskQueue


@workflow.defn
class CatalogueSyncWorkflow:
    """Stint after stint, one activity each; the history stays short by a fresh run every day."""

    @workflow.run
    async def run(self, sync: CatalogueSync) -> None:
        for _ in range(SYNC_STINTS):
            await self._stint(sync)
        workflow.continue_as_new(sync)

    async def _stint(self, sync: CatalogueSync) -> None:
        try:
            await workflow.execute_activity_method(
                CatalogueSyncActivities.follow_catalogue,
                FollowCatalogue(consumer=sync.consumer, seconds=int(SYNC_STINT.total_seconds())),
                task_queue=TaskQueue.SEARCH,
                start_to_close_timeout=SYNC_STINT_TIMEOUT,
                heartbeat_timeout=SYNC_HEARTBEAT,
                retry_policy=SYNC_RETRIES,
                summary=f"Follow the catalogue for the {sync.consumer}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("the %s could not be kept right: once more", sync.consumer)
            await workflow.sleep(SYNC_PAUSE_AFTER_FAILURE)
