"""The three ways in which a workflow acts: a database step, a payment call, a carrier call.

A step that has begun is finished before its compensation runs, hence the cancellation type.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.workflow import ActivityCancellationType

from workflows.policies import (
    DATABASE_STEP_RETRIES,
    DATABASE_STEP_TIMEOUT,
    PROVIDER_CALL_RETRIES,
    PROVIDER_CALL_TIMEOUT,
)
from workflows.task_queues import TaskQueue

Port = TypeVar("Port")
Payload = TypeVar("Payload")
Result = TypeVar("Result")
Step = Callable[[Port, Payload], Awaitable[Result]]


async def database_step(
    step: Step[Port, Payload, Result], payload: Payload, *, summary: str | None = None
) -> Result:
    """Run a short transaction as a local activity: no task queue in between, one history event."""
    return await workflow.execute_local_activity_method(
        step,
        payload,
        start_to_close_timeout=DATABASE_STEP_TIMEOUT,
        retry_policy=DATABASE_STEP_RETRIES,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )


async def payment_call(
    step: Step[Port, Payload, Result], payload: Payload, *, summary: str | None = None
) -> Result:
    """Call a payment provider from its own queue."""
    return await _provider_call(TaskQueue.PAYMENTS, step, payload, summary)


async def carrier_call(
    step: Step[Port, Payload, Result], payload: Payload, *, summary: str | None = None
) -> Result:
    """Call a carrier from the fulfilment queue."""
    return await _provider_call(TaskQueue.FULFILLMENT, step, payload, summary)


async def _provider_call(
    queue: TaskQueue, step: Step[Port, Payload, Result], payload: Payload, summary: str | None
) -> Result:
    return await workflow.execute_activity_method(
        step,
        payload,
        task_queue=queue,
        start_to_close_timeout=PROVIDER_CALL_TIMEOUT,
        retry_policy=PROVIDER_CALL_RETRIES,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
