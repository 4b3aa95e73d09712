"""A message of an account: sent once, as soon as its channel works, while it is of use."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow

from workflows.policies import PROVIDER_CALL_RETRIES, PROVIDER_CALL_TIMEOUT
from workflows.ports.account_messages import (
    AccountMessageActivities,
    AccountMessageRef,
    MessageOutcome,
)
from workflows.task_queues import TaskQueue
from workflows.waiting import Waiting


@workflow.defn
class AccountMessageWorkflow(Waiting):
    """The activity tells when it is too late for the message: nothing waits for ever."""

    @workflow.run
    async def run(self, message: AccountMessageRef) -> MessageOutcome:
        async def send() -> MessageOutcome:
            return await workflow.execute_activity_method(
                AccountMessageActivities.send_account_message,
                message,
                task_queue=TaskQueue.NOTIFICATIONS,
                start_to_close_timeout=PROVIDER_CALL_TIMEOUT,
                retry_policy=PROVIDER_CALL_RETRIES,
            )

        return await self.until_done(
            "the sender of messages",
            send,
            tries=message.tries,
            fresh_run=lambda tries: workflow.continue_as_new(replace(message, tries=tries)),
        )
