"""Canceled at every await: confirmed and authorized once, or nothing reserved and nothing held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowHistory, WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from core.domain.statuses import OrderStatus
from core.settings import Settings
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf, Shop
from tests.workflows.outside import Outside
from tests.workflows.platform import (
    Platform,
    SkippingPlatform,
    running_platform,
    skipping_resources,
    tuned,
)
from workers.runtime import running_pools
from workflows import search_attributes, workflow_ids
from workflows.checkout import CheckoutWorkflow
from workflows.messages import CancelRequest, Checkout
from workflows.task_queues import TaskQueue

TOTAL = 2 * PRICE + SHIPPING
VISA, CHALLENGED = "pm_card_visa", "pm_card_authenticationRequired"
BY_CUSTOMER = CancelRequest(actor="customer:usr_1", reason="changed my mind")
Cancel = Callable[[Shop, str], Awaitable[None]]


async def by_update(shop: Shop, order_id: str) -> None:
    """Ask, and wait only until the workflow has taken the request."""
    await shop.checkout(order_id).start_update(
        CheckoutWorkflow.cancel, BY_CUSTOMER, wait_for_stage=WorkflowUpdateStage.ACCEPTED
    )


async def in_temporal(shop: Shop, order_id: str) -> None:
    await shop.checkout(order_id).cancel()


both_ways = pytest.mark.parametrize("cancel", [by_update, in_temporal], ids=["update", "temporal"])


async def started(skipping: Platform, method: str = VISA) -> tuple[str, Shelf]:
    """A checkout on its way, and nobody who waits for the answer."""
    shelf = await skipping.shop.stock_up(5)
    order_id = await skipping.shop.draft(shelf, 2, payment_method=method)
    await start(skipping.shop, order_id)
    return order_id, shelf


async def start(shop: Shop, order_id: str) -> None:
    await shop.temporal.start_workflow(
        CheckoutWorkflow.run,
        Checkout(order_id=order_id, customer_id=shop.customer_id),
        id=workflow_ids.checkout(order_id),
        task_queue=TaskQueue.CHECKOUT,
    )


async def end_of(skipping: Platform, order_id: str) -> str:
    return str(await asyncio.wait_for(skipping.shop.checkout(order_id).result(), 30))


async def assert_left_no_trace(
    skipping: Platform, order_id: str, shelf: Shelf, cancel: Any = None
) -> None:
    shop = skipping.shop
    order = await shop.order(order_id)
    assert (order["status"], order["payment_status"]) == ("canceled", "voided")
    assert (order["next_action"], order["waiting_for"]) == (None, None)
    assert await shop.levels(shelf) == (5, 0)
    assert set(await shop.lines(order_id)) <= {"released"}
    charges = await skipping.outside.charges(order_id)
    assert charges in ([], [("canceled", TOTAL, 0)])
    entries = [e for e in await shop.timeline(order_id) if e["type"] == "order.canceled"]
    assert len(entries) == 1
    if cancel is by_update:
        assert (entries[0]["actor"], entries[0]["detail"]) == (
            BY_CUSTOMER.actor,
            BY_CUSTOMER.reason,
        )
    assert await shop.shipments(order_id) == []


async def assert_confirmed_once(skipping: Platform, order_id: str, shelf: Shelf) -> None:
    shop = skipping.shop
    assert await shop.status(order_id) == "confirmed"
    assert await shop.levels(shelf) == (5, 2)
    assert await shop.lines(order_id) == ["committed"]
    assert await skipping.outside.charges(order_id) == [("requires_capture", TOTAL, 0)]
    await eventually(lambda: shop.fulfillment_started(order_id))


def calls(history: WorkflowHistory) -> int:
    """How many calls of a provider have been answered."""
    return sum(e.HasField("activity_task_completed_event_attributes") for e in history.events)


async def asked_by_the_bank(skipping: Platform, order_id: str) -> None:
    """Wait until the checkout waits for the challenge: authorized, then asked once more."""
    checkout = skipping.shop.checkout(order_id)
    await eventually(checkout.fetch_history, lambda history: calls(history) == 2)


@asynccontextmanager
async def locked(shop: Shop, sql: str, **values: str) -> AsyncIterator[None]:
    """Rows that a step needs are locked by somebody else while the block runs."""
    async with shop.database.transaction() as session:
        await session.execute(text(sql), values)
        yield


async def somebody_waits_for_a_lock(shop: Shop) -> bool:
    rows = await shop.database.statement(
        text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"), {}
    )
    return bool(rows)


@both_ways
async def test_canceled_before_anything_ran(
    settings: Settings, outside: Outside, cancel: Cancel
) -> None:
    async with skipping_resources(tuned(settings)) as (resources, environment):
        shop = Shop(resources.database, resources.temporal)
        skipping = SkippingPlatform(
            resources=resources, shop=shop, outside=outside, environment=environment
        )
        order_id, shelf = await started(skipping)
        asking = asyncio.ensure_future(cancel(shop, order_id))
        await asyncio.wait([asking], timeout=0.3)
        async with running_pools(resources, list(TaskQueue)):
            assert await end_of(skipping, order_id) == "canceled"
            await asking
            await assert_left_no_trace(skipping, order_id, shelf, cancel)
            # A retry of the customer's request does not bring it back.
            await start(shop, order_id)
            assert await end_of(skipping, order_id) == "canceled"
            await assert_left_no_trace(skipping, order_id, shelf)


@both_ways
async def test_canceled_while_the_stock_is_reserved(
    skipping: SkippingPlatform, cancel: Cancel
) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    order_id = await shop.draft(shelf, 2)
    async with locked(shop, "SELECT 1 FROM stock WHERE sku = :sku FOR UPDATE", sku=shelf.sku):
        await start(shop, order_id)
        await eventually(lambda: somebody_waits_for_a_lock(shop))
        asking = asyncio.ensure_future(cancel(shop, order_id))
        await asyncio.wait([asking], timeout=0.3)
    assert await end_of(skipping, order_id) == "canceled"
    await asking
    await assert_left_no_trace(skipping, order_id, shelf, cancel)


@both_ways
async def test_canceled_while_the_payment_is_authorized(
    skipping: SkippingPlatform, cancel: Cancel
) -> None:
    await skipping.outside.fault("stripe", "payment_intents.create", "latency", latency_ms=600)
    order_id, shelf = await started(skipping)
    await skipping.outside.until_struck()
    await cancel(skipping.shop, order_id)

    assert await end_of(skipping, order_id) == "canceled"
    await assert_left_no_trace(skipping, order_id, shelf, cancel)
    assert await skipping.outside.charges(order_id) == [("canceled", TOTAL, 0)]


@both_ways
async def test_canceled_while_the_outcome_of_the_payment_is_unknown(
    settings: Settings, outside: Outside, cancel: Cancel
) -> None:
    impatient = tuned(settings, stripe={"timeout_seconds": 1.0})
    # The test server forgets an activity that was canceled between two tries.
    async with running_platform(impatient, outside) as skipping:
        await outside.fault("stripe", "payment_intents.create", "timeout_after_effect")
        order_id, shelf = await started(skipping)
        await eventually(lambda: outside.charges(order_id))
        await cancel(skipping.shop, order_id)

        assert await end_of(skipping, order_id) == "canceled"
        await assert_left_no_trace(skipping, order_id, shelf, cancel)
        assert await outside.charges(order_id) == [("canceled", TOTAL, 0)]
        assert "order.parked" not in await skipping.shop.events(order_id)


@both_ways
async def test_canceled_while_parked(skipping: SkippingPlatform, cancel: Cancel) -> None:
    shop = skipping.shop
    await skipping.outside.break_down("stripe", "payment_intents.create")
    order_id, shelf = await started(skipping)
    await eventually(lambda: shop.status(order_id))
    await skipping.skip(timedelta(seconds=4))
    await eventually(lambda: shop.order(order_id), lambda order: order["waiting_for"] is not None)
    await cancel(shop, order_id)

    assert await end_of(skipping, order_id) == "canceled"
    await assert_left_no_trace(skipping, order_id, shelf, cancel)
    description = await shop.checkout(order_id).describe()
    assert description.typed_search_attributes.get(search_attributes.WAITING_FOR) is None


@both_ways
async def test_canceled_while_the_bank_waits_for_its_customer(
    skipping: SkippingPlatform, cancel: Cancel
) -> None:
    shop = skipping.shop
    order_id, shelf = await started(skipping, CHALLENGED)
    await asked_by_the_bank(skipping, order_id)
    await cancel(shop, order_id)

    assert await end_of(skipping, order_id) == "canceled"
    await assert_left_no_trace(skipping, order_id, shelf, cancel)
    assert await skipping.outside.charges(order_id) == [("canceled", TOTAL, 0)]


@both_ways
async def test_canceled_while_the_provider_is_asked_does_not_wait_for_the_deadline(
    skipping: SkippingPlatform, cancel: Cancel
) -> None:
    shop = skipping.shop
    await skipping.outside.fault("stripe", "payment_intents.retrieve", "latency", latency_ms=600)
    order_id, shelf = await started(skipping, CHALLENGED)
    await skipping.outside.until_struck()
    await cancel(shop, order_id)

    assert await end_of(skipping, order_id) == "canceled"
    await assert_left_no_trace(skipping, order_id, shelf, cancel)
    assert await skipping.outside.charges(order_id) == [("canceled", TOTAL, 0)]


@both_ways
async def test_canceled_after_the_challenge_was_passed_but_before_that_was_known(
    skipping: SkippingPlatform, cancel: Cancel
) -> None:
    shop = skipping.shop
    order_id, shelf = await started(skipping, CHALLENGED)
    await asked_by_the_bank(skipping, order_id)
    await skipping.outside.answer_challenge(await skipping.outside.intent(order_id), "succeeded")
    await cancel(shop, order_id)

    assert await end_of(skipping, order_id) == "canceled"
    await assert_left_no_trace(skipping, order_id, shelf, cancel)
    assert await skipping.outside.charges(order_id) == [("canceled", TOTAL, 0)]


@both_ways
async def test_canceled_while_the_order_is_confirmed_is_too_late(
    skipping: SkippingPlatform, cancel: Cancel
) -> None:
    shop = skipping.shop
    await skipping.outside.fault("stripe", "payment_intents.create", "latency", latency_ms=400)
    order_id, shelf = await started(skipping)
    await skipping.outside.until_struck()
    async with locked(shop, "SELECT 1 FROM orders WHERE id = :id FOR UPDATE", id=order_id):
        await eventually(lambda: somebody_waits_for_a_lock(shop))
        asking = asyncio.ensure_future(cancel(shop, order_id))
        await asyncio.wait([asking], timeout=0.3)
    assert await end_of(skipping, order_id) == "confirmed"
    await asyncio.gather(asking, return_exceptions=True)
    await assert_confirmed_once(skipping, order_id, shelf)


async def test_cancel_of_an_order_that_wins_the_race_is_refused_with_its_state(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    await skipping.outside.fault("stripe", "payment_intents.create", "latency", latency_ms=400)
    order_id, shelf = await started(skipping)
    await skipping.outside.until_struck()
    async with locked(shop, "SELECT 1 FROM orders WHERE id = :id FOR UPDATE", id=order_id):
        await eventually(lambda: somebody_waits_for_a_lock(shop))
        asking = asyncio.ensure_future(
            shop.checkout(order_id).execute_update(CheckoutWorkflow.cancel, BY_CUSTOMER)
        )
        await asyncio.wait([asking], timeout=0.3)
    try:
        await asking
    except WorkflowUpdateFailedError as error:
        assert isinstance(error.cause, ApplicationError)  # noqa: PT017  # or the workflow had ended
        assert error.cause.type == "invalid-state"  # noqa: PT017
    except RPCError:
        pass
    else:
        pytest.fail("a confirmed order was reported as canceled")
    await assert_confirmed_once(skipping, order_id, shelf)


async def test_cancel_returns_when_everything_is_undone(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await started(skipping, CHALLENGED)
    await asked_by_the_bank(skipping, order_id)
    status = await shop.checkout(order_id).execute_update(CheckoutWorkflow.cancel, BY_CUSTOMER)
    assert status is OrderStatus.CANCELED
    await assert_left_no_trace(skipping, order_id, shelf, by_update)


@both_ways
async def test_canceled_while_the_provider_is_down_waits_for_the_void(
    skipping: SkippingPlatform, cancel: Cancel
) -> None:
    shop = skipping.shop
    order_id, shelf = await started(skipping, CHALLENGED)
    await asked_by_the_bank(skipping, order_id)
    await skipping.outside.break_down("stripe", "*")
    await cancel(shop, order_id)
    await skipping.skip(timedelta(seconds=4))
    order = await eventually(
        lambda: shop.order(order_id), lambda order: order["waiting_for"] is not None
    )
    assert order["waiting_for"]["what"] == "payment void"
    assert (order["status"], await shop.levels(shelf)) == ("requires_action", (5, 2))

    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(seconds=6))
    assert await end_of(skipping, order_id) == "canceled"
    await assert_left_no_trace(skipping, order_id, shelf, cancel)
