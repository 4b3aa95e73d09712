"""A confirmed order is canceled until its shipping begins, by either way, and then no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from core.domain.statuses import OrderStatus
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.platform import HANDLING, SkippingPlatform
from workflows.fulfillment import FulfillmentWorkflow
from workflows.messages import CancelRequest

TOTAL = 2 * PRICE + SHIPPING
BY_STAFF = CancelRequest(actor="staff:usr_1", reason="a mistake")


async def confirmed(skipping: SkippingPlatform) -> tuple[str, Shelf]:
    shelf = await skipping.shop.stock_up(5)
    order_id = await skipping.shop.draft(shelf, 2)
    await skipping.shop.place(order_id)
    await eventually(lambda: skipping.shop.fulfillment_started(order_id))
    return order_id, shelf


@pytest.mark.parametrize("by_update", [True, False], ids=["update", "temporal"])
async def test_canceled_during_handling_voids_and_releases(
    skipping: SkippingPlatform, *, by_update: bool
) -> None:
    shop = skipping.shop
    order_id, shelf = await confirmed(skipping)
    fulfillment = shop.fulfillment(order_id)
    if by_update:
        status = await fulfillment.execute_update(FulfillmentWorkflow.cancel, BY_STAFF)
        assert status is OrderStatus.CANCELED
    else:
        await fulfillment.cancel()
    await eventually(lambda: shop.status(order_id), lambda status: status == "canceled")
    assert (await shop.order(order_id))["payment_status"] == "voided"
    assert await shop.levels(shelf) == (5, 0)
    assert await shop.lines(order_id) == ["released"]
    assert await shop.shipments(order_id) == []
    assert await skipping.outside.charges(order_id) == [("canceled", TOTAL, 0)]


async def test_cancel_once_shipping_began_is_refused(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await confirmed(skipping)
    await skipping.skip(HANDLING + timedelta(seconds=5))
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await shop.fulfillment(order_id).execute_update(FulfillmentWorkflow.cancel, BY_STAFF)
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "invalid-state"
    await shop.fulfillment(order_id).cancel()
    assert await shop.status(order_id) == "shipped"
    assert await shop.levels(shelf) == (3, 0)
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
