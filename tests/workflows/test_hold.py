"""Units held before there is an order: until the deadline, the release, or a checkout."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from core.domain.errors import Shortage
from core.domain.ids import Prefix, new_id
from core.domain.statuses import HoldStatus, OrderStatus
from tests.eventually import eventually
from tests.workflows.platform import SkippingPlatform
from workflows import workflow_ids
from workflows.stock_reservation import StockReservationWorkflow

TTL = timedelta(minutes=10)


async def ended(skipping: SkippingPlatform, hold_id: str) -> str:
    """Wait for the end of the hold's workflow; return its result."""
    return str(await skipping.shop.workflow(workflow_ids.hold(hold_id)).result())


async def test_hold_is_kept_until_its_deadline_and_then_expires(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    hold_id, placed = await shop.hold(shelf, 3)
    assert (placed.status, tuple(placed.shortages)) == (HoldStatus.ACTIVE, ())
    assert await shop.levels(shelf) == (5, 3)

    await skipping.skip(TTL - timedelta(seconds=5))
    assert await shop.levels(shelf) == (5, 3)
    assert await shop.hold_status(hold_id) == "active"

    await skipping.skip(timedelta(seconds=10))
    assert await ended(skipping, hold_id) == "expired"
    assert await shop.levels(shelf) == (5, 0)
    assert await shop.hold_status(hold_id) == "expired"


async def test_hold_of_more_than_there_is_holds_nothing_and_tells_what_there_is(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(2)
    hold_id, placed = await shop.hold(shelf, 3)

    assert placed.status is HoldStatus.RELEASED
    assert list(placed.shortages) == [Shortage(sku=shelf.sku, requested=3, available=2)]
    assert await ended(skipping, hold_id) == "released"
    assert await shop.levels(shelf) == (2, 0)


async def test_released_hold_gives_its_units_back_at_once(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    hold_id, _ = await shop.hold(shelf, 3)
    hold = shop.workflow(workflow_ids.hold(hold_id))

    released = await hold.execute_update(StockReservationWorkflow.release)

    assert released is HoldStatus.RELEASED
    assert await ended(skipping, hold_id) == "released"
    assert await shop.levels(shelf) == (5, 0)
    with pytest.raises(RPCError):
        await hold.execute_update(StockReservationWorkflow.release)


async def test_hold_canceled_in_temporal_keeps_its_promise(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    hold_id, _ = await shop.hold(shelf, 3)
    hold = shop.workflow(workflow_ids.hold(hold_id))

    await hold.cancel()
    await skipping.skip(TTL - timedelta(seconds=5))
    assert await shop.levels(shelf) == (5, 3)

    await skipping.skip(timedelta(seconds=10))
    assert await ended(skipping, hold_id) == "expired"
    assert await shop.levels(shelf) == (5, 0)


async def test_checkout_consumes_the_hold_and_its_workflow_ends(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(3)
    hold_id, _ = await shop.hold(shelf, 3)
    order_id = await shop.draft(shelf, 3, hold_id=hold_id)

    assert (await shop.place(order_id)).status is OrderStatus.CONFIRMED

    assert await ended(skipping, hold_id) == "consumed"
    assert await shop.hold_status(hold_id) == "consumed"
    await skipping.skip(TTL)
    assert await shop.levels(shelf) == (3, 3)
    assert await shop.lines(order_id) == ["committed"]


async def test_checkout_that_consumed_a_hold_and_was_declined_gives_the_units_back(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(3)
    hold_id, _ = await shop.hold(shelf, 3)
    order_id = await shop.draft(
        shelf, 3, hold_id=hold_id, payment_method="pm_card_visa_chargeDeclined"
    )

    assert (await shop.place(order_id)).status is OrderStatus.FAILED

    assert await ended(skipping, hold_id) == "consumed"
    assert await shop.levels(shelf) == (3, 0)


async def test_checkout_with_an_expired_hold_reserves_afresh(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(3)
    hold_id, _ = await shop.hold(shelf, 3)
    order_id = await shop.draft(shelf, 3, hold_id=hold_id)
    await skipping.skip(TTL + timedelta(seconds=5))
    assert await ended(skipping, hold_id) == "expired"

    assert (await shop.place(order_id)).status is OrderStatus.CONFIRMED

    assert await shop.hold_status(hold_id) == "expired"
    assert await shop.levels(shelf) == (3, 3)


async def test_checkout_of_another_cart_than_the_hold_leaves_the_hold_alone(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(3)
    hold_id, _ = await shop.hold(shelf, 2)
    order_id = await shop.draft(shelf, 3, hold_id=hold_id)

    assert (await shop.place(order_id)).status is OrderStatus.FAILED

    assert (await shop.order(order_id))["failure"] == {
        "code": "out-of-stock",
        "items": [{"sku": shelf.sku, "requested": 3, "available": 1}],
    }
    await eventually(lambda: outcome_is_known(skipping, order_id))
    assert await shop.hold_status(hold_id) == "active"
    assert await shop.levels(shelf) == (3, 2)


async def test_hold_of_somebody_else_is_left_alone(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(3)
    hold_id, _ = await shop.hold(shelf, 3)
    shop.customer_id = new_id(Prefix.USER)
    order_id = await shop.draft(shelf, 3, hold_id=hold_id)

    assert (await shop.place(order_id)).status is OrderStatus.FAILED

    await eventually(lambda: outcome_is_known(skipping, order_id))
    assert await shop.hold_status(hold_id) == "active"
    assert await shop.levels(shelf) == (3, 3)


async def test_hold_that_ended_refuses_a_release(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(1)
    hold_id, _ = await shop.hold(shelf, 1)
    hold = shop.workflow(workflow_ids.hold(hold_id))
    order_id = await shop.draft(shelf, 1, hold_id=hold_id)
    await shop.place(order_id)

    try:
        released = await hold.execute_update(StockReservationWorkflow.release)
    except WorkflowUpdateFailedError as error:
        assert isinstance(error.cause, ApplicationError)  # noqa: PT017  # one of three outcomes
        assert error.cause.type == "invalid-state"  # noqa: PT017
    except RPCError:
        pass  # the workflow had ended
    else:
        assert released is HoldStatus.CONSUMED
    assert await shop.levels(shelf) == (1, 1)


async def outcome_is_known(skipping: SkippingPlatform, order_id: str) -> bool:
    """Tell whether the checkout's workflow has ended, and with it what it tells a hold."""
    description = await skipping.shop.checkout(order_id).describe()
    return description.close_time is not None
