"""Refunds by staff, and the customer's other card when an authorization has lapsed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from activities.captures import GatewayCaptureActivities
from activities.fulfillment import PostgresFulfillmentActivities
from api.schemas.orders import Order
from core.domain.ids import Prefix, derived_id, new_id
from tests.contract.sandbox import Control
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import PRICE, SHIPPING
from workflows import workflow_ids
from workflows.messages import NEW_PAYMENT, PaymentCapture
from workflows.payment_capture import PaymentCaptureWorkflow
from workflows.ports.captures import PlanCapture
from workflows.ports.fulfillment import OrderRef
from workflows.task_queues import TaskQueue

pytestmark = pytest.mark.usefixtures("workers")
TAX = 360  # 8 % of 2 * 1999 + 500, half away from zero
TOTAL = 2 * PRICE + SHIPPING + TAX


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


async def bought(world: World, customer: Person) -> dict[str, Any]:
    shelf = await world.shop.stock_up(5)
    answer = await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, items=[{"sku": shelf.sku, "quantity": 2}]),
        headers={**customer.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def planned(world: World, order_id: str) -> str:
    """Plan the order's only parcel before its time; return its id."""
    resources = world.resources
    fulfillment = PostgresFulfillmentActivities(resources.database, resources.settings.fulfillment)
    await ActivityEnvironment().run(fulfillment.plan_fulfillment, OrderRef(order_id=order_id))
    (parcel,) = await world.shop.shipments(order_id)
    return str(parcel["id"])


async def paid(world: World, customer: Person) -> dict[str, Any]:
    """An order whose parcel is paid for before it leaves."""
    order = await bought(world, customer)
    captures = GatewayCaptureActivities(world.database, world.resources.payments)
    step = PlanCapture(
        order_id=order["id"],
        shipment_id=await planned(world, order["id"]),
        number=1,
        now=datetime.now(UTC),
    )
    plan = await ActivityEnvironment().run(captures.plan_capture, step)
    assert plan.amount == TOTAL
    for part in plan.parts:
        await ActivityEnvironment().run(captures.capture_part, part)
    return order


async def refund(
    world: World, staff: Person, order_id: str, key: str | None = None, **body: Any
) -> httpx.Response:
    return await world.client.post(
        f"/v1/admin/orders/{order_id}/refund",
        json={"reason": "a scratch", **body},
        headers={**staff.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)},
    )


async def pay(
    world: World, person: Person, order_id: str, payment_method: str, key: str | None = None
) -> httpx.Response:
    return await world.client.post(
        f"/v1/orders/{order_id}/payment",
        json={"payment": {"provider": "stripe", "payment_method": payment_method}},
        headers={**person.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)},
    )


async def test_refund_of_an_amount_is_shown_and_audited_once(
    world: World, customer: Person, staff: Person
) -> None:
    order = await paid(world, customer)
    key = new_id(Prefix.EVENT)
    answer = await refund(world, staff, order["id"], key, amount=500)

    assert answer.status_code == 200, answer.text
    shown = Order.model_validate_json(answer.content)
    assert shown.payment_status == "partially_refunded"
    assert [(one.amount.amount, one.status, one.reason) for one in shown.refunds] == [
        (500, "succeeded", "a scratch")
    ]
    again = await refund(world, staff, order["id"], key, amount=500)
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")
    other = await refund(world, staff, order["id"], key, amount=501)
    assert other.status_code == 422
    own = await world.client.get(f"/v1/orders/{order['id']}", headers=customer.headers)
    assert len(own.json()["refunds"]) == 1
    log = await world.client.get(
        "/v1/admin/audit-log", params={"target": order["id"]}, headers=staff.headers
    )
    (entry,) = log.json()["data"]
    assert (entry["action"], entry["actor"]) == ("order.refunded", f"staff:{staff.user_id}")
    assert entry["after"]["amount"] == 500


async def test_units_are_refunded_at_their_price_and_only_once(
    world: World, customer: Person, staff: Person
) -> None:
    order = await paid(world, customer)
    item_id = order["items"][0]["id"]
    units = [{"item_id": item_id, "quantity": 1}]
    first = await refund(world, staff, order["id"], items=units)
    second = await refund(world, staff, order["id"], items=units)
    third = await refund(world, staff, order["id"], items=units)

    assert (first.status_code, second.status_code, third.status_code) == (200, 200, 409)
    amounts = [one["amount"]["amount"] for one in second.json()["refunds"]]
    assert sum(amounts) == 2 * PRICE + 320  # 8 % of 2 * 1999
    assert third.json()["allowed"] == []
    rest = await refund(world, staff, order["id"])
    assert rest.status_code == 200
    assert rest.json()["payment_status"] == "refunded"
    assert sum(one["amount"]["amount"] for one in rest.json()["refunds"]) == TOTAL


