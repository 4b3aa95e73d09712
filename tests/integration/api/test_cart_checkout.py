"""From a kept cart to an order, with every worker running."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from core.domain.errors import ConflictError
from core.domain.ids import Prefix, new_id
from models.repositories.drafts import Cart, CartRef, claim_checkout
from models.repositories.invariants import INVARIANTS, rows_that_break
from tests.integration.api.conftest import Person, World
from tests.integration.api.kept_carts import (
    DECLINED,
    add_to_cart,
    make_cart,
    order_body,
    order_cart,
    pointers,
    read_cart,
)

pytestmark = pytest.mark.usefixtures("workers")


async def test_same_key_gets_the_same_bytes_and_a_second_key_no_second_order(
    world: World,
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await make_cart(world, shelf)
    key = new_id(Prefix.EVENT)

    first = await order_cart(world, cart, key)
    again = await order_cart(world, cart, key)
    other = await order_cart(world, cart)
    changed = await add_to_cart(world, cart, shelf)
    read = await read_cart(world, cart)

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
    cart = await make_cart(world, shelf)
    key = new_id(Prefix.EVENT)
    draft = (
        await world.database.statement(
            text("SELECT cart FROM checkout_drafts WHERE order_id = :id"),
            {"id": await world.shop.draft(shelf)},
        )
    )[0]["cart"]
    await add_to_cart(world, cart, shelf)
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
    assert (await read_cart(world, cart)).json()["status"] == "active"
    assert (await order_cart(world, cart, key)).status_code == 201


async def test_cart_ordered_with_many_keys_at_once_is_one_order(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(50)
    person = await world.person()
    cart = await make_cart(world, shelf, person=person)
    same, keys = new_id(Prefix.EVENT), [new_id(Prefix.EVENT) for _ in range(4)]

    answers = await asyncio.gather(
        *(order_cart(world, cart, key, person) for key in [*keys, same, same, same])
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
    cart = await make_cart(world, shelf)
    key = new_id(Prefix.EVENT)

    declined = await order_cart(world, cart, key, **DECLINED)
    read = await read_cart(world, cart)
    added = await add_to_cart(world, cart, other)
    replayed = await order_cart(world, cart, key, **DECLINED)
    ordered = await order_cart(world, cart)

    assert (declined.status_code, replayed.content) == (402, declined.content)
    assert (read.json()["status"], read.json()["order_id"]) == ("active", None)
    assert added.status_code == 200
    assert (ordered.status_code, len(ordered.json()["items"])) == (201, 2)
    assert await world.shop.levels(shelf) == (5, 1)


async def test_sold_out_cart_stays_as_it_is(world: World) -> None:
    shelf = await world.shop.stock_up(1)
    cart = await make_cart(world, shelf, 2)

    refused = await order_cart(world, cart)
    read = await read_cart(world, cart)

    assert refused.status_code == 409
    assert refused.json()["items"] == [{"sku": shelf.sku, "requested": 2, "available": 1}]
    assert (read.json()["status"], read.headers["etag"]) == ("active", '"0"')


async def test_cart_whose_order_failed_unseen_is_shown_active(world: World) -> None:
    shelf = await world.shop.stock_up(5)
    person = await world.person()
    guest, own = await make_cart(world, shelf), await make_cart(world, shelf, person=person)
    for cart, buyer in ((guest, None), (own, person)):
        order = (await order_cart(world, cart, None, buyer, **DECLINED)).status_code
        assert order == 402
        await world.database.statement(
            text(
                "UPDATE carts SET status = 'ordered', order_id = ("
                "SELECT id FROM orders WHERE customer_id = :owner AND status = 'failed')"
                " WHERE id = :id"
            ),
            {"id": cart["id"], "owner": person.user_id if buyer else cart["id"]},
        )
    newer = await make_cart(world, shelf, 2, person)

    assert (await read_cart(world, guest)).json()["status"] == "active"
    assert (await read_cart(world, own, person)).status_code == 404
    merged = (await read_cart(world, newer, person)).json()
    assert [item["quantity"] for item in merged["items"]] == [3]


async def test_cart_of_an_order_that_was_never_begun_is_given_back_and_that_order_never_opens(
    world: World,
) -> None:
    shelf = await world.shop.stock_up(5)
    cart = await make_cart(world, shelf)
    order_id = await world.shop.draft(shelf)
    await world.database.statement(
        text("UPDATE carts SET status = 'ordered', order_id = :order_id WHERE id = :id"),
        {"id": cart["id"], "order_id": order_id},
    )

    young = (await read_cart(world, cart)).json()["status"]
    await world.database.statement(
        text(
            "UPDATE checkout_drafts SET created_at = now() - interval '61 seconds'"
            " WHERE order_id = :id"
        ),
        {"id": order_id},
    )
    answers = await asyncio.gather(*(read_cart(world, cart) for _ in range(4)))
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
    cart, empty = await make_cart(world, shelf, person=person), await make_cart(world, shelf)
    items = [{"sku": shelf.sku, "quantity": 1}]
    sku_path = f"/v1/carts/{empty['id']}/items/{shelf.sku}"
    await world.client.delete(sku_path, headers={"Cart-Token": empty["token"]})

    neither = await world.client.post(
        "/v1/checkouts",
        json=order_body(None),
        headers={**person.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )
    both = await order_cart(world, cart, None, person, items=items)
    currency = await order_cart(world, cart, None, person, currency="EUR")
    nothing = await order_cart(world, empty)
    email = await order_cart(world, empty, None, None, email="nobody")
    await world.database.statement(
        text("UPDATE variants SET status = 'withdrawn' WHERE sku = :sku"), {"sku": shelf.sku}
    )
    withdrawn = await order_cart(world, cart, None, person)
    theirs = await order_cart(world, cart, None, customer)

    assert pointers(neither) == ["/items"]
    assert pointers(both) == ["/cart_id"]
    assert pointers(currency) == ["/currency"]
    assert pointers(nothing) == ["/cart_id"]
    assert pointers(email) == ["/email"]
    assert pointers(withdrawn) == ["/cart_id"]
    assert shelf.sku in withdrawn.json()["errors"][0]["detail"]
    assert theirs.status_code == 404
