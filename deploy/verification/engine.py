"""Is every unfinished order in the hands of a workflow, and has none of them failed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.client import Client

from activities.order_workflows import any_runs, workflows_of
from core.domain.statuses import OrderStatus
from deploy.verification.report import Check

_RUNNING = (
    "ExecutionStatus = 'Running' AND WorkflowType IN ('CheckoutWorkflow', 'FulfillmentWorkflow')"
)
_FAILED = "ExecutionStatus IN ('Failed', 'TimedOut')"


@dataclass(frozen=True, kw_only=True)
class UnfinishedOrder:
    order_id: str
    status: OrderStatus

    def workflow_ids(self) -> tuple[str, ...]:
        return workflows_of(self.order_id, self.status)


async def check_workflows(client: Client, orders: Sequence[UnfinishedOrder]) -> list[Check]:
    """Compare unfinished orders with the workflows that run.

    The list of workflows lags behind, so an order that it misses is asked for by its id.

    Raises:
        RPCError: Temporal is down.
    """
    running = {execution.id async for execution in client.list_workflows(_RUNNING)}
    lost = [
        {"order_id": order.order_id, "status": order.status, "workflow": order.workflow_ids()[0]}
        for order in orders
        if running.isdisjoint(order.workflow_ids())
        and not await any_runs(client, order.workflow_ids())
    ]
    failed = [
        {
            "workflow": execution.id,
            "run_id": execution.run_id,
            "type": execution.workflow_type,
            "status": execution.status.name if execution.status else None,
            "closed_at": execution.close_time,
        }
        async for execution in client.list_workflows(_FAILED)
    ]
    return [
        Check(
            name="unfinished_order_has_workflow",
            promise="every unfinished order has a running workflow",
            broken=lost,
        ),
        Check(name="no_failed_workflow", promise="no workflow ended as failed", broken=failed),
    ]
