"""From a kept cart to an order, with and without an account, with every worker running."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.orders import Order, Timeline
from core.domain.errors import ConflictError
from core.domain.ids import Prefix, new_id
from models.repositories.drafts import Cart, CartRef, claim_checkout
from models.repositories.invariants import INVARIANTS, rows_that_break
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import PRICE, Shelf

pytestmark = pytest.mark.usefixtures("workers")

EMAIL = "grace@shop.perdure.dev"
DECLINED: dict[str, Any] = {
    "payment": {"provider": "stripe", "payment_method": "pm_card_visa_chargeDeclined"}
}


async def _cart(
    world: World, shelf: Shelf, quantity: int = 1, person: Person | None = None
) -> dict[str, Any]:
    answer = await world.client.post(
        "/v1/carts",
        json={"currency": "USD", "items": [{"sku": shelf.sku, "quantity": quantity}]},
        headers=person.headers if person else {},
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _order(
    world: World,
    cart: dict[str, Any],
    key: str | None = None,
    person: Person | None = None,
    **changes: Any,
) -> httpx.Response:
    headers = {"Idempotency-Key": key or new_id(Prefix.EVENT)}
    headers |= person.headers if person else {"Cart-Token": cart["token"]}
    body = _body(cart["id"], **({} if person else {"email": EMAIL}) | changes)
    return await world.client.post("/v1/checkouts", json=body, headers=headers)


def _body(cart_id: str | None, **changes: Any) -> dict[str, Any]:
    body = {**checkout_body(_NO_SHELF), "cart_id": cart_id, **changes}
    if "items" not in changes:
        del body["items"]
    return body


_NO_SHELF = Shelf(sku="", variant_id="", vendor_id="", warehouse_id="")


async def _read(world: World, cart: dict[str, Any], person: Person | None = None) -> httpx.Response:
    headers = person.headers if person else {"Cart-Token": cart["token"]}
    return await world.client.get(f"/v1/carts/{cart['id']}", headers=headers)


async def _add(world: World, cart: dict[str, Any], shelf: Shelf) -> httpx.Response:
    return await world.client.post(
        f"/v1/carts/{cart['id']}/items",
        json={"sku": shelf.sku, "quantity": 1},
        headers={"Cart-Token": cart["token"]},
    )


def _pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_guest_orders_follows_and_cancels_with_the_tracking_token(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await _cart(world, shelf, 2)

    answer = await _order(world, cart)

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
    canceled = await world.client.post(
        f"{base}/cancel", headers={**guest, "Idempotency-Key": f"cancel-{order.id}"}
    )
    events = await world.client.get(f"{base}/events", headers=guest)
    last = Timeline.model_validate_json(
        (await world.client.get(f"{base}/timeline", headers=guest)).content
    ).data[-1]

    assert (shown.json()["id"], "tracking_token" in shown.json()) == (order.id, False)
    assert (timeline.status_code, shipments.status_code) == (200, 200)
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
    cart, other = await _cart(world, shelf), await _cart(world, shelf)
    order, second = (await _order(world, cart)).json(), (await _order(world, other)).json()
    own = (
        await _order(world, await _cart(world, shelf, person=(p := await world.person())), person=p)
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


async def test_same_key_gets_the_same_bytes_and_a_second_key_no_second_order(
    world: World,
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await _cart(world, shelf)
    key = new_id(Prefix.EVENT)

    first = await _order(world, cart, key)
    again = await _order(world, cart, key)
    other = await _order(world, cart)
    changed = await _add(world, cart, shelf)
    read = await _read(world, cart)

    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (409, "conflict")
    assert (changed.status_code, changed.json()["state"]) == (409, "ordered")
    assert (read.json()["status"], read.json()["order_id"]) == ("ordered", first.json()["id"])
    assert await world.shop.levels(shelf) == (5, 1)


async def test_cart_that_changed_since_it_was_priced_is_not_ordered_and_the_key_stays_free(
    world: World,
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await _cart(world, shelf)
    key = new_id(Prefix.EVENT)
    draft = (
        await world.database.statement(
            text("SELECT cart FROM checkout_drafts WHERE order_id = :id"),
            {"id": await world.shop.draft(shelf)},
        )
    )[0]["cart"]
    await _add(world, cart, shelf)
    before = await world.count_rows()

    with pytest.raises(ConflictError):
        await claim_checkout(
            world.database,
            caller_id=cart["id"],
            key=key,
            request_hash="",
            order_id=new_id(Prefix.ORDER),
            cart=Cart(**{**draft, "lines": []}),
            kept=CartRef(id=cart["id"], version=0),
        )

    assert await world.count_rows() == before
    assert (await _read(world, cart)).json()["status"] == "active"
    assert (await _order(world, cart, key)).status_code == 201


async def test_tracking_token_is_kept_nowhere(world: World) -> None:
    shelf = await world.shop.stock_up(5)
    order = (await _order(world, await _cart(world, shelf))).json()

    rows = await world.database.statement(
        text(
            "SELECT convert_from(response_body, 'UTF8') AS body FROM idempotency_keys"
            " WHERE resource_id = :id"
        ),
        {"id": order["id"]},
    )

    assert order["id"] in rows[0]["body"]
    assert "tracking_token" not in rows[0]["body"]


async def test_cart_ordered_with_many_keys_at_once_is_one_order(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(50)
    person = await world.person()
    cart = await _cart(world, shelf, person=person)
    same, keys = new_id(Prefix.EVENT), [new_id(Prefix.EVENT) for _ in range(4)]

    answers = await asyncio.gather(
        *(_order(world, cart, key, person) for key in [*keys, same, same, same])
    )

    ordered = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} == {201, 409}
    assert len({answer.content for answer in ordered}) == 1
    assert len(ordered) in {1, 3}  # a key of its own won, or the one that was sent three times
    assert await world.shop.levels(shelf) == (50, 1)


async def test_declined_order_gives_the_cart_back_and_it_is_ordered_with_another_card(
    world: World,
) -> None:
    shelf, other = await world.shop.stock_up(5), await world.shop.stock_up(5)
    cart = await _cart(world, shelf)
    key = new_id(Prefix.EVENT)

    declined = await _order(world, cart, key, **DECLINED)
    read = await _read(world, cart)
    added = await _add(world, cart, other)
    replayed = await _order(world, cart, key, **DECLINED)
    ordered = await _order(world, cart)

    assert (declined.status_code, replayed.content) == (402, declined.content)
    assert (read.json()["status"], read.json()["order_id"]) == ("active", None)
    assert added.status_code == 200
    assert (ordered.status_code, len(ordered.json()["items"])) == (201, 2)
    assert await world.shop.levels(shelf) == (5, 1)


async def test_sold_out_cart_stays_as_it_is(world: World) -> None:
    shelf = await world.shop.stock_up(1)
    cart = await _cart(world, shelf, 2)

    refused = await _order(world, cart)
    read = await _read(world, cart)

    assert refused.status_code == 409
    assert refused.json()["items"] == [{"sku": shelf.sku, "requested": 2, "available": 1}]
    assert (read.json()["status"], read.headers["etag"]) == ("active", '"0"')


async def test_cart_whose_order_failed_unseen_is_shown_active(world: World) -> None:
    shelf = await world.shop.stock_up(5)
    person = await world.person()
    guest, own = await _cart(world, shelf), await _cart(world, shelf, person=person)
    for cart, buyer in ((guest, None), (own, person)):
        order = (await _order(world, cart, None, buyer, **DECLINED)).status_code
        assert order == 402
        await world.database.statement(
            text(
                "UPDATE carts SET status = 'ordered', order_id = ("
                "SELECT id FROM orders WHERE customer_id = :owner AND status = 'failed')"
                " WHERE id = :id"
            ),
            {"id": cart["id"], "owner": person.user_id if buyer else cart["id"]},
        )
    newer = await _cart(world, shelf, 2, person)

    assert (await _read(world, guest)).json()["status"] == "active"
    assert (await _read(world, own, person)).status_code == 404
    merged = (await _read(world, newer, person)).json()
    assert [item["quantity"] for item in merged["items"]] == [3]


async def test_cart_of_an_order_that_was_never_begun_is_given_back_and_that_order_never_opens(
    world: World,
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await _cart(world, shelf)
    order_id = await world.shop.draft(shelf)
    await world.database.statement(
        text("UPDATE carts SET status = 'ordered', order_id = :order_id WHERE id = :id"),
        {"id": cart["id"], "order_id": order_id},
    )

    young = (await _read(world, cart)).json()["status"]
    await world.database.statement(
        text(
            "UPDATE checkout_drafts SET created_at = now() - interval '61 seconds'"
            " WHERE order_id = :id"
        ),
        {"id": order_id},
    )
    answers = await asyncio.gather(*(_read(world, cart) for _ in range(4)))
    late = await world.shop.place(order_id)

    assert young == "ordered"
    assert {answer.json()["status"] for answer in answers} == {"active"}
    assert late.status == "failed"
    assert await world.shop.events(order_id) == ["order.placed", "order.failed"]
    for invariant in INVARIANTS:
        broken = await rows_that_break(world.database, invariant)
        assert [row for row in broken if order_id in row.values()] == [], invariant.name
    assert await world.shop.levels(shelf) == (5, 0)


async def test_checkout_of_a_cart_names_what_is_wrong_with_it(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    person = await world.person()
    cart, empty = await _cart(world, shelf, person=person), await _cart(world, shelf)
    items = [{"sku": shelf.sku, "quantity": 1}]
    sku_path = f"/v1/carts/{empty['id']}/items/{shelf.sku}"
    await world.client.delete(sku_path, headers={"Cart-Token": empty["token"]})

    neither = await world.client.post(
        "/v1/checkouts",
        json=_body(None),
        headers={**person.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )
    both = await _order(world, cart, None, person, items=items)
    currency = await _order(world, cart, None, person, currency="EUR")
    nothing = await _order(world, empty)
    email = await _order(world, empty, None, None, email="nobody")
    await world.database.statement(
        text("UPDATE variants SET status = 'withdrawn' WHERE sku = :sku"), {"sku": shelf.sku}
    )
    withdrawn = await _order(world, cart, None, person)
    theirs = await _order(world, cart, None, customer)

    assert _pointers(neither) == ["/items"]
    assert _pointers(both) == ["/cart_id"]
    assert _pointers(currency) == ["/currency"]
    assert _pointers(nothing) == ["/cart_id"]
    assert _pointers(email) == ["/email"]
    assert _pointers(withdrawn) == ["/cart_id"]
    assert shelf.sku in withdrawn.json()["errors"][0]["detail"]
    assert theirs.status_code == 404


async def test_checkout_without_account_or_cart_is_not_authenticated(
    world: World, shelf: Shelf
) -> None:
    cart = await _cart(world, shelf)
    key = {"Idempotency-Key": new_id(Prefix.EVENT)}
    token = {"Cart-Token": cart["token"]}

    async def order(headers: dict[str, str], body: dict[str, Any]) -> httpx.Response:
        return await world.client.post("/v1/checkouts", json=body, headers=headers)

    nobody = await order(key, _body(cart["id"], email=EMAIL))
    no_cart = await order(key | token, {**checkout_body(shelf), "email": EMAIL})
    no_email = await order(key | token, _body(cart["id"]))
    wrong = await order(key | {"Cart-Token": "wrong"}, _body(cart["id"], email=EMAIL))
    no_key = await order(token, _body(cart["id"], email=EMAIL))

    assert (nobody.status_code, no_cart.status_code) == (401, 401)
    assert _pointers(no_email) == ["/email"]
    assert (wrong.status_code, no_key.status_code) == (404, 400)
    assert (await _read(world, cart)).json()["status"] == "active"


async def test_customer_may_order_a_guests_cart_and_the_order_is_the_customers(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await _cart(world, shelf)

    answer = await world.client.post(
        "/v1/checkouts",
        json=_body(cart["id"]),
        headers={
            **customer.headers,
            "Cart-Token": cart["token"],
            "Idempotency-Key": new_id(Prefix.EVENT),
        },
    )

    assert answer.status_code == 201, answer.text
    assert "tracking_token" not in answer.json()
    assert (await world.shop.order(answer.json()["id"]))["customer_id"] == customer.user_id
