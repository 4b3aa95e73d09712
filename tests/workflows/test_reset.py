"""A run is reset to each of its workflow tasks: one order, one charge, one parcel, same stock."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle

from core.domain.ids import Prefix, new_id
from core.settings import Settings
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.outside import Outside
from tests.workflows.platform import Platform, running_platform, tuned
from workflows.checkout import CheckoutWorkflow

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
    await temporal.get_workflow_handle(workflow_id, run_id=answer.run_id).result()


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

    run_id = str((await handle.describe()).run_id)
    for event_id in await tasks_of(handle):
        await reset(platform, handle.id, run_id, event_id)
        assert await picture(platform, order_id, shelf) == before, event_id


async def test_fulfillment_reset_anywhere_changes_nothing(
    settings: Settings, outside: Outside
) -> None:
    quick = tuned(settings, fulfillment={"handling_seconds": 0, "return_window_seconds": 0})
    await outside.move_parcels_in(0)
    async with running_platform(quick, outside) as platform:
        shop = platform.shop
        shelf = await shop.stock_up(5)
        order_id = await shop.draft(shelf, 2)
        await shop.place(order_id)
        await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
        (parcel,) = await shop.shipments(order_id)
        await shop.receive_event(
            "carrier", "shipment.delivered", object_id=parcel["carrier_shipment_id"]
        )
        handle = shop.fulfillment(order_id)
        await eventually(lambda: shop.status(order_id), lambda status: status == "completed")
        assert await handle.result() == "completed"
        before = await picture(platform, order_id, shelf)
        assert before["charges"] == [("succeeded", TOTAL, TOTAL)]
        assert before["levels"] == (3, 0)

        run_id = str((await handle.describe()).run_id)
        for event_id in await tasks_of(handle):
            await reset(platform, handle.id, run_id, event_id)
            assert await picture(platform, order_id, shelf) == before, event_id
        assert await platform.broken_promises() == {}
