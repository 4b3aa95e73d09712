"""From a cart to an order, with every worker and the sandbox running."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from api.schemas.checkout import Hold
from api.schemas.orders import Order, OrderPage, ShipmentList, Timeline
from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import PRICE, SHIPPING, Shelf

pytestmark = pytest.mark.usefixtures("workers")


async def _buy(
    world: World, person: Person, shelf: Shelf, key: str | None = None, **changes: Any
) -> httpx.Response:
    return await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, **changes),
        headers={**person.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)},
    )


async def _post(
    world: World, person: Person, path: str, key: str, body: Any = None
) -> httpx.Response:
    return await world.client.post(
        path, json=body, headers={**person.headers, "Idempotency-Key": key}
    )


def _pay_with(payment_method: str) -> dict[str, Any]:
    return {"payment": {"provider": "stripe", "payment_method": payment_method}}


async def test_paid_order_is_confirmed_in_one_call(world: World, customer: Person) -> None:
    shelf = await world.shop.stock_up(5)
    items = [{"sku": shelf.sku, "quantity": 2}]
    tax = 360  # 8 % of 2 * 1999 + 500, half away from zero

    answer = await _buy(world, customer, shelf, items=items)

    assert answer.status_code == 201, answer.text
    order = Order.model_validate_json(answer.content)
    assert answer.headers["location"] == f"/v1/orders/{order.id}"
    assert (order.status, order.payment_status, order.fulfillment_status) == (
        "confirmed",
        "authorized",
        "unfulfilled",
    )
    assert order.subtotal.amount == 2 * PRICE
    assert order.tax.amount == tax
    assert order.total.amount == 2 * PRICE + SHIPPING + tax
    assert [(item.sku, item.quantity, item.unit_price.amount) for item in order.items] == [
        (shelf.sku, 2, PRICE)
    ]
    assert await world.shop.levels(shelf) == (5, 2)


async def test_same_key_gets_the_same_bytes_and_another_cart_is_refused(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    key = new_id(Prefix.EVENT)
    first = await _buy(world, customer, shelf, key)

    again = await _buy(world, customer, shelf, key)
    other = await _buy(world, customer, shelf, key, items=[{"sku": shelf.sku, "quantity": 2}])
    hold = await _post(
        world,
        customer,
        "/v1/holds",
        key,
        {"items": [{"sku": shelf.sku, "quantity": 1}], "ttl_seconds": 60},
    )

    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert (other.status_code, hold.status_code) == (422, 422)
    assert other.json()["type"].endswith("/idempotency-key-reused")
    assert await world.shop.levels(shelf) == (5, 1)


async def test_same_key_of_another_caller_is_another_order(world: World, customer: Person) -> None:
    shelf = await world.shop.stock_up(5)
    key = new_id(Prefix.EVENT)

    one = await _buy(world, customer, shelf, key)
    two = await _buy(world, await world.person(), shelf, key)

    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["id"] != two.json()["id"]


@pytest.mark.parametrize(
    ("payment_method", "status"), [("pm_card_visa", 201), ("pm_card_visa_chargeDeclined", 402)]
)
async def test_same_key_at_the_same_moment_gets_one_answer(
    world: World, customer: Person, payment_method: str, status: int
) -> None:
    shelf = await world.shop.stock_up(50)
    key = new_id(Prefix.EVENT)
    wanted = _pay_with(payment_method)

    answers = await asyncio.gather(*(_buy(world, customer, shelf, key, **wanted) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {status}
    assert len({answer.content for answer in answers}) == 1
    assert await world.shop.levels(shelf) == (50, 1 if status == 201 else 0)


async def test_more_buyers_than_units_confirm_exactly_the_units(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)

    answers = await asyncio.gather(*(_buy(world, customer, shelf) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 15
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["type"].endswith("/out-of-stock")
    assert refused.json()["items"] == [{"sku": shelf.sku, "requested": 1, "available": 0}]
    assert await world.shop.levels(shelf) == (5, 5)


async def test_declined_card_is_402_and_replays(world: World, customer: Person) -> None:
    shelf = await world.shop.stock_up(5)
    key = new_id(Prefix.EVENT)
    wanted = _pay_with("pm_card_visa_chargeDeclinedInsufficientFunds")

    first = await _buy(world, customer, shelf, key, **wanted)
    again = await _buy(world, customer, shelf, key, **wanted)

    assert first.status_code == 402
    assert first.headers["content-type"] == "application/problem+json"
    assert first.json()["decline_code"] == "insufficient_funds"
    assert (again.content, again.headers["content-type"]) == (
        first.content,
        "application/problem+json",
    )
    assert await world.shop.levels(shelf) == (5, 0)


async def test_challenge_is_told_and_the_order_can_be_canceled(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    order = (
        await _buy(world, customer, shelf, **_pay_with("pm_card_authenticationRequired"))
    ).json()
    assert order["status"] == "requires_action"
    assert order["next_action"]["client_secret"]

    path = f"/v1/orders/{order['id']}/cancel"
    canceled = await _post(world, customer, path, f"cancel-{order['id']}", {"reason": "no phone"})
    again = await _post(world, customer, path, f"cancel-{order['id']}", {"reason": "no phone"})

    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert (again.content, again.headers["idempotency-replayed"]) == (canceled.content, "true")
    assert await world.shop.levels(shelf) == (5, 0)


async def test_confirmed_order_is_canceled_once_however_often_it_is_asked(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    order = (await _buy(world, customer, shelf)).json()
    path = f"/v1/orders/{order['id']}/cancel"

    answers = await asyncio.gather(
        *(_post(world, customer, path, f"cancel-{order['id']}") for _ in range(4))
    )
    late = await _post(world, customer, path, f"late-{order['id']}")

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert Order.model_validate_json(answers[0].content).status == "canceled"
    assert (late.status_code, late.json()["state"]) == (409, "canceled")
    assert await world.shop.levels(shelf) == (5, 0)


async def test_somebody_elses_order_does_not_exist(world: World, customer: Person) -> None:
    shelf = await world.shop.stock_up(1)
    order_id = (await _buy(world, customer, shelf)).json()["id"]
    stranger = await world.person("staff")

    for part in ("", "/timeline", "/shipments", "/events"):
        answer = await world.client.get(f"/v1/orders/{order_id}{part}", headers=stranger.headers)
        assert answer.status_code == 404, part
    answer = await _post(world, stranger, f"/v1/orders/{order_id}/cancel", "mine")
    assert answer.status_code == 404


async def test_views_of_an_order_have_the_contracts_shape(world: World) -> None:
    person = await world.person()
    shelf = await world.shop.stock_up(9)
    ids = [(await _buy(world, person, shelf)).json()["id"] for _ in range(3)]

    async def get(path: str) -> bytes:
        answer = await world.client.get(path, headers=person.headers)
        assert answer.status_code == 200, answer.text
        return answer.content

    assert Order.model_validate_json(await get(f"/v1/orders/{ids[0]}")).id == ids[0]
    timeline = Timeline.model_validate_json(await get(f"/v1/orders/{ids[0]}/timeline"))
    assert [entry.type for entry in timeline.data][:2] == ["order.placed", "stock.reserved"]
    assert timeline.waiting_for is None
    ShipmentList.model_validate_json(await get(f"/v1/orders/{ids[0]}/shipments"))
    page = OrderPage.model_validate_json(await get("/v1/orders?limit=2"))
    assert [order.id for order in page.data] == [ids[2], ids[1]]
    rest = OrderPage.model_validate_json(await get(f"/v1/orders?limit=2&cursor={page.next_cursor}"))
    assert ([order.id for order in rest.data], rest.next_cursor) == ([ids[0]], None)
    moment = page.data[1].created_at.isoformat().replace("+00:00", "Z")
    since = OrderPage.model_validate_json(await get(f"/v1/orders?created_from={moment}"))
    until = OrderPage.model_validate_json(await get(f"/v1/orders?created_to={moment}"))
    assert ([o.id for o in since.data], [o.id for o in until.data]) == ([ids[2], ids[1]], [ids[0]])
    assert OrderPage.model_validate_json(await get("/v1/orders?status=failed")).data == []


async def test_events_of_an_ended_order_resume_after_the_last_one_seen(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(1)
    declined = _pay_with("pm_card_visa_chargeDeclined")
    await _buy(world, customer, shelf, **declined)
    page = await world.client.get("/v1/orders?status=failed&limit=1", headers=customer.headers)
    order_id = page.json()["data"][0]["id"]
    types = await world.shop.events(order_id)

    async def events(**headers: str) -> list[str]:
        answer = await world.client.get(
            f"/v1/orders/{order_id}/events", headers={**customer.headers, **headers}
        )
        assert answer.headers["content-type"].startswith("text/event-stream")
        return answer.text.split("\n\n")[1:-1]

    whole = await events()
    rest = await events(**{"Last-Event-ID": "2"})

    assert [event.splitlines()[0] for event in whole] == [f"event: {kind}" for kind in types]
    assert whole[-1].endswith(f"id: {len(types)}")
    assert rest == whole[2:]
    assert await events(**{"Last-Event-ID": str(len(types))}) == []


async def test_hold_is_placed_once_consumed_by_its_checkout_and_gone(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    key = new_id(Prefix.EVENT)
    items = [{"sku": shelf.sku, "quantity": 3}]
    body = {"items": items, "ttl_seconds": 600}

    answers = await asyncio.gather(
        *(_post(world, customer, "/v1/holds", key, body) for _ in range(4))
    )
    hold = Hold.model_validate_json(answers[0].content)
    too_many = await _post(world, customer, "/v1/holds", f"more-{key}", body)
    wrong_items = await _buy(world, customer, shelf, hold_id=hold.id)
    order = await _buy(world, customer, shelf, hold_id=hold.id, items=items)
    twice = await _buy(world, customer, shelf, hold_id=hold.id, items=items)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["location"] == f"/v1/holds/{hold.id}"
    assert (too_many.status_code, too_many.json()["items"][0]["available"]) == (409, 2)
    assert wrong_items.json()["errors"][0]["pointer"] == "/hold_id"
    assert (order.status_code, twice.status_code) == (201, 409)
    assert await world.shop.levels(shelf) == (5, 3)
    gone = await world.client.delete(f"/v1/holds/{hold.id}", headers=customer.headers)
    assert (gone.status_code, gone.json()["state"]) == (409, "consumed")


async def test_released_hold_gives_its_units_back(world: World, customer: Person) -> None:
    shelf = await world.shop.stock_up(5)
    body = {"items": [{"sku": shelf.sku, "quantity": 5}], "ttl_seconds": 600}
    hold_id = (await _post(world, customer, "/v1/holds", new_id(Prefix.EVENT), body)).json()["id"]
    path = f"/v1/holds/{hold_id}"
    stranger = await world.person()

    not_theirs = await world.client.delete(path, headers=stranger.headers)
    released = [await world.client.delete(path, headers=customer.headers) for _ in range(2)]
    status = (await world.client.get(path, headers=customer.headers)).json()["status"]

    assert not_theirs.status_code == 404
    assert [answer.status_code for answer in released] == [204, 204]
    assert status == "released"
    assert await world.shop.levels(shelf) == (5, 0)


async def test_checkout_costs_the_api_four_statements_and_its_replay_one(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    await _buy(world, customer, shelf)
    statements: list[object] = []

    def on_execute(*details: object) -> None:
        statements.append(details[2])

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", on_execute)
    try:
        key = new_id(Prefix.EVENT)
        answer = await _buy(world, customer, shelf, key)
        first = len(statements)
        await _buy(world, customer, shelf, key)
    finally:
        event.remove(engine, "before_cursor_execute", on_execute)

    assert answer.status_code == 201
    assert (first, len(statements) - first) == (4, 1)
