"""A run is reset to each of its workflow tasks: one order, one charge, one parcel, same stock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle

from core.domain.ids import Prefix, new_id
from core.settings import Settings
from models.repositories import orders, refunds
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.outside import Outside
from tests.workflows.platform import Platform, running_platform, tuned
from workflows import workflow_ids
from workflows.checkout import CheckoutWorkflow
from workflows.messages import RefundRequest
from workflows.refund import RefundWorkflow
from workflows.task_queues import TaskQueue

TOTAL = 2 * PRICE + SHIPPING


async def tasks_of(handle: WorkflowHandle[Any, Any]) -> list[int]:
    history = await handle.fetch_history()
    return [
        event.event_id
        for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
    ]


async def reset(platform: Platform, workflow_id: str, run_id: str, event_id: int) -> None:
    """Start again from before the end of one workflow task, and wait until the new run ends."""
    await (await begin_again(platform, workflow_id, run_id, event_id)).result()


async def begin_again(
    platform: Platform, workflow_id: str, run_id: str, event_id: int
) -> WorkflowHandle[Any, Any]:
    """Start again from before the end of one workflow task; return the new run."""
    temporal = platform.shop.temporal
    answer = await temporal.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=temporal.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            reason="rehearsal",
            workflow_task_finish_event_id=event_id,
            request_id=new_id(Prefix.AUDIT),
        )
    )
    return temporal.get_workflow_handle(workflow_id, run_id=answer.run_id)


async def latest_run(platform: Platform, workflow_id: str) -> tuple[str, str]:
    """The workflow's id, and that of its run; a reset of its parent may start others."""
    description = await platform.shop.workflow(workflow_id).describe()
    return workflow_id, str(description.run_id)


async def reset_to_each_task(platform: Platform, run: tuple[str, str]) -> int:
    """Do it one after the other; return how many tasks there were."""
    workflow_id, run_id = run
    handle = platform.shop.temporal.get_workflow_handle(workflow_id, run_id=run_id)
    tasks = await tasks_of(handle)
    for event_id in tasks:
        await reset(platform, workflow_id, run_id, event_id)
    return len(tasks)


async def picture(platform: Platform, order_id: str, shelf: Shelf) -> dict[str, Any]:
    """All that a second run could spoil."""
    shop = platform.shop
    order = await shop.order(order_id)
    return {
        "status": (order["status"], order["payment_status"], order["fulfillment_status"]),
        "levels": await shop.levels(shelf),
        "lines": await shop.lines(order_id),
        "events": await shop.events(order_id),
        "charges": await platform.outside.charges(order_id),
        "parcels": [
            (parcel["carrier_shipment_id"], parcel["status"])
            for parcel in await shop.shipments(order_id)
        ],
        "payment": (await shop.payment(order_id))["provider_payment_id"],
        "given back": [row["refunded"] for row in await platform.outside.attempts(order_id)],
    }


@pytest.mark.parametrize(
    ("method", "charge"),
    [
        ("pm_card_visa", [("requires_capture", TOTAL, 0)]),
        ("pm_card_visa_chargeDeclined", [("failed", TOTAL, 0)]),
        ("pm_card_authenticationRequired", [("requires_capture", TOTAL, 0)]),
    ],
    ids=["confirmed", "declined", "challenge"],
)
async def test_checkout_reset_anywhere_changes_nothing(
    platform: Platform, method: str, charge: list[tuple[str, int, int]]
) -> None:
    shop = platform.shop
    shelf = await shop.stock_up(5)
    order_id = await shop.draft(shelf, 2, payment_method=method)
    answer = await shop.place(order_id)
    handle = shop.checkout(order_id)
    if answer.status == "requires_action":
        intent = await platform.outside.intent(order_id)
        await platform.outside.answer_challenge(intent, "succeeded")
        await handle.signal(CheckoutWorkflow.payment_changed)
    outcome = await handle.result()
    if outcome == "confirmed":
        await eventually(lambda: shop.fulfillment_started(order_id))
    before = await picture(platform, order_id, shelf)
    assert before["charges"] == charge

    assert await reset_to_each_task(platform, await latest_run(platform, handle.id)) >= 2
    assert await picture(platform, order_id, shelf) == before


