"""Carts that are kept: whose they are, what they show, how they change and when they end."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.carts import Cart, MadeCart
from core.guest_tokens import hash_cart_token
from models.repositories import carts
from tests.integration.api.conftest import PASSWORD, Person, World
from tests.shop import PRICE, Shelf

WEEK = 7 * 86_400
MONTH = 30 * 86_400


class Guest:
    """Somebody with a cart and its token."""

    def __init__(self, world: World, made: dict[str, Any]) -> None:
        self.world = world
        self.id: str = made["id"]
        self.token: str = made["token"]
        self.headers = {"Cart-Token": self.token}

    async def call(self, method: str, part: str = "", **options: Any) -> httpx.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.world.client.request(
            method, f"/v1/carts/{self.id}{part}", headers=headers, **options
        )

    async def add(self, shelf: Shelf, quantity: int = 1, **headers: str) -> httpx.Response:
        body = {"sku": shelf.sku, "quantity": quantity}
        return await self.call("POST", "/items", json=body, headers=headers)


async def _guest(world: World, *items: tuple[Shelf, int], currency: str = "USD") -> Guest:
    body = {
        "currency": currency,
        "items": [{"sku": shelf.sku, "quantity": quantity} for shelf, quantity in items],
    }
    answer = await world.client.post("/v1/carts", json=body)
    assert answer.status_code == 201, answer.text
    return Guest(world, answer.json())


async def _own(world: World, person: Person, *items: tuple[Shelf, int]) -> httpx.Response:
    body = {
        "currency": "USD",
        "items": [{"sku": shelf.sku, "quantity": quantity} for shelf, quantity in items],
    }
    return await world.client.post("/v1/carts", json=body, headers=person.headers)


async def _merge(world: World, person: Person, guest: Guest) -> httpx.Response:
    return await guest.call("POST", "/merge", headers=person.headers)


async def _expire(world: World, cart_id: str) -> None:
    await world.database.statement(
        text("UPDATE carts SET expires_at = now() WHERE id = :id"), {"id": cart_id}
    )


async def _row(world: World, cart_id: str) -> dict[str, Any]:
    rows = await world.database.statement(
        text(
            "SELECT *, extract(epoch FROM expires_at - updated_at) AS lifetime FROM carts"
            " WHERE id = :id"
        ),
        {"id": cart_id},
    )
    return dict(rows[0])


def _units(answer: httpx.Response) -> dict[str, int]:
    assert answer.status_code in {200, 201}, answer.text
    return {item["sku"]: item["quantity"] for item in answer.json()["items"]}


async def test_guest_fills_changes_and_empties_a_cart(world: World) -> None:
    one, two = await world.shop.stock_up(5), await world.shop.stock_up(5)
    guest = await _guest(world, (one, 2))

    added = await guest.add(one, 1)
    other = await guest.add(two, 4)
    put = await guest.call("PUT", f"/items/{two.sku}", json={"quantity": 1})
    patched = await guest.call("PATCH", f"/items/{one.sku}", json={"quantity": 5})
    zero = await guest.call("PUT", f"/items/{one.sku}", json={"quantity": 0})
    gone = await guest.call("PATCH", f"/items/{one.sku}", json={"quantity": 1})
    removed = await guest.call("DELETE", f"/items/{two.sku}")
    not_there = await guest.call("DELETE", f"/items/{two.sku}")

    assert _units(added) == {one.sku: 3}
    assert _units(other) == {one.sku: 3, two.sku: 4}
    assert Cart.model_validate_json(other.content).subtotal.amount == 7 * PRICE
    assert _units(put) == {one.sku: 3, two.sku: 1}
    assert _units(patched) == {one.sku: 5, two.sku: 1}
    assert _units(zero) == {two.sku: 1}
    assert _units(removed) == {}
    assert (gone.status_code, not_there.status_code) == (404, 404)


async def test_token_is_told_once_and_only_its_hash_is_kept(world: World) -> None:
    answer = await world.client.post("/v1/carts", json={"currency": "USD"})
    made = MadeCart.model_validate_json(answer.content)
    read = await world.client.get(
        answer.headers["location"], headers={"Cart-Token": str(made.token)}
    )
    row = await _row(world, made.id)

    assert (read.status_code, "token" in read.json()) == (200, False)
    assert row["token_hash"] == hash_cart_token(str(made.token))
    assert row["lifetime"] == WEEK
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('"0"', "no-store")


async def test_lines_tell_what_keeps_them_from_being_ordered(world: World) -> None:
    scarce, withdrawn = await world.shop.stock_up(1), await world.shop.stock_up(5)
    guest = await _guest(world, (scarce, 2), (withdrawn, 1))
    await world.database.statement(
        text("UPDATE variants SET status = 'withdrawn' WHERE sku = :sku"), {"sku": withdrawn.sku}
    )

    dollars = Cart.model_validate_json((await guest.call("GET")).content)
    await guest.call("PATCH", json={"currency": "JPY"})
    yen = Cart.model_validate_json((await guest.call("GET")).content)

    assert [[p.code for p in item.problems] for item in dollars.items] == [
        ["not-enough-stock"],
        ["not-on-sale"],
    ]
    assert [(item.available, item.name) for item in dollars.items] == [
        (1, "Thing - One"),
        (5, "Thing - One"),
    ]
    assert dollars.subtotal.amount == 2 * PRICE
    assert [p.code for p in yen.items[0].problems] == ["no-price-in-currency", "not-enough-stock"]
    assert (yen.items[0].unit_price, yen.subtotal.amount, yen.subtotal.currency) == (None, 0, "JPY")


@pytest.mark.parametrize("headers", [{}, {"Cart-Token": "wrong"}, {"Cart-Token": "\u00e9"}])
async def test_cart_without_its_token_does_not_exist(
    world: World, shelf: Shelf, headers: dict[str, str]
) -> None:
    guest = await _guest(world, (shelf, 1))
    person = await world.person("staff")
    own = (await _own(world, person)).json()["id"]

    for method, part, body in (
        ("GET", "", None),
        ("PATCH", "", {"currency": "EUR"}),
        ("POST", "/items", {"sku": shelf.sku, "quantity": 1}),
        ("PUT", f"/items/{shelf.sku}", {"quantity": 2}),
        ("PATCH", f"/items/{shelf.sku}", {"quantity": 2}),
        ("DELETE", f"/items/{shelf.sku}", None),
        ("PUT", "/promotion", {"code": "X"}),
        ("DELETE", "/promotion", None),
    ):
        for cart_id, more in ((guest.id, {}), (guest.id, person.headers), (own, {})):
            answer = await world.client.request(
                method,
                f"/v1/carts/{cart_id}{part}",
                json=body,
                headers=httpx.Headers({**headers, **more}, encoding="latin-1"),
            )
            assert answer.status_code == 404, (method, part)
            assert answer.json()["type"].endswith("/not-found")
    assert _units(await guest.call("GET")) == {shelf.sku: 1}


async def test_customer_has_one_cart_however_often_it_is_asked_for(
    world: World, shelf: Shelf
) -> None:
    person = await world.person()

    answers = await asyncio.gather(*(_own(world, person, (shelf, 1)) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert all("token" not in answer.json() for answer in answers)
    cart = await _own(world, person)
    assert _units(cart) == {shelf.sku: 6}
    assert (await _row(world, cart.json()["id"]))["lifetime"] == MONTH


async def test_adds_at_the_same_moment_all_count(world: World) -> None:
    shelf, other = await world.shop.stock_up(100), await world.shop.stock_up(100)
    guest = await _guest(world)

    answers = await asyncio.gather(
        *(guest.add(shelf, 2) for _ in range(8)), *(guest.add(other, 1) for _ in range(8))
    )

    assert {answer.status_code for answer in answers} == {200}
    final = await guest.call("GET")
    assert _units(final) == {shelf.sku: 16, other.sku: 8}
    assert final.headers["etag"] == '"16"'


async def test_change_of_another_version_than_the_seen_one_is_refused(
    world: World, shelf: Shelf
) -> None:
    guest = await _guest(world)
    seen = (await guest.call("GET")).headers["etag"]

    first = await guest.add(shelf, 1, **{"If-Match": seen})
    again = await guest.add(shelf, 1, **{"If-Match": seen})
    either = await guest.add(shelf, 1, **{"If-Match": f'"77", {first.headers["etag"]}'})
    weak = await guest.add(shelf, 1, **{"If-Match": f"W/{either.headers['etag']}"})
    any_ = await guest.add(shelf, 1, **{"If-Match": "*"})

    assert [a.status_code for a in (first, again, either, weak, any_)] == [200, 412, 200, 412, 200]
    assert again.json()["type"].endswith("/precondition-failed")
    assert _units(any_) == {shelf.sku: 3}


async def test_bad_contents_are_refused_with_a_pointer_and_change_nothing(
    world: World, shelf: Shelf
) -> None:
    guest = await _guest(world, (shelf, 9_999))
    line = {"sku": shelf.sku, "quantity": 1}

    for method, path, body, status, pointer in (
        ("POST", "", {"currency": "USD", "items": [line, line]}, 422, "/items/1/sku"),
        ("POST", "", {"currency": "USD", "items": [{**line, "sku": "NO"}]}, 422, "/items/0/sku"),
        ("POST", "", {"currency": "usd"}, 422, "/currency"),
        ("POST", "", {"currency": "USD", "owner": "me"}, 422, "/owner"),
        ("PATCH", f"/{guest.id}", {"currency": 7}, 422, "/currency"),
        ("POST", f"/{guest.id}/items", {"sku": "NO", "quantity": 1}, 422, "/sku"),
        ("POST", f"/{guest.id}/items", {**line, "quantity": 0}, 422, "/quantity"),
        ("POST", f"/{guest.id}/items", {**line, "quantity": 2}, 422, "/quantity"),
        ("POST", f"/{guest.id}/items", {**line, "quantity": 2**53 - 1}, 422, "/quantity"),
        ("PUT", f"/{guest.id}/items/{shelf.sku}", {"quantity": -1}, 422, "/quantity"),
        ("PUT", f"/{guest.id}/items/{shelf.sku}", {"quantity": 10_001}, 422, "/quantity"),
        ("PUT", f"/{guest.id}/items/NO", {"quantity": 1}, 404, None),
        ("PUT", f"/{guest.id}/promotion", {"code": "NO-SUCH"}, 422, "/code"),
        ("GET", "/crt_nonsense", None, 404, None),
    ):
        answer = await world.client.request(
            method, f"/v1/carts{path}", json=body, headers=guest.headers
        )
        assert answer.status_code == status, (path, answer.text)
        if pointer:
            assert [e["pointer"] for e in answer.json()["errors"]] == [pointer], (path, body)

    final = await guest.call("GET")
    assert (_units(final), final.headers["etag"]) == ({shelf.sku: 9_999}, '"0"')


async def test_cart_is_gone_at_the_moment_of_its_end_and_a_change_moves_it_on(
    world: World, shelf: Shelf
) -> None:
    guest = await _guest(world)
    person = await world.person()
    old = (await _own(world, person, (shelf, 1))).json()["id"]
    await world.database.statement(
        text("UPDATE carts SET expires_at = now() + interval '1 hour' WHERE id = :id"),
        {"id": guest.id},
    )

    moved = await guest.add(shelf)
    lifetime = (await _row(world, guest.id))["lifetime"]
    await _expire(world, guest.id)
    await _expire(world, old)
    read, added = await guest.call("GET"), await guest.add(shelf)
    merged = await _merge(world, person, guest)
    fresh = await _own(world, person)

    assert (moved.status_code, lifetime) == (200, WEEK)
    assert [a.status_code for a in (read, added, merged)] == [404, 404, 404]
    assert (fresh.status_code, _units(fresh)) == (201, {})
    assert fresh.json()["id"] != old


async def test_housekeeping_deletes_what_ended_long_ago(world: World, shelf: Shelf) -> None:
    old, young = await _guest(world, (shelf, 1)), await _guest(world, (shelf, 1))
    await world.database.statement(
        text("UPDATE carts SET expires_at = now() - interval '31 days' WHERE id = :id"),
        {"id": old.id},
    )
    await _expire(world, young.id)

    first = await carts.delete_old_carts(world.database, 30)
    again = await carts.delete_old_carts(world.database, 30)

    rows = await world.database.statement(
        text("SELECT cart_id FROM cart_items WHERE cart_id = ANY(:ids)"),
        {"ids": [old.id, young.id]},
    )
    assert (first, again, [row["cart_id"] for row in rows]) == (1, 0, [young.id])


async def test_merge_adds_up_once_and_ends_the_guests_cart(world: World) -> None:
    one, two = await world.shop.stock_up(5), await world.shop.stock_up(5)
    person, stranger = await world.person(), await world.person()
    guest = await _guest(world, (one, 9_999), (two, 1), currency="EUR")
    own = await _own(world, person, (one, 2))

    answers = await asyncio.gather(*(_merge(world, person, guest) for _ in range(4)))
    read, theirs = await guest.call("GET"), await _merge(world, stranger, guest)

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["id"] for answer in answers} == {own.json()["id"]}
    assert _units(await _own(world, person)) == {one.sku: 10_000, two.sku: 1}
    assert answers[0].json()["currency"] == "USD"
    assert (read.status_code, theirs.status_code) == (404, 404)
    assert (await _row(world, guest.id))["status"] == "merged"


async def test_merge_leaves_behind_lines_for_which_there_is_no_room(world: World) -> None:
    shelves = [await world.shop.stock_up(1) for _ in range(4)]
    person = await world.person()
    own = (await _own(world, person, (shelves[0], 1), (shelves[1], 1))).json()["id"]
    guest = await _guest(world, (shelves[1], 1))
    for shelf in shelves[2:]:
        await guest.add(shelf)
    async with world.database.transaction() as session:
        locked = await carts.lock(session, guest.id, own)
        await carts.merge(
            session,
            locked[guest.id],
            into_id=own,
            customer_id=person.user_id,
            max_quantity=10,
            max_lines=3,
        )

    assert _units(await _own(world, person)) == {
        shelves[0].sku: 1,
        shelves[1].sku: 2,
        shelves[2].sku: 1,
    }


async def test_sign_in_merges_by_itself_and_nobody_is_kept_out_for_a_cart(
    world: World, shelf: Shelf
) -> None:
    person = await world.person()
    guest = await _guest(world, (shelf, 3))

    async def sign_in(password: str, cart_id: str, token: str) -> int:
        answer = await world.client.post(
            "/v1/auth/login",
            json={"email": person.email, "password": password},
            headers={"Cart-Id": cart_id, "Cart-Token": token},
        )
        return answer.status_code

    assert await sign_in("wrong", guest.id, guest.token) == 401
    assert await sign_in(PASSWORD, guest.id, "wrong") == 200
    assert await sign_in(PASSWORD, "nonsense", guest.token) == 200
    assert _units(await guest.call("GET")) == {shelf.sku: 3}
    assert await sign_in(PASSWORD, guest.id, guest.token) == 200
    assert await sign_in(PASSWORD, guest.id, guest.token) == 200
    assert _units(await _own(world, person)) == {shelf.sku: 3}
    assert (await guest.call("GET")).status_code == 404


async def test_merge_needs_an_account_and_the_carts_token(world: World, shelf: Shelf) -> None:
    person = await world.person()
    guest = await _guest(world, (shelf, 1))

    nobody = await guest.call("POST", "/merge")
    no_token = await world.client.post(f"/v1/carts/{guest.id}/merge", headers=person.headers)

    assert (nobody.status_code, no_token.status_code) == (401, 404)
    assert _units(await guest.call("GET")) == {shelf.sku: 1}
