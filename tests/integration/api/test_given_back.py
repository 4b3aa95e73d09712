"""A cart whose order its customer cancels before it is paid for; and a quote of what would wait."""

from __future__ import annotations

import pytest

from api.schemas.checkout import Quote
from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import Person, World, checkout_body
from tests.integration.api.kept_carts import make_cart, order_cart, read_cart
from tests.integration.api.test_backorders import let_wait

CHALLENGED = {"payment": {"provider": "stripe", "payment_method": "pm_card_authenticationRequired"}}

pytestmark = pytest.mark.usefixtures("workers")


async def cancel(world: World, person: Person, order_id: str) -> None:
    answer = await world.client.post(
        f"/v1/orders/{order_id}/cancel",
        headers={**person.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled"), answer.text


async def test_cart_of_an_order_canceled_during_its_challenge_is_given_back(world: World) -> None:
    shelf = await world.shop.stock_up(5)
    person = await world.person()
    cart = await make_cart(world, shelf, 2, person)
    ordered = await order_cart(world, cart, None, person, **CHALLENGED)
    assert ordered.json()["status"] == "requires_action", ordered.text
    assert (await read_cart(world, cart, person)).json()["status"] == "ordered"

    await cancel(world, person, ordered.json()["id"])

    back = (await read_cart(world, cart, person)).json()
    assert (back["status"], back["order_id"]) == ("active", None)
    assert [item["quantity"] for item in back["items"]] == [2]
    assert await world.shop.levels(shelf) == (5, 0)
    again = await order_cart(world, cart, None, person)
    assert (again.status_code, again.json()["status"]) == (201, "confirmed")


async def test_cart_of_an_order_canceled_after_its_confirmation_stays_ordered(
    world: World,
) -> None:
    shelf = await world.shop.stock_up(5)
    person = await world.person()
    cart = await make_cart(world, shelf, 1, person)
    ordered = await order_cart(world, cart, None, person)
    assert ordered.json()["status"] == "confirmed"

    await cancel(world, person, ordered.json()["id"])

    assert (await read_cart(world, cart, person)).json()["status"] == "ordered"


async def test_quote_tells_what_would_wait_and_until_when(world: World, customer: Person) -> None:
    staff = await world.person("staff")
    shelf, there = await world.shop.stock_up(1), await world.shop.stock_up(9)
    await let_wait(world, staff, shelf)
    body = checkout_body(
        shelf,
        items=[{"sku": shelf.sku, "quantity": 3}, {"sku": there.sku, "quantity": 2}],
    )
    del body["payment"]

    answer = await world.client.post("/v1/quotes", json=body, headers=customer.headers)

    assert answer.status_code == 200, answer.text
    assert Quote.model_validate_json(answer.content).items[1].backordered is None
    assert answer.json()["items"][0]["backordered"] == {
        "quantity": 2,
        "promised_at": "2099-01-01T00:00:00Z",
    }
