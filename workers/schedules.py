"""The Schedules, as code: created when they are missing, updated when they differ."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleAction,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import WorkflowIDConflictPolicy

from core.settings import Settings
from workflows import workflow_ids
from workflows.catalogue_sync import CatalogueSyncWorkflow
from workflows.catalogue_upkeep import CatalogueUpkeepWorkflow
from workflows.event_poll import EventPollWorkflow
from workflows.housekeeping import HousekeepingWorkflow
from workflows.ports.catalogue_sync import CatalogueSync, Consumer
from workflows.ports.event_poll import EventPoll
from workflows.ports.housekeeping import Housekeeping
from workflows.ports.index import Upkeep
from workflows.ports.reconciliation import Reconciliation
from workflows.ports.settlements import SettlementRun
from workflows.reconciliation import ReconciliationWorkflow
from workflows.settlement_run import SettlementRunWorkflow
from workflows.task_queues import TaskQueue


def schedules(settings: Settings, providers: Iterable[str]) -> dict[str, Schedule]:
    """Every Schedule of the platform by its id; ``providers`` are those of payments."""
    return {
        "event-poll": _event_poll(),
        "housekeeping": _housekeeping(),
        "settlements": _settlements(settings),
        "catalogue-upkeep": _catalogue_upkeep("catalogue-upkeep", timedelta(minutes=10)),
        "index-compare": _catalogue_upkeep("index-compare", timedelta(hours=1), compare=True),
        **{
            workflow_ids.reconciliation(provider): _reconciliation(settings, provider)
            for provider in providers
        },
    }


def _event_poll() -> Schedule:
    return _every(
        timedelta(minutes=1),
        ScheduleActionStartWorkflow(
            EventPollWorkflow.run,
            EventPoll(),
            id="event-poll",
            task_queue=TaskQueue.MAINTENANCE,
            static_summary="Ask the providers for events that never arrived",
        ),
    )


def _housekeeping() -> Schedule:
    return _every(
        timedelta(minutes=5),
        ScheduleActionStartWorkflow(
            HousekeepingWorkflow.run,
            Housekeeping(),
            id="housekeeping",
            task_queue=TaskQueue.MAINTENANCE,
            static_summary="Tidy up and drive waiting events again",
        ),
    )


def _settlements(settings: Settings) -> Schedule:
    return _every(
        timedelta(seconds=settings.settlement.every_seconds),
        ScheduleActionStartWorkflow(
            SettlementRunWorkflow.run,
            SettlementRun(),
            id="settlements",
            task_queue=TaskQueue.MAINTENANCE,
            static_summary="Settle with every vendor",
        ),
    )


def _catalogue_upkeep(name: str, every: timedelta, *, compare: bool = False) -> Schedule:
    return _every(
        every,
        ScheduleActionStartWorkflow(
            CatalogueUpkeepWorkflow.run,
            Upkeep(compare=compare),
            id=name,
            task_queue=TaskQueue.SEARCH,
            static_summary="Keep the followers of the catalogue, and the index, in order",
        ),
    )


def _reconciliation(settings: Settings, provider: str) -> Schedule:
    return _every(
        timedelta(seconds=settings.reconciliation.every_seconds),
        ScheduleActionStartWorkflow(
            ReconciliationWorkflow.run,
            Reconciliation(provider=provider),
            id=workflow_ids.reconciliation(provider),
            task_queue=TaskQueue.MAINTENANCE,
            static_summary=f"Compare the books of {provider} with ours",
        ),
    )


def _every(interval: timedelta, action: ScheduleAction) -> Schedule:
    """One after the other: who is late is left out."""
    return Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=interval)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )


async def ensure_schedules(client: Client, settings: Settings, providers: Iterable[str]) -> None:
    """Make the server's Schedules those of the code; safe from several processes at once."""
    for schedule_id, schedule in schedules(settings, providers).items():
        try:
            await client.create_schedule(schedule_id, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(schedule_id).update(_Update(schedule))


async def ensure_syncs(client: Client) -> None:
    """Start the workflows that follow the catalogue, unless they run."""
    for consumer in Consumer:
        await client.start_workflow(
            CatalogueSyncWorkflow.run,
            CatalogueSync(consumer=consumer),
            id=workflow_ids.catalogue_sync(consumer),
            task_queue=TaskQueue.SEARCH,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"Keep the {consumer} right",
        )


class _Update:
    """Replaces what a Schedule does and when; whether it is paused stays as people left it."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def __call__(self, present: ScheduleUpdateInput) -> ScheduleUpdate:
        self._schedule.state = present.description.schedule.state
        return ScheduleUpdate(schedule=self._schedule)
