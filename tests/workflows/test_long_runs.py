"""What lasts for weeks goes on in fresh runs: nothing is lost on the way, no history grows long."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING
from tests.workflows.platform import DAY, HANDLING, Platform, SkippingPlatform
from tests.workflows.test_capture import GIVEN, lapsed
from tests.workflows.test_disputes import EVIDENCE, events, followed
from tests.workflows.test_undelivered import happens, shipped
from tests.workflows.test_vendor_parcels import ask, begun, delivered, reaches
from workflows import parking, steps, workflow_ids
from workflows.messages import CancelRequest, Resolution
from workflows.payment_capture import PaymentCaptureWorkflow

LONG = 120
"""Events after which a fresh run is suggested here; Temporal's own number is in the thousands."""
MARGIN = timedelta(seconds=5)
TOTAL = 2 * PRICE + SHIPPING
ADA = Resolution(actor="staff:usr_1", reason="try now")


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    suggest_after(monkeypatch, LONG)


@pytest.fixture
def shorter_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    suggest_after(monkeypatch, LONG // 4)


def suggest_after(monkeypatch: pytest.MonkeyPatch, events: int) -> None:
    def run_is_long() -> bool:
        return workflow.info().get_current_history_length() > events

    monkeypatch.setattr(parking, "run_is_long", run_is_long)


@pytest.fixture
def rare_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parked step is tried every half day, so that weeks of it take seconds."""
    monkeypatch.setattr(parking, "PARKED_LONGEST_WAIT", DAY / 2)
    monkeypatch.setattr(parking, "PARKED_FIRST_WAIT", DAY / 2)


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parked step is tried all the time, so that there is a fresh run many times a second."""
    monkeypatch.setattr(parking, "PARKED_LONGEST_WAIT", timedelta(milliseconds=10))
    monkeypatch.setattr(parking, "PARKED_FIRST_WAIT", timedelta(milliseconds=10))
    monkeypatch.setattr(steps, "PROVIDER_CALL_RETRIES", RetryPolicy(maximum_attempts=1))


async def lengths(platform: Platform, workflow_id: str, first_run: str) -> list[int]:
    """How many events the runs of a workflow have, from the first one that is given."""
    found: list[int] = []
    run_id: str | None = first_run
    while run_id:
        handle = platform.shop.temporal.get_workflow_handle(workflow_id, run_id=run_id)
        history = await handle.fetch_history()
        found.append(len(history.events))
        last = history.events[-1]
        run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return found


async def run_of(platform: Platform, workflow_id: str) -> str:
    run_id = (await platform.shop.workflow(workflow_id).describe()).run_id
    assert run_id is not None
    return run_id


async def ends_in(
    skipping: SkippingPlatform, order_id: str, duration: timedelta = 15 * DAY
) -> dict[str, Any]:
    """Let the return window pass; the order at its end."""
    await skipping.skip_to_the_end(workflow_ids.fulfillment(order_id), duration)
    return await skipping.shop.order(order_id)


@pytest.mark.usefixtures("rare_tries")
async def test_parcel_whose_carrier_is_down_for_weeks_is_followed_to_the_door(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, _ = await shipped(skipping)
    (parcel,) = await shop.shipments(order_id)
    shipment = workflow_ids.shipment(parcel["id"])
    first_run = await run_of(skipping, shipment)
    await skipping.skip(5 * DAY)
    await skipping.outside.break_down("carrier", "shipments.retrieve")
    await skipping.skip(20 * DAY)
    assert await shop.waits(order_id) == ["tracking"]

    await skipping.outside.clear_faults()
    await shop.workflow(shipment).execute_update("retry", ADA)
    # The deadline for its delivery is that of the first run.
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == ["delivery"])
    await skipping.skip(5 * DAY)
    await happens(skipping, order_id, 1, "delivered")
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    await shop.workflow(shipment).result()
    assert await shop.waits(order_id) == []
    runs = await lengths(skipping, shipment, first_run)
    assert len(runs) > 3
    assert max(runs) < 2 * LONG
    assert (await ends_in(skipping, order_id))["status"] == "completed"
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
    events = await shop.events(order_id)
    assert events.count("shipment.changed") == 2


@pytest.mark.usefixtures("rare_tries")
async def test_hand_over_parked_for_weeks_is_answered_and_done_once(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await begun(skipping)
    (parcel,) = await shop.shipments(order_id)
    shipment = workflow_ids.shipment(parcel["id"])
    first_run = await run_of(skipping, shipment)
    await ask(skipping, order_id, "accept")
    await ask(skipping, order_id, "pack")
    await skipping.outside.break_down("carrier", "shipments.hand_over")
    handing_over = asyncio.create_task(ask(skipping, order_id, "hand_over"))
    await eventually(
        lambda: shop.shipments(order_id), lambda rows: rows[0]["dispatching_at"] is not None
    )
    await skipping.skip(20 * DAY)
    assert (await handing_over).status == "packed"
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await ask(skipping, order_id, "hand_over")
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.details == ({"state": "packed", "allowed": []},)

    await skipping.outside.clear_faults()
    await shop.workflow(shipment).execute_update("retry", ADA)
    await reaches(skipping, order_id, "handed_over")
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
    assert await shop.levels(shelf) == (3, 0)
    runs = await lengths(skipping, shipment, first_run)
    assert len(runs) > 2
    assert max(runs) < 2 * LONG


@pytest.mark.usefixtures("shorter_runs")
async def test_customer_who_pays_after_days_pays_once(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await lapsed(skipping, "pm_card_visa_chargeDeclined")
    await eventually(
        lambda: shop.waits(order_id), lambda waits: waits == ["a new payment from the customer"]
    )
    capture = workflow_ids.capture((await shop.payments(order_id))[0]["id"], 1)
    first_run = await run_of(skipping, capture)
    tries = len(await skipping.outside.attempts(order_id))
    await skipping.skip(5 * DAY)
    assert len(await skipping.outside.attempts(order_id)) == tries
    assert len(await lengths(skipping, capture, first_run)) > 2

    answer = await shop.workflow(capture).execute_update(
        PaymentCaptureWorkflow.provide_payment, GIVEN
    )
    assert answer.status == "authorized"
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    assert await shop.waits(order_id) == []
    paid = [row for row in await skipping.outside.charges(order_id) if row[2]]
    assert paid == [("succeeded", PRICE + SHIPPING, PRICE + SHIPPING)]


async def test_month_of_an_order_passes_in_seconds(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await begun(skipping)
    began = await skipping.now() - HANDLING
    await skipping.skip(timedelta(hours=20))
    await ask(skipping, order_id, "accept")
    await skipping.skip(DAY)
    await ask(skipping, order_id, "pack")
    await skipping.skip(DAY)
    await ask(skipping, order_id, "hand_over")
    await happens(skipping, order_id, 1, "in_transit")
    await skipping.skip(13 * DAY)
    await delivered(skipping, order_id)
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    await skipping.skip(13 * DAY)
    assert await shop.status(order_id) == "delivered"
    assert (await ends_in(skipping, order_id, 2 * DAY))["status"] == "completed"
    assert await skipping.now() - began > 29 * DAY
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
    assert await shop.levels(shelf) == (3, 0)


@pytest.mark.usefixtures("shorter_runs", "restless")
async def test_messages_between_two_runs_are_not_lost(platform: Platform) -> None:
    shop = platform.shop
    order_id = await shop.draft(await shop.stock_up(5), 2)
    await shop.place(order_id)
    await eventually(lambda: shop.fulfillment_started(order_id))
    fulfillment = shop.fulfillment(order_id)
    first_run = await run_of(platform, fulfillment.id)
    await platform.outside.break_down("stripe", "payment_intents.cancel")
    first = CancelRequest(actor="customer:usr_1", reason="the first")
    canceling = asyncio.create_task(fulfillment.execute_update("cancel", first))
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == ["payment void"])

    later = CancelRequest(actor="customer:usr_1", reason="a later one")
    for _ in range(2):
        answers = await asyncio.gather(
            *(fulfillment.execute_update("cancel", later) for _ in range(5))
        )
        assert set(answers) == {"confirmed"}
    assert await canceling == "confirmed"
    decided = await asyncio.gather(
        *(fulfillment.execute_update("retry", ADA) for _ in range(10)), return_exceptions=True
    )
    refused = [one for one in decided if isinstance(one, WorkflowUpdateFailedError)]
    assert len(refused) + decided.count(None) == len(decided)
    assert decided.count(None) > 0
    assert {one.cause.type for one in refused if isinstance(one.cause, ApplicationError)} <= {
        "invalid-state"
    }
    runs = await lengths(platform, fulfillment.id, first_run)
    assert len(runs) > 2

    await platform.outside.clear_faults()
    assert await fulfillment.result() == "canceled"
    (told,) = [one for one in await shop.timeline(order_id) if one["type"] == "order.canceled"]
    assert (told["actor"], told["detail"]) == ("customer:usr_1", "the first")
    assert await platform.outside.charges(order_id) == [("canceled", TOTAL, 0)]


async def test_dispute_of_weeks_keeps_its_deadline_through_fresh_runs(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    case = await followed(skipping, evidence_seconds=12 * 86_400)
    first_run = await run_of(skipping, case.workflow_id)
    await skipping.skip(11 * DAY + DAY / 2)
    assert await shop.waits(case.order_id) == [EVIDENCE]
    await skipping.skip(DAY)
    await skipping.outside.decide_dispute(case.provider_dispute_id, "lost")

    assert await skipping.skip_to_the_end(case.workflow_id, DAY) == "lost"
    assert events(await shop.events(case.order_id)) == [
        "dispute.opened",
        *["dispute.evidence_due"] * 3,
        "dispute.evidence_missed",
        "dispute.lost",
    ]
    runs = await lengths(skipping, case.workflow_id, first_run)
    assert len(runs) > 2
    assert max(runs) < 2 * LONG
