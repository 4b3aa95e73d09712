"""What a Schedule does every few minutes so that nothing is forgotten and nothing piles up."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from workflows.policies import PROVIDER_CALL_RETRIES
from workflows.ports.housekeeping import Housekeeping, HousekeepingActivities, Tidied
from workflows.task_queues import TaskQueue


@workflow.defn
class HousekeepingWorkflow:
    """Delete what is past its time; drive again what waits in the inbox."""

    @workflow.run
    async def run(self, housekeeping: Housekeeping) -> Tidied:
        return await workflow.execute_activity_method(
            HousekeepingActivities.tidy,
            housekeeping,
            task_queue=TaskQueue.MAINTENANCE,
            start_to_close_timeout=timedelta(minutes=2),
            retry_policy=PROVIDER_CALL_RETRIES,
        )
