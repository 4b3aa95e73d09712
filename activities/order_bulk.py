"""The same wish for many orders: the workflow of each is asked, and decides.

What a workflow is asked carries an id of the job and the order, so an order that is asked again
after a crash has been asked once.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.job_parts import Stretch
from core.domain.catalogue_rows import Fault
from core.domain.errors import UnavailableError
from core.domain.jobs import OrderDeed
from core.domain.statuses import OrderStatus
from models.repositories import order_bulk
from workflows import workflow_ids
from workflows.messages import CancelRequest, ReviewRequest

_ORDERS_AT_ONCE = 5
_PATIENCE_SECONDS = 8.0
"""An order that takes longer goes on by itself."""

_BETWEEN_WORKFLOWS_SECONDS = 0.2
_LOOKS = 3
"""Between a checkout that ends and its fulfilment there can be a moment of neither."""

_IN_CHECKOUT = frozenset({OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION})
_IN_FULFILLMENT = frozenset({OrderStatus.CONFIRMED, OrderStatus.PROCESSING})


class OrderChanges:
    """Asks the workflows of orders, some at a time."""

    def __init__(self, temporal: Client) -> None:
        self._temporal = temporal

    async def __call__(self, stretch: Stretch) -> bool:
        ids = stretch.job.parameters["ids"]
        while stretch.position < len(ids):
            start = stretch.position
            batch = ids[start : start + _ORDERS_AT_ONCE]
            refused = await asyncio.gather(*(self._ask(stretch, order_id) for order_id in batch))
            async with stretch.part(start + len(batch)) as part:
                part.faults = [
                    Fault(line=start + number, field="id", detail=detail, value=order_id)
                    for number, (order_id, detail) in enumerate(
                        zip(batch, refused, strict=True), start=1
                    )
                    if detail is not None
                ]
                part.failed_rows = len(part.faults)
                part.done_rows = len(batch) - len(part.faults)
            if stretch.is_over():
                return False
        return True

    async def _ask(self, stretch: Stretch, order_id: str) -> str | None:
        """Return why an order stays as it is, in words, or None."""
        deed = OrderDeed(stretch.job.parameters["action"])
        for _ in range(_LOOKS):
            status = await order_bulk.status_of(stretch.database, order_id)
            if status is None:
                return "there is no such order"
            if status is OrderStatus.CANCELED and deed is OrderDeed.CANCEL:
                return None  # perhaps by the attempt before, which could not write it down
            workflow_id = _workflow_of(order_id, status, deed)
            if workflow_id is None:
                return f"the state is {status}; {deed} is not possible"
            found, refusal = await self._send(stretch, order_id, workflow_id, deed)
            if found:
                return refusal
            await asyncio.sleep(_BETWEEN_WORKFLOWS_SECONDS)
        return "its workflow does not run"

    async def _send(
        self, stretch: Stretch, order_id: str, workflow_id: str, deed: OrderDeed
    ) -> tuple[bool, str | None]:
        """Tell whether there is the workflow, and why it said no.

        Raises:
            UnavailableError: Temporal does not answer.
        """
        handle = self._temporal.get_workflow_handle(workflow_id)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await handle.execute_update(
                    deed.value,
                    _request(stretch, deed),
                    id=_update_id(stretch.job.id, order_id, deed),
                )
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == "invalid-state":
                return True, cause.message
            return False, None
        except (TimeoutError, RPCTimeoutOrCancelledError):
            _leave_if_canceled()
            return True, "it is under way and goes on by itself: look at the order"
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False, None
            raise UnavailableError("the workflow engine does not answer") from error
        return True, None


def _workflow_of(order_id: str, status: OrderStatus, deed: OrderDeed) -> str | None:
    if status in _IN_FULFILLMENT:
        return workflow_ids.fulfillment(order_id)
    if status in _IN_CHECKOUT and deed is OrderDeed.CANCEL:
        return workflow_ids.checkout(order_id)
    return None


def _request(stretch: Stretch, deed: OrderDeed) -> Any:
    who = {"actor": stretch.job.actor, "reason": stretch.job.parameters["reason"]}
    return CancelRequest(**who) if deed is OrderDeed.CANCEL else ReviewRequest(**who)


def _update_id(job_id: str, order_id: str, deed: OrderDeed) -> str:
    """One update for one order of a job, however often it is sent."""
    return f"{deed}-" + hashlib.sha256(f"{job_id}\x1f{order_id}".encode()).hexdigest()[:16]


def _leave_if_canceled() -> None:
    task = asyncio.current_task()
    if task is not None and task.cancelling() > 0:
        raise asyncio.CancelledError
