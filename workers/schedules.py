"""The Schedules, as code: created when they are missing, updated when they differ."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from workflows.event_poll import EventPollWorkflow
from workflows.housekeeping import HousekeepingWorkflow
from workflows.ports.event_poll import EventPoll
from workflows.ports.housekeeping import Housekeeping
from workflows.task_queues import TaskQueue


def schedules() -> dict[str, Schedule]:
    """Every Schedule of the platform by its id."""
    return {
        "event-poll": Schedule(
            action=ScheduleActionStartWorkflow(
                EventPollWorkflow.run,
                EventPoll(),
                id="event-poll",
                task_queue=TaskQueue.MAINTENANCE,
                static_summary="Ask the providers for events that never arrived",
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(minutes=1))]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
        ),
        "housekeeping": Schedule(
            action=ScheduleActionStartWorkflow(
                HousekeepingWorkflow.run,
                Housekeeping(),
                id="housekeeping",
                task_queue=TaskQueue.MAINTENANCE,
                static_summary="Tidy up and drive waiting events again",
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(minutes=5))]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
        ),
    }


async def ensure_schedules(client: Client) -> None:
    """Make the server's Schedules those of the code; safe from several processes at once."""
    for schedule_id, schedule in schedules().items():
        try:
            await client.create_schedule(schedule_id, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(schedule_id).update(_Update(schedule))


class _Update:
    """Replaces what a Schedule does and when; whether it is paused stays as people left it."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def __call__(self, present: ScheduleUpdateInput) -> ScheduleUpdate:
        self._schedule.state = present.description.schedule.state
        return ScheduleUpdate(schedule=self._schedule)
