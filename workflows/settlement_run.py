"""Every week: a settlement for each vendor and currency with something to be paid."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from workflows.policies import PROVIDER_CALL_RETRIES
from workflows.ports.settlements import SettlementRun, SettlementRunActivities
from workflows.task_queues import TaskQueue


@workflow.defn
class SettlementRunWorkflow:
    """All of them end at the same moment, that of the run; each goes on by itself."""

    @workflow.run
    async def run(self, wanted: SettlementRun) -> int:
        """Return how many were started."""
        until = wanted.until or workflow.now().replace(microsecond=0)
        after: tuple[str, str] | None = wanted.after
        started = wanted.started
        while after is not None:
            page = await workflow.execute_activity_method(
                SettlementRunActivities.start_settlements,
                SettlementRun(until=until, after=after),
                task_queue=TaskQueue.MAINTENANCE,
                start_to_close_timeout=timedelta(minutes=5),
                retry_policy=PROVIDER_CALL_RETRIES,
            )
            started, after = started + page.started, page.after
            if after is not None and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(SettlementRun(until=until, after=after, started=started))
        return started
