"""The calls to Temporal: start, update, and what it means when there is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, TemporalError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from core.domain.errors import UnavailableError

log = structlog.get_logger("api")

_PROBE_SECONDS = 1.0
_DOWN = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.UNKNOWN,
    }
)
_REFUSALS = frozenset({"invalid-state", "out-of-stock", "payment-declined", "validation-error"})
_Result = TypeVar("_Result")


class NoAnswerYetError(Exception):
    """The workflow has the update and goes on by itself; the caller's patience ended."""


class WorkflowClosedError(Exception):
    """The workflow has ended, or was never started: the database tells how things stand."""


class UpdateRefusedError(Exception):
    """The workflow said no: the problem's slug, in words, and what the answer carries beside."""

    def __init__(self, code: str, detail: str, extra: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.code, self.detail, self.extra = code, detail, extra


class Start(StrEnum):
    STARTED = "started"
    ALREADY = "already"


async def start_and_update(
    client: Client,
    workflow: str,
    argument: Any,
    *,
    workflow_id: str,
    task_queue: str,
    update: str,
    result_type: type[_Result],
    budget_seconds: float,
    search_attributes: TypedSearchAttributes | None = None,
    summary: str,
) -> _Result:
    """Start a workflow unless it runs, and wait for its first answer; one call to the server.

    Raises:
        NoAnswerYetError: started, but not answered within the budget.
        WorkflowClosedError: it ran before and has ended, and its answer is not to be had.
        UnavailableError: Temporal cannot be reached, so nothing was promised.
    """
    operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        workflow,
        argument,
        id=workflow_id,
        task_queue=task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        search_attributes=search_attributes,
        static_summary=summary,
    )
    try:
        async with _patience(budget_seconds):
            result: _Result = await client.execute_update_with_start_workflow(
                update,
                start_workflow_operation=operation,
                id=update,
                result_type=result_type,
            )
            return result
    except WorkflowAlreadyStartedError:
        return await _answer_of_closed(client, workflow_id, update, result_type, budget_seconds)
    except WorkflowUpdateFailedError as error:
        raise WorkflowClosedError from error
    except NoAnswerYetError:
        await _require_started(client, workflow_id)
        raise


async def _answer_of_closed(
    client: Client,
    workflow_id: str,
    update: str,
    result_type: type[_Result],
    budget_seconds: float,
) -> _Result:
    handle = client.get_workflow_handle(workflow_id).get_update_handle(
        update, result_type=result_type
    )
    try:
        async with _patience(budget_seconds):
            result: _Result = await handle.result()
            return result
    except (WorkflowUpdateFailedError, NoAnswerYetError) as error:
        raise WorkflowClosedError from error


async def send_update(
    client: Client,
    workflow_id: str,
    update: str,
    *arguments: Any,
    update_id: str | None = None,
    result_type: type[_Result],
    budget_seconds: float,
) -> _Result:
    """Send an update to a running workflow and wait for its answer.

    Raises:
        NoAnswerYetError: not answered within the budget.
        WorkflowClosedError: there is no such running workflow.
        UpdateRefusedError: it was understood and is not possible.
        UnavailableError: Temporal cannot be reached.
    """
    try:
        async with _patience(budget_seconds):
            handle = client.get_workflow_handle(workflow_id)
            result: _Result = await handle.execute_update(
                update, args=list(arguments), id=update_id, result_type=result_type
            )
            return result
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        if isinstance(cause, ApplicationError) and cause.type in _REFUSALS:
            extra = cause.details[0] if cause.details else {}
            raise UpdateRefusedError(cause.type, cause.message, extra) from error
        raise WorkflowClosedError from error


