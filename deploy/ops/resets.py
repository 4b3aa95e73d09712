"""Take a set of workflows back to before a bad release, by Temporal's reset.

A reset starts a fresh run of the same workflow from a point of its history: everything before it is
replayed, everything after it is done again, which is harmless here because each step is idempotent.
Signals and updates that came later are delivered again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from api import workflow_visibility
from api.workflow_visibility import REPORTED_PROBLEMS, Running
from core.domain.ids import Prefix, new_id
from core.resources import Resources
from models.repositories import audit, parking

AT_ONCE = 4


class Point(StrEnum):
    FIRST = "first"
    """Everything is done again."""
    LAST = "last"
    """Only the last workflow task is done again."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which running workflows to reset, and to which point.

    With ``since`` (UTC) or ``build_id`` it is the first workflow task that the release completed;
    workflows that it never touched stay as they are, unless they fail. Without either, only those
    that fail their workflow tasks are reset, to ``point``.
    """

    workflow_type: str
    point: Point = Point.LAST
    since: datetime | None = None
    build_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run, and the workflow task (the id of its completion) that is done again."""

    run: Running
    event_id: int
    at: datetime
    """When that task was completed."""


async def plan(resources: Resources, selection: Selection) -> list[Planned]:
    """Return what a reset would do; it changes nothing.

    Raises:
        UnavailableError: Temporal does not answer.
    """
    query = f"ExecutionStatus = 'Running' AND WorkflowType = '{selection.workflow_type}'"
    if selection.since is None and selection.build_id is None:
        query += f" AND {REPORTED_PROBLEMS.name} IS NOT NULL"
    runs = await workflow_visibility.list_runs(resources.temporal, query, limit=None)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(run: Running) -> Planned | None:
        async with gate:
            tasks = await _completed_tasks(resources.temporal, run)
        event = _point(tasks, selection, failing=bool(run.problems))
        if event is None:
            return None
        at = event.event_time.ToDatetime(tzinfo=UTC)
        return Planned(run=run, event_id=event.event_id, at=at)

    found = await asyncio.gather(*(one(run) for run in runs))
    return [planned for planned in found if planned is not None]


async def carry_out(
    resources: Resources,
    planned: Sequence[Planned],
    *,
    actor: str,
    reason: str,
    report: Callable[[Planned, str], None],
) -> int:
    """Reset the runs, a few at once; return how many went well."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(of: Planned) -> bool:
        async with gate:
            try:
                run_id = await _reset(resources, of, actor=actor, reason=reason)
            except RPCError as error:
                report(of, error.message)
                return False
        report(of, f"reset; it goes on as run {run_id}")
        return True

    return sum(await asyncio.gather(*(one(of) for of in planned)))


async def _completed_tasks(client: Client, run: Running) -> list[HistoryEvent]:
    handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
    return [
        event
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_task_completed_event_attributes")
    ]


def _point(
    tasks: Sequence[HistoryEvent], selection: Selection, *, failing: bool
) -> HistoryEvent | None:
    if not tasks:
        return None  # its first task fails: there is nothing to go back to
    if selection.since is None and selection.build_id is None:
        return tasks[0] if selection.point is Point.FIRST else tasks[-1]
    for task in tasks:
        if _is_of_release(task, selection):
            return task
    return tasks[-1] if failing else None


def _is_of_release(task: HistoryEvent, selection: Selection) -> bool:
    done = task.workflow_task_completed_event_attributes
    builds = {
        done.worker_version.build_id,
        done.deployment_version.build_id,
        done.binary_checksum,
    }
    if selection.build_id is not None and selection.build_id not in builds:
        return False
    return selection.since is None or task.event_time.ToDatetime(tzinfo=UTC) >= selection.since


async def _reset(resources: Resources, of: Planned, *, actor: str, reason: str) -> str:
    client = resources.temporal
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(
                workflow_id=of.run.workflow_id, run_id=of.run.run_id
            ),
            reason=f"{actor}: {reason}",
            workflow_task_finish_event_id=of.event_id,
            request_id=new_id(Prefix.AUDIT),
            reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_ALL_ELIGIBLE,
        )
    )
    async with resources.database.transaction() as session:
        # What it waited for was in the run that has ended; the new one says if it still does.
        await parking.forget_workflow(session, of.run.workflow_id)
        await audit.record(
            session,
            actor=actor,
            action="workflow.reset",
            target=of.run.order_id or of.run.workflow_id,
            reason=reason,
            before={
                "workflow_id": of.run.workflow_id,
                "run_id": of.run.run_id,
                "event_id": of.event_id,
            },
            after={"run_id": answer.run_id},
        )
    return str(answer.run_id)
