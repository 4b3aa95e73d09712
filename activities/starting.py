"""Workflows that are started by the steps of others: each id once, whoever asks first."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from workflows import incoming, search_attributes, workflow_ids
from workflows.messages import Child, RefundRequest
from workflows.ports.account_messages import AccountMessageRef
from workflows.ports.personal_data import ErasureRef, ErasureRequest, ExportRef
from workflows.ports.refunds import RefundRef
from workflows.ports.settlements import SettlementRequest
from workflows.ports.webhooks import EventRef
from workflows.task_queues import TaskQueue


async def start_unless_it_runs(
    client: Client,
    workflow: str,
    request: Any,
    *,
    workflow_id: str,
    queue: TaskQueue,
    order_id: str | None,
    id_reuse_policy: WorkflowIDReusePolicy,
) -> bool:
    """Start a workflow that works for an order, or for none; tell whether that was needed.

    Raises:
        RPCError: Temporal does not answer.
    """
    try:
        await client.start_workflow(
            workflow,
            request,
            id=workflow_id,
            task_queue=queue,
            id_reuse_policy=id_reuse_policy,
            search_attributes=search_attributes.of_order(order_id) if order_id else None,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def start_event(client: Client, event: EventRef, *, of_carrier: bool = False) -> bool:
    """Start the workflow of an event of the inbox; tell whether it had not run yet."""
    start = incoming.start_of(event, of_carrier=of_carrier)
    return await start_unless_it_runs(
        client,
        start.workflow,
        event,
        workflow_id=start.workflow_id,
        queue=start.task_queue,
        order_id=None,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
    )


async def start_refund(client: Client, refund: RefundRef) -> bool:
    """Start a refund's workflow unless it runs; it may run again after the refund came back."""
    return await start_unless_it_runs(
        client,
        Child.REFUND,
        RefundRequest(order_id=refund.order_id, refund_id=refund.refund_id),
        workflow_id=workflow_ids.refund(refund.refund_id),
        queue=TaskQueue.PAYMENTS,
        order_id=refund.order_id,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )


async def start_erasure(client: Client, ref: ErasureRef) -> bool:
    """Start what forgets a person, unless it runs; tell whether that was needed."""
    return await start_unless_it_runs(
        client,
        Child.ERASURE,
        ErasureRequest(ref=ref),
        workflow_id=workflow_ids.erasure(ref.user_id),
        queue=TaskQueue.MAINTENANCE,
        order_id=None,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )


async def start_export(client: Client, ref: ExportRef) -> bool:
    """Start what hands a person their data, unless it runs; tell whether that was needed."""
    return await start_unless_it_runs(
        client,
        Child.PERSONAL_EXPORT,
        ref,
        workflow_id=workflow_ids.personal_export(ref.export_id),
        queue=TaskQueue.MAINTENANCE,
        order_id=None,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )


async def start_account_message(client: Client, message_id: str) -> bool:
    """Start the sending of a message unless it runs; a message that was sent is not sent again."""
    return await start_unless_it_runs(
        client,
        Child.ACCOUNT_MESSAGE,
        AccountMessageRef(message_id=message_id),
        workflow_id=workflow_ids.account_message(message_id),
        queue=TaskQueue.NOTIFICATIONS,
        order_id=None,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )


async def tell_settlement(client: Client, settlement_id: str) -> None:
    """Tell a settlement that its transfer changed; one that has ended looks at it again."""
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            Child.SETTLEMENT,
            SettlementRequest(settlement_id=settlement_id),
            id=workflow_ids.settlement(settlement_id),
            task_queue=TaskQueue.MAINTENANCE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="transfer_changed",
        )