async def start_once(
    client: Client,
    workflow: str,
    argument: Any,
    *,
    workflow_id: str,
    task_queue: str,
    budget_seconds: float,
    summary: str,
    id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.REJECT_DUPLICATE,
) -> Start:
    """Start a workflow that runs once for ever, or once at a time when duplicates are allowed.

    Raises:
        UnavailableError: not started, or not known to be.
    """
    try:
        async with _patience(budget_seconds):
            await client.start_workflow(
                workflow,
                argument,
                id=workflow_id,
                task_queue=task_queue,
                id_reuse_policy=id_reuse_policy,
                static_summary=summary,
            )
    except WorkflowAlreadyStartedError:
        return Start.ALREADY
    except NoAnswerYetError as error:
        raise UnavailableError("the workflow engine does not answer") from error
    return Start.STARTED


async def start_or_signal(
    client: Client,
    workflow: str,
    argument: Any,
    *,
    workflow_id: str,
    task_queue: str,
    signal: str,
    budget_seconds: float,
    summary: str,
) -> None:
    """Signal a workflow, and start it first unless it runs; one that has ended runs again.

    Raises:
        UnavailableError: not told, or not known to be.
    """
    try:
        async with _patience(budget_seconds):
            await client.start_workflow(
                workflow,
                argument,
                id=workflow_id,
                task_queue=task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                start_signal=signal,
                static_summary=summary,
            )
    except NoAnswerYetError as error:
        raise UnavailableError("the workflow engine does not answer") from error


async def has_ended(client: Client, workflow_id: str, *, within_seconds: float) -> bool:
    """Wait for a workflow that was started; tell whether it ended in time.

    Raises:
        UnavailableError: Temporal cannot be reached.
    """
    try:
        async with _patience(within_seconds):
            await client.get_workflow_handle(workflow_id).result()
    except (NoAnswerYetError, WorkflowClosedError, WorkflowFailureError):
        return False
    return True


async def signal_each(
    client: Client, workflow_ids: Sequence[str], signal: str, *, budget_seconds: float
) -> None:
    """Tell running workflows some news, as many as the budget allows.

    Nothing is raised: it is for news that the database has and that somebody looks for again.
    """
    for workflow_id in workflow_ids:
        try:
            async with _patience(budget_seconds):
                await client.get_workflow_handle(workflow_id).signal(signal)
        except (NoAnswerYetError, UnavailableError) as error:
            log.warning("news not told", workflow_id=workflow_id, cause=type(error).__name__)
            return
        except WorkflowClosedError:
            log.warning("news for no workflow", workflow_id=workflow_id)


async def ping(client: Client) -> None:
    """Raise ``UnavailableError`` unless Temporal answers."""
    try:
        async with _patience(_PROBE_SECONDS):
            healthy = await client.service_client.check_health()
    except NoAnswerYetError as error:
        raise UnavailableError("the workflow engine does not answer") from error
    if not healthy:
        raise UnavailableError("the workflow engine is not healthy")


async def _require_started(client: Client, workflow_id: str) -> None:
    """Tell a slow workflow from a dead server: only a known workflow is a promise.

    Raises:
        UnavailableError: nobody knows of the workflow.
    """
    try:
        async with _patience(_PROBE_SECONDS):
            await client.get_workflow_handle(workflow_id).describe()
    except (NoAnswerYetError, WorkflowClosedError) as error:
        raise UnavailableError("the workflow engine does not answer") from error


@asynccontextmanager
async def _patience(seconds: float) -> AsyncIterator[None]:
    """Bound a call, and sort its failures; the SDK retries a dead server for longer than we wait.

    Raises:
        NoAnswerYetError, WorkflowClosedError, UnavailableError: see above.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except (TimeoutError, RPCTimeoutOrCancelledError) as error:
        if _is_canceled():
            raise asyncio.CancelledError from error
        raise NoAnswerYetError from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise WorkflowClosedError from error
        if error.status in _DOWN:
            raise UnavailableError("the workflow engine does not answer") from error
        raise
    except TemporalError:
        raise
    except RuntimeError as error:  # what the core raises when its first connection fails
        raise UnavailableError("the workflow engine does not answer") from error


def _is_canceled() -> bool:
    """Tell whether the request itself was canceled: the SDK turns that into its own error."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
