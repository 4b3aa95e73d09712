"""Workflows that are started because somebody noticed that they do not run."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from workflows import search_attributes
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
