"""A provider's books, ours and the engine's side by side, every hour."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.parking import in_words
from workflows.policies import (
    PROVIDER_CALL_TIMEOUT,
    RECONCILIATION_HEARTBEAT,
    RECONCILIATION_RETRIES,
    RECONCILIATION_TIMEOUT,
)
from workflows.ports.reconciliation import (
    FailRun,
    Reconciled,
    Reconciliation,
    ReconciliationActivities,
    Run,
)
from workflows.steps import database_step
from workflows.task_queues import TaskQueue


@workflow.defn
class ReconciliationWorkflow:
    """Read everything, write down what differs, start the repairs that need no person.

    How far it is lies with the run in the database, so the history stays as short as this method.
    """

    @workflow.run
    async def run(self, reconciliation: Reconciliation) -> Reconciled | None:
        run = await database_step(ReconciliationActivities.begin_reconciliation, reconciliation)
        workflow.set_current_details(f"Run `{run.run_id}` from {run.since} to {run.until} UTC")
        try:
            reconciled = await self._reconcile(run)
        except ActivityError as error:
            await database_step(
                ReconciliationActivities.fail_reconciliation,
                FailRun(run_id=run.run_id, reason=in_words(error)),
            )
            return None
        await workflow.execute_activity_method(
            ReconciliationActivities.start_repairs,
            reconciliation,
            task_queue=TaskQueue.MAINTENANCE,
            start_to_close_timeout=PROVIDER_CALL_TIMEOUT,
            retry_policy=RECONCILIATION_RETRIES,
        )
        return reconciled

    async def _reconcile(self, run: Run) -> Reconciled:
        return await workflow.execute_activity_method(
            ReconciliationActivities.reconcile_books,
            run,
            task_queue=TaskQueue.MAINTENANCE,
            schedule_to_close_timeout=RECONCILIATION_TIMEOUT,
            heartbeat_timeout=RECONCILIATION_HEARTBEAT,
            retry_policy=RECONCILIATION_RETRIES,
        )
