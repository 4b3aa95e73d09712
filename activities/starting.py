"""Starts of workflows by the steps of others: each id once, whoever asks first."""

from __future__ import annotations

from contextlib import suppress

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from workflows import incoming, search_attributes, workflow_ids
from workflows.messages import Child, RefundRequest
from workflows.ports.refunds import RefundRef
from workflows.ports.webhooks import EventRef
from workflows.task_queues import TaskQueue


async def start_event(client: Client, event: EventRef, *, of_carrier: bool = False) -> bool:
    """Start the workflow of an event of the inbox; tell whether it had not run yet."""
    start = incoming.start_of(event, of_carrier=of_carrier)
    try:
        await client.start_workflow(
            start.workflow,
            event,
            id=start.workflow_id,
            task_queue=start.task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def start_refund(client: Client, refund: RefundRef) -> bool:
    """Start a refund's workflow unless it runs; it may run again after the refund failed late."""
    try:
        await client.start_workflow(
            Child.REFUND,
            RefundRequest(order_id=refund.order_id, refund_id=refund.refund_id),
            id=workflow_ids.refund(refund.refund_id),
            task_queue=TaskQueue.PAYMENTS,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            search_attributes=search_attributes.of_order(refund.order_id),
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def tell_settlement(client: Client, settlement_id: str) -> None:
    """Tell a settlement that its transfer changed; one that has ended looks at it again."""
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            Child.SETTLEMENT,
            {"settlement_id": settlement_id},
            id=workflow_ids.settlement(settlement_id),
            task_queue=TaskQueue.MAINTENANCE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="transfer_changed",
        )
