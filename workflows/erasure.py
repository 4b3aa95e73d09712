"""A person is forgotten: as soon as nothing of theirs is under way, and for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from workflows import workflow_ids
from workflows.messages import Child
from workflows.policies import (
    ERASURE_STEP_TIMEOUT,
    FAREWELL_PATIENCE,
    FIRST_BUSINESS_LOOK,
    LONGEST_BUSINESS_LOOK,
    PROVIDER_CALL_RETRIES,
)
from workflows.ports.account_messages import AccountMessageRef
from workflows.ports.personal_data import ErasureActivities, ErasureRef, ErasureRequest
from workflows.steps import Step, database_step
from workflows.task_queues import TaskQueue
from workflows.waiting import Waiting


@workflow.defn
class ErasureWorkflow(Waiting):
    """Waits while something is under way, tells the person, then shreds.

    An access token lives on for minutes after its account is closed, and may place an order in
    them: once the last one has ended, it looks and shreds again.
    """

    @workflow.run
    async def run(self, request: ErasureRequest) -> None:
        while True:
            tokens_end_at = await self._until_nothing_is_open(request)
            if not request.told:
                await self._tell(request.ref)
                request = replace(request, told=True)
            await self._shred(request.ref)
            if workflow.now() >= tokens_end_at:
                break
            await workflow.sleep(tokens_end_at - workflow.now())
        await database_step(ErasureActivities.end_erasure, request.ref)

    async def _until_nothing_is_open(self, request: ErasureRequest) -> datetime:
        """Return when no access token works any more."""
        while True:
            business = await database_step(ErasureActivities.look_for_open_business, request.ref)
            if not business.counts:
                workflow.set_current_details("")
                return business.tokens_end_at
            words = ", ".join(f"{name}: {count}" for name, count in business.counts.items())
            workflow.set_current_details(
                f"**Still under way**: {words}\n\nThe update `retry` looks again now."
            )
            wait = min(FIRST_BUSINESS_LOOK * (1 << min(request.looks, 10)), LONGEST_BUSINESS_LOOK)
            await self.until_asked(wait)
            request = replace(request, looks=request.looks + 1)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(request)

    async def _tell(self, ref: ErasureRef) -> None:
        """Have the last message sent; for a sender that does not answer nobody waits for ever."""
        farewell = await database_step(ErasureActivities.write_farewell, ref)
        if farewell.message_id is None:
            return
        try:
            message = await workflow.start_child_workflow(
                Child.ACCOUNT_MESSAGE,
                AccountMessageRef(message_id=farewell.message_id),
                id=workflow_ids.account_message(farewell.message_id),
                task_queue=TaskQueue.NOTIFICATIONS,
                parent_close_policy=ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            return
        try:
            await workflow.wait_condition(message.done, timeout=FAREWELL_PATIENCE)
        except TimeoutError:
            workflow.logger.warning("the last message was not sent in time")

    async def _shred(self, ref: ErasureRef) -> None:
        await self.until_done(
            "the object store", lambda: _long_step(ErasureActivities.delete_files, ref)
        )
        await self.until_done(
            "the database", lambda: _long_step(ErasureActivities.forget_person, ref)
        )


async def _long_step(step: Step[ErasureActivities, ErasureRef, None], ref: ErasureRef) -> None:
    await workflow.execute_activity_method(
        step,
        ref,
        task_queue=TaskQueue.MAINTENANCE,
        start_to_close_timeout=ERASURE_STEP_TIMEOUT,
        retry_policy=PROVIDER_CALL_RETRIES,
    )
