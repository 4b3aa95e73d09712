"""Which workflow has an unfinished order in its hands, and whether it runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from core.domain.statuses import OrderStatus
from workflows import search_attributes, workflow_ids

UNFINISHED = (
    OrderStatus.PENDING,
    OrderStatus.REQUIRES_ACTION,
    OrderStatus.CONFIRMED,
    OrderStatus.PROCESSING,
    OrderStatus.SHIPPED,
    OrderStatus.DELIVERED,
)


def workflows_of(order_id: str, status: OrderStatus) -> tuple[str, ...]:
    """One of these runs: a checkout starts the fulfilment after it has confirmed."""
    checkout = workflow_ids.checkout(order_id)
    if status in {OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION}:
        return (checkout,)
    fulfillment = workflow_ids.fulfillment(order_id)
    return (fulfillment, checkout) if status is OrderStatus.CONFIRMED else (fulfillment,)


async def running_of(client: Client, order_ids: Sequence[str]) -> set[str]:
    """Return the ids of workflows that run for some orders, as the list has them: it lags behind.

    Raises:
        RPCError: Temporal is down.
    """
    listed = ", ".join(f"'{order_id}'" for order_id in order_ids)
    query = f"ExecutionStatus = 'Running' AND {search_attributes.ORDER_ID.name} IN ({listed})"
    return {execution.id async for execution in client.list_workflows(query)}


async def any_runs(client: Client, ids: Iterable[str]) -> bool:
    """Ask for workflows by their ids; tell whether one of them runs.

    Raises:
        RPCError: Temporal is down.
    """
    for workflow_id in ids:
        try:
            description = await client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        else:
            if description.status is WorkflowExecutionStatus.RUNNING:
                return True
    return False
