"""What a Schedule does every minute: ask the providers for events that never arrived."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.policies import POLL_HEARTBEAT, POLL_TIMEOUT, PROVIDER_CALL_RETRIES
from workflows.ports.event_poll import (
    EventPoll,
    EventPollActivities,
    Polled,
    PolledProviders,
    PollProvider,
)
from workflows.steps import database_step
from workflows.task_queues import TaskQueue


@workflow.defn
class EventPollWorkflow:
    """One look at each provider. One that is down is asked again by the next run."""

    @workflow.run
    async def run(self, poll: EventPoll) -> PolledProviders:
        plan = await database_step(EventPollActivities.plan_polls, poll)
        polled = await asyncio.gather(*(self._ask(name, poll) for name in plan.providers))
        return PolledProviders(polled=polled)

    async def _ask(self, provider: str, poll: EventPoll) -> Polled:
        try:
            return await workflow.execute_activity_method(
                EventPollActivities.poll_provider,
                PollProvider(provider=provider, poll=poll),
                task_queue=TaskQueue.MAINTENANCE,
                start_to_close_timeout=POLL_TIMEOUT,
                heartbeat_timeout=POLL_HEARTBEAT,
                retry_policy=PROVIDER_CALL_RETRIES,
                summary=f"Events of {provider} that never arrived",
            )
        except ActivityError:
            workflow.logger.warning("%s could not be asked for its events", provider)
            return Polled(provider=provider, failed=True)
