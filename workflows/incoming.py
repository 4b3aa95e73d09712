"""How an event of the inbox gets its workflow, whoever starts it: webhook, poller, housekeeping."""

from __future__ import annotations

from dataclasses import dataclass

from workflows import workflow_ids
from workflows.ports.webhooks import EventRef
from workflows.task_queues import TaskQueue


@dataclass(frozen=True, kw_only=True, slots=True)
class EventStart:
    """A workflow that runs once for ever: its id is the provider's id of the event."""

    workflow: str
    workflow_id: str
    task_queue: TaskQueue


def start_of(event: EventRef, *, of_carrier: bool = False) -> EventStart:
    """Name the workflow of an event."""
    return EventStart(
        workflow="CarrierEventWorkflow" if of_carrier else "PaymentEventWorkflow",
        workflow_id=workflow_ids.webhook(event.provider, event.event_id),
        task_queue=TaskQueue.FULFILLMENT if of_carrier else TaskQueue.PAYMENTS,
    )
