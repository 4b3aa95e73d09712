"""Staff find orders that do not go on, see why, and decide; of two at once one is told 409."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.oversight import (
    AuditPage,
    StaffOrder,
    StaffOrderDetail,
    StaffOrderPage,
    StuckPage,
)
from core.domain.ids import Prefix, new_id
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World
from tests.workflows.outside import Outside
from workflows import search_attributes, workflow_ids
from workflows.messages import Checkout
from workflows.task_queues import TaskQueue

pytestmark = pytest.mark.usefixtures("workers")
AUTHORIZATION = "payment authorization"


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


@pytest.fixture
async def outside(sandbox_url: str) -> AsyncIterator[Outside]:
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control", timeout=30) as http:
        outside = Outside(http=http)
        yield outside
        await outside.clear_faults()


async def _parked(world: World, outside: Outside, orders: int) -> list[str]:
    """Checkouts whose provider is down; each waits after its four tries."""
    await outside.break_down("stripe", "payment_intents.create")
    shelf = await world.shop.stock_up(orders)
    order_ids = [await world.shop.draft(shelf) for _ in range(orders)]
    for order_id in order_ids:
        await _start(world, "CheckoutWorkflow", order_id, workflow_ids.checkout(order_id))
    for order_id in order_ids:
        await eventually(partial(world.shop.waits, order_id))
    return order_ids


async def _start(world: World, workflow: str, order_id: str, workflow_id: str) -> None:
    customer_id = world.shop.customer_id
    checkout = workflow == "CheckoutWorkflow"
    await world.shop.temporal.start_workflow(
        workflow,
        Checkout(order_id=order_id, customer_id=customer_id) if checkout else order_id,
        id=workflow_id,
        task_queue=TaskQueue.CHECKOUT if checkout else TaskQueue.FULFILLMENT,
        search_attributes=search_attributes.of_order(order_id, customer_id),
    )


async def _get(world: World, staff: Person, path: str, **params: Any) -> bytes:
    answer = await world.client.get(f"/v1/admin{path}", params=params, headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return answer.content


async def _post(
    world: World, staff: Person, path: str, body: Any = None, key: str | None = None
) -> httpx.Response:
    return await world.client.post(
        f"/v1/admin{path}",
        json=body,
        headers={**staff.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)},
    )


async def _stuck(world: World, staff: Person) -> dict[str, Any]:
    """All stuck orders, page by page."""
    found: dict[str, Any] = {}
    cursor: str | None = None
    while True:
        params = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = StuckPage.model_validate_json(await _get(world, staff, "/orders/stuck", **params))
        found |= {order.id: order for order in page.data}
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_parked_orders_are_found_and_decided(
    world: World, staff: Person, outside: Outside
) -> None:
    canceled, retried, raced = await _parked(world, outside, 3)
    stuck = (await _stuck(world, staff))[canceled]
    assert stuck.reason.startswith(f"waits for {AUTHORIZATION}: stripe: ")
    assert (stuck.status, stuck.actions) == ("pending", ["cancel", "retry"])
    assert stuck.attempts >= 1
    assert stuck.next_attempt_at is not None
    assert stuck.causes[0].kind == "parked"
    assert stuck.workflows[0].workflow_id == workflow_ids.checkout(canceled)
    assert stuck.workflows[0].temporal_url.endswith(f"/workflows/checkout%2F{canceled}")
    await outside.clear_faults()

    key = new_id(Prefix.EVENT)
    body = {"action": "cancel", "reason": "the customer rang"}
    answer = await _post(world, staff, f"/orders/{canceled}/resolve", body, key)
    assert answer.status_code == 200, answer.text
    assert StaffOrder.model_validate_json(answer.content).waits == []
    again = await _post(world, staff, f"/orders/{canceled}/resolve", body, key)
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")
    await eventually(partial(world.shop.status, canceled), lambda status: status == "canceled")

    woken = await _post(world, staff, f"/orders/{retried}/retry")
    assert woken.status_code == 200, woken.text
    await eventually(partial(world.shop.status, retried), lambda status: status == "confirmed")

    other = await world.person("staff")
    answers = await asyncio.gather(
        *(
            _post(world, one, f"/orders/{raced}/resolve", {"action": action, "reason": "mine"})
            for one, action in ((staff, "cancel"), (other, "retry"))
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    (refused,) = [one.json() for one in answers if one.status_code == 409]
    assert refused["type"].endswith("/invalid-state")
    assert refused["allowed"] == []
    log = AuditPage.model_validate_json(await _get(world, staff, "/audit-log", target=raced))
    assert len(log.data) == 1


async def test_what_nobody_waits_for_is_409_with_what_is_possible(
    world: World, staff: Person, outside: Outside
) -> None:
    (order_id,) = await _parked(world, outside, 1)
    path = f"/orders/{order_id}/resolve"

    refund = await _post(world, staff, path, {"action": "refund", "reason": "r"})
    unknown = await _post(world, staff, path, {"action": "retry", "what": "rain", "reason": "r"})

    assert (refund.status_code, refund.json()["allowed"]) == (409, ["cancel", "retry"])
    assert refund.json()["state"] == f"waiting for {AUTHORIZATION}"
    assert (unknown.status_code, unknown.json()["allowed"]) == (409, [])
    await outside.clear_faults()
    assert (await _post(world, staff, f"/orders/{order_id}/retry")).status_code == 200
    await eventually(partial(world.shop.status, order_id), lambda status: status == "confirmed")
    late = await _post(world, staff, path, {"action": "retry", "reason": "r"})
    assert (late.status_code, late.json()["state"]) == (409, "confirmed, not waiting")


async def test_mark_whose_workflow_has_ended_is_taken_away(
    world: World, staff: Person, outside: Outside
) -> None:
    (order_id,) = await _parked(world, outside, 1)
    await world.shop.checkout(order_id).terminate("a test")

    async def reason() -> str | None:
        order = (await _stuck(world, staff)).get(order_id)
        return order.reason if order else None

    await eventually(reason, lambda seen: seen is not None and seen.endswith("may have ended"))
    answer = await _post(world, staff, f"/orders/{order_id}/retry")
    assert (answer.status_code, answer.json()["allowed"]) == (409, [])
    assert await world.shop.waits(order_id) == []
    await world.database.statement(
        text("UPDATE orders SET updated_at = now() - interval '1 hour' WHERE id = :id"),
        {"id": order_id},
    )
    stuck = (await _stuck(world, staff))[order_id]
    assert [cause.kind for cause in stuck.causes] == ["lost"]
    assert stuck.reason == "the order is pending, and no workflow runs for it"


async def test_workflow_that_fails_its_own_tasks_is_found(world: World, staff: Person) -> None:
    order_id = await world.shop.draft(await world.shop.stock_up(1))
    await world.shop.place(order_id)
    broken = f"fulfillment/broken-{order_id}"
    await _start(world, "FulfillmentWorkflow", order_id, broken)  # an order id is no Fulfillment

    async def causes() -> list[str]:
        order = (await _stuck(world, staff)).get(order_id)
        return [cause.reason for cause in order.causes] if order else []

    (reason,) = await eventually(causes, within_seconds=40)
    await world.shop.workflow(broken).terminate("a test")
    assert reason.startswith("FulfillmentWorkflow fails its own tasks (WorkflowTaskFailed, ")


async def test_order_in_one_state_for_too_long_is_overdue(world: World, staff: Person) -> None:
    order_id = await world.shop.draft(await world.shop.stock_up(1))
    await world.shop.place(order_id)
    assert order_id not in await _stuck(world, staff)
    await _age(world, order_id, "order.confirmed")

    stuck = (await _stuck(world, staff))[order_id]

    assert (stuck.reason, stuck.actions, stuck.waits) == (
        "confirmed for 9 days, longer than 5 minutes 10 seconds",
        [],
        [],
    )


async def _age(world: World, order_id: str, event: str) -> None:
    """Let a state have begun nine days ago; the timeline itself refuses changes."""
    async with world.database.transaction() as session:
        await session.execute(text("ALTER TABLE order_timeline DISABLE TRIGGER USER"))
        await session.execute(
            text(
                "UPDATE order_timeline SET at = now() - interval '9 days'"
                " WHERE order_id = :id AND type = :type"
            ),
            {"id": order_id, "type": event},
        )
        await session.execute(text("ALTER TABLE order_timeline ENABLE TRIGGER USER"))


async def test_staff_find_any_order_by_its_fields(world: World, staff: Person) -> None:
    shelf = await world.shop.stock_up(2)
    customer_id = world.shop.customer_id
    ids = []
    for _ in range(2):
        ids.append(await world.shop.draft(shelf))
        await world.shop.place(ids[-1])

    async def found(**filters: Any) -> list[str]:
        page = StaffOrderPage.model_validate_json(
            await _get(world, staff, "/orders", vendor_id=shelf.vendor_id, **filters)
        )
        return [order.id for order in page.data]

    newest_first = sorted(ids, reverse=True)
    assert await found() == newest_first
    assert await found(customer_id=customer_id, status="confirmed") == newest_first
    assert await found(payment_status="voided") == []
    assert await found(fulfillment_status="unfulfilled", limit=1) == newest_first[:1]
    assert await found(stuck_for=0) == []
    first = StaffOrderPage.model_validate_json(
        await _get(world, staff, "/orders", vendor_id=shelf.vendor_id, limit=1)
    )
    rest = await found(limit=1, cursor=first.next_cursor)
    assert rest == newest_first[1:]
    detail = StaffOrderDetail.model_validate_json(await _get(world, staff, f"/orders/{ids[0]}"))
    assert (detail.customer_id, detail.waits) == (customer_id, [])
    assert [entry.type for entry in detail.timeline][-1] == "order.confirmed"


@pytest.mark.parametrize("role", ["customer", "vendor"])
async def test_only_staff_may_look_and_decide(world: World, role: str) -> None:
    person = await world.person(role)
    order_id = new_id(Prefix.ORDER)

    for path in ("/orders", "/orders/stuck", f"/orders/{order_id}"):
        answer = await world.client.get(f"/v1/admin{path}", headers=person.headers)
        assert answer.status_code == 403, path
    for path, body in (("retry", None), ("resolve", {"action": "retry", "reason": "r"})):
        answer = await _post(world, person, f"/orders/{order_id}/{path}", body)
        assert answer.status_code == 403, path


async def test_order_that_is_not_there_is_404(world: World, staff: Person) -> None:
    path = f"/orders/{new_id(Prefix.ORDER)}"

    answer = await world.client.get(f"/v1/admin{path}", headers=staff.headers)

    assert answer.status_code == 404
    assert (await _post(world, staff, f"{path}/retry")).status_code == 404
    bad = await _post(world, staff, f"{path}/resolve", {"action": "explode", "reason": "r"})
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "/action")
