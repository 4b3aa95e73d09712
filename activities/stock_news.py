"""Tell fulfilments that their orders got stock; news that is lost is told by the housekeeping."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from workflows import workflow_ids

log = structlog.get_logger("activities")


async def tell_fulfillments(temporal: Client, order_ids: Iterable[str]) -> None:
    """Make each fulfilment read its plan again, after the stock was committed to its order.

    Args:
        temporal: the client.
        order_ids: what ``stock_moves.receive`` or ``backorders.allocate_waiting`` returned.
    """
    for order_id in order_ids:
        handle = temporal.get_workflow_handle(workflow_ids.fulfillment(order_id))
        try:
            await handle.signal("shipments_planned")
        except RPCError as error:
            log.warning("stock not told", order_id=order_id, status=error.status.name)
