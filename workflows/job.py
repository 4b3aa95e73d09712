"""An import, an export or a bulk action, worked off in parts."""

from __future__ import annotations

from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.parking import in_words
from workflows.policies import JOB_FILE_TIMEOUT, JOB_HEARTBEAT, JOB_RETRIES, JOB_STRETCH_TIMEOUT
from workflows.ports.jobs import (
    FailJob,
    JobActivities,
    JobOutcome,
    JobProgress,
    JobRef,
    JobRequest,
)
from workflows.steps import database_step
from workflows.task_queues import TaskQueue


@workflow.defn
class JobWorkflow:
    """How far a job is lies with its row: a crash costs the part that was under way.

    The history grows by one activity for each minute of work.
    """

    def __init__(self) -> None:
        self._told = False

    @workflow.run
    async def run(self, job: JobRequest) -> JobOutcome:
        ref = JobRef(job_id=job.job_id)
        if job.upload_until is not None:
            await self._wait_for_the_list(job)
        try:
            while not (await self._work(ref)).ended:
                if workflow.info().is_continue_as_new_suggested():
                    workflow.continue_as_new(JobRequest(job_id=job.job_id))
            return await workflow.execute_activity_method(
                JobActivities.finish_job,
                ref,
                task_queue=TaskQueue.CATALOGUE,
                start_to_close_timeout=JOB_FILE_TIMEOUT,
                heartbeat_timeout=JOB_HEARTBEAT,
                retry_policy=JOB_RETRIES,
            )
        except ActivityError as error:
            return await database_step(
                JobActivities.fail_job, FailJob(job_id=job.job_id, reason=in_words(error))
            )

    @workflow.signal
    def go_on(self) -> None:
        """The list is uploaded, or nobody wants the job any more: its row tells."""
        self._told = True

    async def _wait_for_the_list(self, job: JobRequest) -> None:
        if job.upload_until is None:
            return
        workflow.set_current_details("waits for its list to be uploaded")
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._told, timeout=job.upload_until - workflow.now()
            )

    async def _work(self, ref: JobRef) -> JobProgress:
        return await workflow.execute_activity_method(
            JobActivities.work_on_job,
            ref,
            task_queue=TaskQueue.CATALOGUE,
            start_to_close_timeout=JOB_STRETCH_TIMEOUT,
            heartbeat_timeout=JOB_HEARTBEAT,
            retry_policy=JOB_RETRIES,
        )