async def test_refund_beyond_what_was_captured_is_refused(
    world: World, customer: Person, staff: Person
) -> None:
    order = await paid(world, customer)
    answer = await refund(world, staff, order["id"], amount=TOTAL + 1)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/invalid-state")
    assert answer.json()["allowed"] == [f"refund up to {TOTAL}"]

    unpaid = await bought(world, customer)
    for body in (
        {"amount": 1},
        {},
        {"items": [{"item_id": unpaid["items"][0]["id"], "quantity": 1}]},
    ):
        refused = await refund(world, staff, unpaid["id"], **body)
        assert (refused.status_code, refused.json()["allowed"]) == (409, [])


async def test_ten_refunds_of_half_at_once_are_two(
    world: World, customer: Person, staff: Person
) -> None:
    order = await paid(world, customer)
    answers = await asyncio.gather(
        *(refund(world, staff, order["id"], amount=TOTAL // 2) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [409] * 8
    (payment,) = await world.shop.payments(order["id"])
    assert payment["refunded_amount"] == 2 * (TOTAL // 2)


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 0},
        {"amount": 1, "items": [{"item_id": "itm_1", "quantity": 1}]},
        {"items": []},
        {"items": [{"item_id": "itm_1", "quantity": 1}, {"item_id": "itm_1", "quantity": 1}]},
        {"amount": 1, "reason": ""},
        {"items": [{"item_id": "itm_1", "quantity": 1}]},
    ],
)
async def test_refund_that_makes_no_sense_is_refused(
    world: World, customer: Person, staff: Person, body: dict[str, Any]
) -> None:
    order = await bought(world, customer)
    assert (await refund(world, staff, order["id"], **body)).status_code == 422


async def test_only_staff_refund(world: World, customer: Person, staff: Person) -> None:
    order = await bought(world, customer)
    assert (await refund(world, customer, order["id"], amount=1)).status_code == 403
    assert (await refund(world, staff, new_id(Prefix.ORDER), amount=1)).status_code == 404


async def test_customer_pays_once_more_when_the_authorization_has_lapsed(
    world: World, customer: Person, sandbox_url: str
) -> None:
    order = await bought(world, customer)
    order_id = order["id"]
    shipment_id = await planned(world, order_id)
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http:
        control = Control(http=http)
        (attempt,) = await control.attempts(order_id)
        await control.lapse(attempt["id"])
    await world.shop.pay_next_with(order_id, "pm_card_visa_chargeDeclined")
    capture = await world.resources.temporal.start_workflow(
        PaymentCaptureWorkflow.run,
        PaymentCapture(order_id=order_id, shipment_id=shipment_id, number=1),
        id=workflow_ids.capture(derived_id(Prefix.PAYMENT, order_id, 1), 1),
        task_queue=TaskQueue.PAYMENTS,
    )
    await eventually(lambda: world.shop.waits(order_id), lambda waits: NEW_PAYMENT in waits)

    stranger = await world.person()
    assert (await pay(world, stranger, order_id, "pm_card_visa")).status_code == 404
    declined = await pay(world, customer, order_id, "pm_card_chargeDeclinedExpiredCard")
    assert (declined.status_code, declined.json()["decline_code"]) == (402, "expired_card")
    key = new_id(Prefix.EVENT)
    await eventually(lambda: world.shop.waits(order_id), lambda waits: NEW_PAYMENT in waits)
    paid_now = await pay(world, customer, order_id, "pm_card_mastercard", key)
    assert paid_now.status_code == 200, paid_now.text
    again = await pay(world, customer, order_id, "pm_card_mastercard", key)
    assert again.content == paid_now.content

    assert (await capture.result()).amount == TOTAL
    assert (await world.shop.order(order_id))["payment_status"] == "captured"


async def test_payment_that_nobody_asked_for_is_refused(world: World, customer: Person) -> None:
    order = await bought(world, customer)
    answer = await pay(world, customer, order["id"], "pm_card_visa")
    assert answer.status_code == 409
    assert (answer.json()["state"], answer.json()["allowed"]) == ("authorized", [])
    assert len(await world.shop.payments(order["id"])) == 1
