"""What Schedules do so that the index stays what the catalogue says."""

from __future__ import annotations

from temporalio import workflow

from workflows.policies import INDEX_HEARTBEAT, INDEX_RETRIES, INDEX_STEP_TIMEOUT
from workflows.ports.index import Compared, CompareIndex, IndexActivities, KeepUp, Upkeep
from workflows.task_queues import TaskQueue


@workflow.defn
class CatalogueUpkeepWorkflow:
    """Keep up with the followers; compare and mend the index when it is asked to."""

    @workflow.run
    async def run(self, upkeep: Upkeep) -> Compared | None:
        await workflow.execute_activity_method(
            IndexActivities.keep_up,
            KeepUp(),
            task_queue=TaskQueue.SEARCH,
            start_to_close_timeout=INDEX_STEP_TIMEOUT,
            heartbeat_timeout=INDEX_HEARTBEAT,
            retry_policy=INDEX_RETRIES,
        )
        if not upkeep.compare:
            return None
        return await workflow.execute_activity_method(
            IndexActivities.compare_index,
            CompareIndex(),
            task_queue=TaskQueue.SEARCH,
            start_to_close_timeout=INDEX_STEP_TIMEOUT,
            heartbeat_timeout=INDEX_HEARTBEAT,
            retry_policy=INDEX_RETRIES,
        )
