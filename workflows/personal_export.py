"""A person is handed what is known of them: a file that goes when its time is over."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from workflows.policies import EXPORT_TIMEOUT, PROVIDER_CALL_RETRIES, PROVIDER_CALL_TIMEOUT
from workflows.ports.personal_data import ExportActivities, ExportRef, MadeExport
from workflows.task_queues import TaskQueue
from workflows.waiting import Waiting


@workflow.defn
class PersonalExportWorkflow(Waiting):
    """Makes the file, waits until it expires, and deletes it."""

    @workflow.run
    async def run(self, ref: ExportRef) -> None:
        made = await self.until_done("the store of files", lambda: _make(ref))
        if made.expires_at is not None:
            await workflow.sleep(max(made.expires_at - workflow.now(), timedelta()))
        await self.until_done("the store of files", lambda: _drop(ref))


async def _make(ref: ExportRef) -> MadeExport:
    return await workflow.execute_activity_method(
        ExportActivities.make_export,
        ref,
        task_queue=TaskQueue.MAINTENANCE,
        start_to_close_timeout=EXPORT_TIMEOUT,
        retry_policy=PROVIDER_CALL_RETRIES,
    )


async def _drop(ref: ExportRef) -> None:
    await workflow.execute_activity_method(
        ExportActivities.drop_export,
        ref,
        task_queue=TaskQueue.MAINTENANCE,
        start_to_close_timeout=PROVIDER_CALL_TIMEOUT,
        retry_policy=PROVIDER_CALL_RETRIES,
    )
