"""The client says that the bank's challenge is done: the provider is asked, not the client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core.domain.ids import Prefix, new_id
from tests.contract.sandbox import Control
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World, checkout_body
from tests.integration.api.kept_carts import make_cart, order_cart
from tests.integration.api.test_payments import bought, planned
from workflows import workflow_ids
from workflows.messages import NEW_PAYMENT, PaymentCapture
from workflows.payment_capture import PaymentCaptureWorkflow
from workflows.task_queues import TaskQueue

pytestmark = pytest.mark.usefixtures("workers")
CHALLENGED = "pm_card_authenticationRequired"


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[Control]:
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http:
        yield Control(http=http)


async def challenged(world: World, customer: Person) -> str:
    shelf = await world.shop.stock_up(5)
    payment = {"provider": "stripe", "payment_method": CHALLENGED}
    answer = await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, payment=payment),
        headers={**customer.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )
    assert (answer.status_code, answer.json()["status"]) == (201, "requires_action")
    return str(answer.json()["id"])


async def confirm(
    world: World, order_id: str, headers: dict[str, str], key: str | None = None
) -> httpx.Response:
    return await world.client.post(
        f"/v1/orders/{order_id}/payment/confirm",
        headers={**headers, "Idempotency-Key": key or new_id(Prefix.EVENT)},
    )


async def intent_of(control: Control, order_id: str) -> str:
    return str((await control.attempts(order_id))[-1]["id"])


async def test_passed_challenge_confirms_the_order_at_once(
    world: World, customer: Person, control: Control
) -> None:
    order_id = await challenged(world, customer)
    too_early = await confirm(world, order_id, customer.headers)
    assert (too_early.status_code, too_early.json()["status"]) == (200, "requires_action")
    assert too_early.json()["next_action"]["client_secret"]
    await control.answer_challenge(await intent_of(control, order_id), "succeeded")

    key = new_id(Prefix.EVENT)
    answer = await confirm(world, order_id, customer.headers, key)

    shown = answer.json()
    assert answer.status_code == 200, answer.text
    assert (shown["status"], shown["payment_status"]) == ("confirmed", "authorized")
    assert shown["next_action"] is None
    again = await confirm(world, order_id, customer.headers, key)
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")
    over = await confirm(world, order_id, customer.headers)
    assert (over.status_code, over.json()["state"]) == (409, "authorized")


async def test_refused_challenge_is_a_decline(
    world: World, customer: Person, control: Control
) -> None:
    order_id = await challenged(world, customer)
    await control.answer_challenge(await intent_of(control, order_id), "failed")

    answer = await confirm(world, order_id, customer.headers)

    assert answer.status_code == 402
    assert answer.json()["decline_code"]
    assert await world.shop.status(order_id) == "failed"


async def test_only_the_customer_confirms_and_only_with_a_key(
    world: World, customer: Person, control: Control
) -> None:
    order_id = await challenged(world, customer)
    stranger = await world.person()
    nobody: dict[str, Any] = {}
    assert (await confirm(world, order_id, stranger.headers)).status_code == 404
    assert (await confirm(world, order_id, nobody)).status_code == 401
    bare = await world.client.post(
        f"/v1/orders/{order_id}/payment/confirm", headers=customer.headers
    )
    assert bare.status_code == 400
    assert await world.shop.status(order_id) == "requires_action"
    await control.answer_challenge(await intent_of(control, order_id), "failed")
    await confirm(world, order_id, customer.headers)


async def test_capture_that_waits_for_a_challenge_goes_on_at_once(
    world: World, customer: Person, control: Control
) -> None:
    order = await bought(world, customer)
    order_id = order["id"]
    shipment_id = await planned(world, order_id)
    await control.lapse(await intent_of(control, order_id))
    await world.shop.pay_next_with(order_id, CHALLENGED)
    capture = await world.resources.temporal.start_workflow(
        PaymentCaptureWorkflow.run,
        PaymentCapture(order_id=order_id, shipment_id=shipment_id, number=1),
        id=workflow_ids.capture(new_id(Prefix.PAYMENT), 1),
        task_queue=TaskQueue.PAYMENTS,
    )
    await eventually(lambda: world.shop.waits(order_id), lambda waits: NEW_PAYMENT in waits)
    waiting = await confirm(world, order_id, customer.headers)
    assert (waiting.status_code, waiting.json()["payment_status"]) == (200, "requires_action")

    await control.answer_challenge(await intent_of(control, order_id), "succeeded")
    answer = await confirm(world, order_id, customer.headers)

    assert answer.status_code == 200, answer.text
    assert answer.json()["next_action"] is None
    assert (await capture.result()).amount > 0
    late = await confirm(world, order_id, customer.headers)
    assert late.status_code == 409


async def test_guest_confirms_with_the_tracking_token(world: World, control: Control) -> None:
    cart = await make_cart(world, await world.shop.stock_up(5), 1)
    bought_so = await order_cart(
        world, cart, payment={"provider": "stripe", "payment_method": CHALLENGED}
    )
    order = bought_so.json()
    await control.answer_challenge(await intent_of(control, order["id"]), "succeeded")

    wrong = await confirm(world, order["id"], {"Order-Token": "a" * 43})
    answer = await confirm(world, order["id"], {"Order-Token": order["tracking_token"]})

    assert wrong.status_code in {401, 404}
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
