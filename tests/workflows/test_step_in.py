"""A person decides about a parked step: who and why is kept, and of two at once one decides."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from core.domain.statuses import OrderStatus
from models.repositories import audit
from models.repositories.audit import AuditView
from tests.eventually import eventually
from tests.workflows.platform import DAY, SkippingPlatform
from tests.workflows.test_parking import TRIES, parked_checkout, waiting
from workflows import parking, search_attributes
from workflows.checkout import CheckoutWorkflow
from workflows.messages import Action, CancelRequest, Resolution

ADA = "staff:usr_ada"
BOB = "staff:usr_bob"


def decision(action: Action, actor: str = ADA, **more: Any) -> Resolution:
    return Resolution(actor=actor, reason="seen by hand", action=action, **more)


async def audited(skipping: SkippingPlatform, order_id: str) -> Sequence[AuditView]:
    return await audit.list_entries(skipping.shop.database, limit=10, target=order_id)


async def resolved(skipping: SkippingPlatform, order_id: str) -> list[tuple[str, str, str]]:
    return [
        (entry["title"], entry["detail"], entry["actor"])
        for entry in await skipping.shop.timeline(order_id)
        if entry["type"] == "step.resolved"
    ]


async def test_cancel_of_a_parked_authorization_leaves_no_trace(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, answer = await parked_checkout(skipping)
    await skipping.outside.clear_faults()
    checkout = shop.checkout(order_id)

    await checkout.execute_update(CheckoutWorkflow.resolve, decision(Action.CANCEL))

    (entry,) = await audited(skipping, order_id)
    assert (entry.actor, entry.action, entry.reason) == (ADA, "order.step_cancel", "seen by hand")
    assert entry.before is not None
    assert (entry.before["waiting_for"], entry.before["attempts"]) == ("payment authorization", 1)
    assert (await answer).status is OrderStatus.CANCELED
    assert await checkout.result() == "canceled"
    assert await skipping.outside.charges(order_id) == []
    assert await resolved(skipping, order_id) == [
        ("Decided about payment authorization: it is given up", "seen by hand", ADA)
    ]
    (canceled,) = [e for e in await shop.timeline(order_id) if e["type"] == "order.canceled"]
    assert (canceled["actor"], canceled["detail"]) == (ADA, "seen by hand")
    assert await shop.waits(order_id) == []
    assert await shop.lines(order_id) == ["released"]


async def test_skip_of_a_parked_void_ends_the_order(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, answer = await parked_checkout(skipping)
    checkout = shop.checkout(order_id)
    await skipping.outside.break_down("stripe", "*")
    canceling = asyncio.create_task(
        checkout.execute_update(CheckoutWorkflow.cancel, CancelRequest(reason="a mistake"))
    )
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == [])
    await skipping.skip(TRIES)
    mark = await waiting(skipping, order_id, "payment void")
    assert mark["since"].endswith("Z")

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await checkout.execute_update(CheckoutWorkflow.resolve, decision(Action.REFUND))
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.details == ({"state": "payment void", "allowed": ["retry", "skip"]},)
    await checkout.execute_update(
        CheckoutWorkflow.resolve, decision(Action.SKIP, what="payment void")
    )

    assert await canceling == "canceled"
    assert (await answer).status is OrderStatus.CANCELED
    assert (await shop.order(order_id))["waiting_for"] is None
    assert [entry.action for entry in await audited(skipping, order_id)] == ["order.step_skip"]


async def test_of_two_who_decide_at_once_one_is_refused(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, answer = await parked_checkout(skipping)
    await skipping.outside.clear_faults()
    checkout = shop.checkout(order_id)

    outcomes = await asyncio.gather(
        *(
            checkout.execute_update(CheckoutWorkflow.resolve, decision(action, actor))
            for action, actor in ((Action.CANCEL, ADA), (Action.RETRY, BOB))
        ),
        return_exceptions=True,
    )

    # The second is refused by the step that is decided, or finds that the checkout has ended.
    refusals = [o for o in outcomes if isinstance(o, (WorkflowUpdateFailedError, RPCError))]
    assert len(refusals) == 1
    assert outcomes.count(None) == 1
    (entry,) = await audited(skipping, order_id)
    winner = OrderStatus.CANCELED if entry.actor == ADA else OrderStatus.CONFIRMED
    assert (await answer).status is winner
    assert len(await resolved(skipping, order_id)) == 1


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Temporal suggested a fresh run after so many events."""

    def run_is_long() -> bool:
        return workflow.info().get_current_history_length() > LONG

    monkeypatch.setattr(parking, "run_is_long", run_is_long)


LONG = 150


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("short_runs")
async def test_step_parked_for_weeks_goes_on_in_fresh_runs(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, answer = await parked_checkout(skipping)
    checkout = shop.checkout(order_id)
    first_run = (await checkout.describe()).run_id
    since = (await waiting(skipping, order_id, "payment authorization"))["since"]

    await skipping.skip(DAY / 8)

    async def fresh() -> bool:
        return (await checkout.describe()).run_id != first_run

    await eventually(fresh)
    mark = await waiting(skipping, order_id, "payment authorization")
    assert (mark["since"], mark["attempts"] > 20) == (since, True)
    assert (await answer).status is OrderStatus.PENDING
    description = await checkout.describe()
    assert description.history_length < 2 * LONG
    marked = description.typed_search_attributes.get(search_attributes.WAITING_FOR)
    assert marked == "payment authorization"
    assert (await shop.events(order_id)).count("order.parked") == 1

    await skipping.outside.clear_faults()
    await checkout.execute_update(CheckoutWorkflow.retry, decision(Action.RETRY))
    assert await checkout.result() == "confirmed"
    (resumed,) = [e for e in await shop.timeline(order_id) if e["type"] == "order.resumed"]
    assert resumed["actor"] == ADA
    assert len(await skipping.outside.charges(order_id)) == 1
