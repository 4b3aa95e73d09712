"""Workflows that a bad release has hit go back to before it; nothing is done twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.statuses import OrderStatus
from deploy.ops import resets, steps
from deploy.ops.explain import explain, find_id
from deploy.ops.resets import Planned, Selection
from models.repositories import audit
from models.repositories.oversight_views import WaitView
from tests.eventually import eventually
from tests.workflows.platform import Platform
from workflows import workflow_ids
from workflows.messages import Checkout
from workflows.task_queues import TaskQueue

CHALLENGE = "pm_card_authenticationRequired"
OPERATOR = "operator:ada"


async def challenged(platform: Platform) -> str:
    shop = platform.shop
    order_id = await shop.draft(await shop.stock_up(1), payment_method=CHALLENGE)
    assert (await shop.place(order_id)).status is OrderStatus.REQUIRES_ACTION
    return order_id


async def plan_of(platform: Platform, order_id: str, selection: Selection) -> list[Planned]:
    """The plan for one order's checkout; other tests have theirs on the same server."""
    planned = await resets.plan(platform.resources, selection)
    return [one for one in planned if one.run.order_id == order_id]


async def test_reset_to_before_a_release_keeps_the_order_and_is_audited(
    platform: Platform,
) -> None:
    shop = platform.shop
    began = datetime.now(UTC) - timedelta(seconds=1)
    order_id = await challenged(platform)
    checkout = shop.checkout(order_id)
    selection = Selection(workflow_type="CheckoutWorkflow", since=began)

    async def plan() -> list[Planned]:
        return await plan_of(platform, order_id, selection)

    planned = await eventually(plan)
    history = await checkout.fetch_history()
    first = next(
        event.event_id
        for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
    )
    assert [one.event_id for one in planned] == [first]
    told: list[str] = []
    done = await resets.carry_out(
        platform.resources,
        planned,
        actor=OPERATOR,
        reason="release 7",
        report=lambda _, outcome: told.append(outcome),
    )

    assert done == 1
    run_id = (await checkout.describe()).run_id
    assert told == [f"reset; it goes on as run {run_id}"]
    assert run_id != planned[0].run.run_id
    (entry,) = await audit.list_entries(shop.database, limit=9, target=order_id)
    assert (entry.actor, entry.action, entry.after) == (
        OPERATOR,
        "workflow.reset",
        {"run_id": run_id},
    )
    intent = await platform.outside.intent(order_id)
    await platform.outside.answer_challenge(intent, "succeeded")
    await checkout.signal("payment_changed")
    assert await checkout.result() == "confirmed"
    assert len(await platform.outside.charges(order_id)) == 1


@pytest.mark.parametrize(
    "selection",
    [
        Selection(workflow_type="CheckoutWorkflow"),
        Selection(workflow_type="CheckoutWorkflow", build_id="never-deployed"),
        Selection(workflow_type="CheckoutWorkflow", since=datetime(2999, 1, 1, tzinfo=UTC)),
    ],
    ids=["not_failing", "another_build", "not_since"],
)
async def test_workflow_that_the_release_did_not_touch_is_not_reset(
    platform: Platform, selection: Selection
) -> None:
    order_id = await challenged(platform)

    assert await plan_of(platform, order_id, selection) == []


async def test_all_that_wait_for_one_cause_are_tried_again(platform: Platform) -> None:
    shop = platform.shop
    await platform.outside.break_down("stripe", "*")
    shelf = await shop.stock_up(2)
    order_ids = [await shop.draft(shelf) for _ in range(2)]
    for order_id in order_ids:
        await platform.resources.temporal.start_workflow(
            "CheckoutWorkflow",
            Checkout(order_id=order_id, customer_id=shop.customer_id),
            id=workflow_ids.checkout(order_id),
            task_queue=TaskQueue.CHECKOUT,
        )

    async def waits() -> list[WaitView]:
        return await steps.find_retriable(platform.resources, "PAYMENT AUTHORIZATION")

    found = await eventually(waits, lambda seen: len(seen) == 2)
    number = (await shop.order(order_ids[0]))["number"]
    assert await find_id(platform.resources, f"P-{number}") == order_ids[0]
    lines = await explain(platform.resources, order_ids[0])
    assert lines[0].startswith(f"Order P-{number} ({order_ids[0]}) of ")
    assert "Why it does not go on" in lines
    await platform.outside.clear_faults()
    told: dict[str, str] = {}

    took = await steps.retry_all(
        platform.resources,
        found,
        actor=OPERATOR,
        reason="the provider is back",
        report=lambda wait, outcome: told.update({wait.order_id: outcome}),
    )

    assert (took, told) == (2, dict.fromkeys(order_ids, "decided"))
    for order_id in order_ids:
        assert await shop.checkout(order_id).result() == "confirmed"
        (resumed,) = [e for e in await shop.timeline(order_id) if e["type"] == "order.resumed"]
        assert (resumed["actor"], resumed["detail"]) == (OPERATOR, "the provider is back")
