"""Buying without an account, and following the order by its token."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.orders import Order, Timeline
from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import Person, World, checkout_body
from tests.integration.api.kept_carts import (
    EMAIL,
    make_cart,
    order_body,
    order_cart,
    pointers,
    read_cart,
)
from tests.shop import ADDRESS, PRICE, Shelf

pytestmark = pytest.mark.usefixtures("workers")


async def test_guest_orders_follows_and_cancels_with_the_tracking_token(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await make_cart(world, shelf, 2)

    answer = await order_cart(world, cart)

    assert answer.status_code == 201, answer.text
    order = Order.model_validate_json(answer.content)
    assert (order.status, order.subtotal.amount) == ("confirmed", 2 * PRICE)
    row = await world.shop.order(order.id)
    assert (row["customer_id"], row["email"]) == (cart["id"], EMAIL)
    guest = {"Order-Token": str(order.tracking_token)}
    base = f"/v1/orders/{order.id}"
    shown = await world.client.get(base, headers=guest)
    timeline = await world.client.get(f"{base}/timeline", headers=guest)
    shipments = await world.client.get(f"{base}/shipments", headers=guest)
    moved = await world.client.put(
        f"{base}/shipping-address", json={**ADDRESS, "line1": "2 Test Street"}, headers=guest
    )
    canceled = await world.client.post(
        f"{base}/cancel", headers={**guest, "Idempotency-Key": f"cancel-{order.id}"}
    )
    events = await world.client.get(f"{base}/events", headers=guest)
    last = Timeline.model_validate_json(
        (await world.client.get(f"{base}/timeline", headers=guest)).content
    ).data[-1]

    assert (shown.json()["id"], "tracking_token" in shown.json()) == (order.id, False)
    assert (timeline.status_code, shipments.status_code) == (200, 200)
    assert (moved.status_code, moved.json()["shipping_address"]["line1"]) == (200, "2 Test Street")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert "event: order.canceled" in events.text
    assert (last.type, last.actor) == ("order.canceled", "guest")
    logged = "".join(capfd.readouterr())
    told = (await world.shop.checkout(order.id).fetch_history()).to_json()
    for secret in (EMAIL, cart["token"], str(order.tracking_token)):
        assert secret not in logged + told
    assert "route=/v1/orders/{id}/cancel" in logged
    assert await world.shop.levels(shelf) == (5, 0)


async def test_order_of_a_guest_is_hidden_from_everybody_without_its_token(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    cart, other = await make_cart(world, shelf), await make_cart(world, shelf)
    order, second = (await order_cart(world, cart)).json(), (await order_cart(world, other)).json()
    own = (
        await order_cart(
            world, await make_cart(world, shelf, person=(p := await world.person())), person=p
        )
    ).json()
    tokens = world.app.state.order_tokens

    async def status(order_id: str, part: str, **headers: str) -> int:
        method = "POST" if part == "/cancel" else "GET"
        answer = await world.client.request(
            method,
            f"/v1/orders/{order_id}{part}",
            headers={name.replace("_", "-"): value for name, value in headers.items()}
            | {"Idempotency-Key": "k"},
        )
        return answer.status_code

    for part in ("", "/timeline", "/shipments", "/events", "/cancel"):
        assert await status(order["id"], part) == 401
        assert await status(order["id"], part, Cart_Token=cart["token"]) == 401
        assert await status(order["id"], part, Order_Token="wrong") == 404
        assert await status(order["id"], part, Order_Token=second["tracking_token"]) == 404
        assert await status(order["id"], part, **customer.headers) == 404
        assert await status(own["id"], part, Order_Token=tokens.issue(own["id"])) == 404
    assert "tracking_token" not in own
    assert await world.shop.status(order["id"]) == "confirmed"


async def test_tracking_token_is_kept_nowhere(world: World) -> None:
    shelf = await world.shop.stock_up(5)
    order = (await order_cart(world, await make_cart(world, shelf))).json()

    rows = await world.database.statement(
        text(
            "SELECT convert_from(response_body, 'UTF8') AS body FROM idempotency_keys"
            " WHERE resource_id = :id"
        ),
        {"id": order["id"]},
    )

    assert order["id"] in rows[0]["body"]
    assert "tracking_token" not in rows[0]["body"]


async def test_checkout_without_account_or_cart_is_not_authenticated(
    world: World, shelf: Shelf
) -> None:
    cart = await make_cart(world, shelf)
    key = {"Idempotency-Key": new_id(Prefix.EVENT)}
    token = {"Cart-Token": cart["token"]}

    async def order(headers: dict[str, str], body: dict[str, Any]) -> httpx.Response:
        return await world.client.post("/v1/checkouts", json=body, headers=headers)

    nobody = await order(key, order_body(cart["id"], email=EMAIL))
    no_cart = await order(key | token, {**checkout_body(shelf), "email": EMAIL})
    no_email = await order(key | token, order_body(cart["id"]))
    wrong = await order(key | {"Cart-Token": "wrong"}, order_body(cart["id"], email=EMAIL))
    no_key = await order(token, order_body(cart["id"], email=EMAIL))

    assert (nobody.status_code, no_cart.status_code) == (401, 401)
    assert pointers(no_email) == ["/email"]
    assert (wrong.status_code, no_key.status_code) == (404, 400)
    assert (await read_cart(world, cart)).json()["status"] == "active"


async def test_customer_may_order_a_guests_cart_and_the_order_is_the_customers(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await make_cart(world, shelf)

    answer = await world.client.post(
        "/v1/checkouts",
        json=order_body(cart["id"]),
        headers={
            **customer.headers,
            "Cart-Token": cart["token"],
            "Idempotency-Key": new_id(Prefix.EVENT),
        },
    )

    assert answer.status_code == 201, answer.text
    assert "tracking_token" not in answer.json()
    assert (await world.shop.order(answer.json()["id"]))["customer_id"] == customer.user_id


async def test_return_of_a_guests_order_opens_with_that_orders_token_alone(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    cart, other = await make_cart(world, shelf), await make_cart(world, shelf)
    order, second = (await order_cart(world, cart)).json(), (await order_cart(world, other)).json()
    return_id = new_id(Prefix.RETURN)
    await world.database.statement(
        text(
            "INSERT INTO returns (id, order_id, customer_id, status)"
            " VALUES (:id, :order_id, :customer_id, 'requested')"
        ),
        {"id": return_id, "order_id": order["id"], "customer_id": cart["id"]},
    )

    async def status(path: str, **headers: str) -> int:
        return (await world.client.get(path, headers=headers)).status_code

    own = {"Order-Token": order["tracking_token"]}
    assert await status(f"/v1/orders/{order['id']}/returns", **own) == 200
    assert await status(f"/v1/returns/{return_id}", **own) == 200
    assert await status(f"/v1/returns/{return_id}") == 401
    assert await status(f"/v1/returns/{return_id}", **customer.headers) == 404
    wrong = {"Order-Token": second["tracking_token"]}
    assert await status(f"/v1/returns/{return_id}", **wrong) == 404
    early = await world.client.post(
        f"/v1/orders/{order['id']}/returns",
        json={
            "items": [{"item_id": order["items"][0]["id"], "quantity": 1, "reason": "changed_mind"}]
        },
        headers={**own, "Idempotency-Key": "early"},
    )
    assert early.json()["type"].endswith("/invalid-state")