@pytest.mark.parametrize(
    ("method", "taken"), [("AUTH_test_success", TOTAL), ("AUTH_test_declined", 0)]
)
async def test_checkout_at_paystack_reset_anywhere_takes_the_money_once(
    platform: Platform, method: str, taken: int
) -> None:
    shop = platform.shop
    shelf = await shop.stock_up(5)
    order_id = await shop.draft(
        shelf, 2, provider="paystack", payment_method=method, email="ada@example.com"
    )
    await shop.place(order_id)
    if await shop.checkout(order_id).result() == "confirmed":
        await eventually(lambda: shop.fulfillment_started(order_id))
    before = await picture(platform, order_id, shelf)
    attempts = await platform.outside.attempts(order_id, "paystack")
    assert [row["captured"] for row in attempts] == [taken]

    assert (
        await reset_to_each_task(platform, await latest_run(platform, f"checkout/{order_id}")) >= 2
    )
    assert await picture(platform, order_id, shelf) == before
    assert await platform.outside.attempts(order_id, "paystack") == attempts


async def test_fulfillment_parcel_capture_and_refund_reset_anywhere_change_nothing(
    settings: Settings, outside: Outside
) -> None:
    quick = tuned(settings, fulfillment={"handling_seconds": 0, "return_window_seconds": 0})
    await outside.move_parcels_in(0)
    async with running_platform(quick, outside) as platform:
        shop = platform.shop
        shelf = await shop.stock_up(5)
        order_id = await shop.draft(shelf, 2, payment_method="pm_card_pendingRefund")
        await shop.place(order_id)
        await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
        (parcel,) = await shop.shipments(order_id)
        await shop.receive_event(
            "carrier", "shipment.delivered", object_id=parcel["carrier_shipment_id"]
        )
        handle = shop.fulfillment(order_id)
        await eventually(lambda: shop.status(order_id), lambda status: status == "completed")
        assert await handle.result() == "completed"
        refund = await refunded_late(platform, order_id, 1000)
        before = await picture(platform, order_id, shelf)
        assert before["charges"] == [("succeeded", TOTAL, TOTAL)]
        assert (before["levels"], before["given back"]) == ((3, 0), [1000])

        # A parcel starts its capture and a fulfilment its parcel: those are not reset at once.
        payment_id = (await shop.payment(order_id))["id"]
        family = [
            await latest_run(platform, workflow_id)
            for workflow_id in (
                handle.id,
                workflow_ids.shipment(parcel["id"]),
                workflow_ids.capture(payment_id, parcel["number"]),
            )
        ]

        async def one_after_the_other() -> list[int]:
            return [await reset_to_each_task(platform, one) for one in family]

        tasks, of_refund = await asyncio.gather(
            one_after_the_other(),
            reset_to_each_task(platform, await latest_run(platform, refund)),
        )
        assert (min(tasks), of_refund) >= (2, 3), (tasks, of_refund)
        assert await picture(platform, order_id, shelf) == before
        assert await platform.broken_promises() == {}


async def refunded_late(platform: Platform, order_id: str, amount: int) -> str:
    """Give money back by a bank that takes its time; return the workflow's id."""
    shop, refund_id = platform.shop, new_id(Prefix.REFUND)
    async with shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        await refunds.request(
            session, order, refund_id=refund_id, amount=amount, reason="late", actor="staff:test"
        )
    refund = await shop.temporal.start_workflow(
        RefundWorkflow.run,
        RefundRequest(order_id=order_id, refund_id=refund_id),
        id=workflow_ids.refund(refund_id),
        task_queue=TaskQueue.PAYMENTS,
    )
    gateway = platform.resources.payments["stripe"]
    intent = await platform.outside.intent(order_id)
    (sent,) = await eventually(lambda: gateway.find_refunds(intent))
    await platform.outside.settle_refund(sent.provider_refund_id, "succeeded")
    await refund.signal(RefundWorkflow.payment_changed)
    assert await refund.result() == "succeeded"
    return refund.id
