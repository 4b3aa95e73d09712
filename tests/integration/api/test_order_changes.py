"""Changing an order over the API: by its customer and by staff."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import ADDRESS, PRICE, Shelf

pytestmark = pytest.mark.usefixtures("workers")


async def _bought(world: World, person: Person, shelf: Shelf, quantity: int) -> dict[str, Any]:
    items = [{"sku": shelf.sku, "quantity": quantity}]
    answer = await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, items=items),
        headers={**person.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def _post(
    world: World, person: Person, path: str, body: Any, key: str | None = None
) -> httpx.Response:
    headers = {**person.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)}
    return await world.client.post(path, json=body, headers=headers)


async def test_units_are_canceled_by_their_customer_and_by_staff(
    world: World, customer: Person
) -> None:
    shelf = await world.shop.stock_up(5)
    staff = await world.person("staff")
    order = await _bought(world, customer, shelf, 4)
    path, body = f"/v1/orders/{order['id']}/cancel", {"reason": "one too many"}
    one = {**body, "items": [{"item_id": order["items"][0]["id"], "quantity": 1}]}
    key = new_id(Prefix.EVENT)

    first = await _post(world, customer, path, one, key)
    again = await _post(world, customer, path, one, key)
    by_staff = await _post(world, staff, f"/v1/admin/orders/{order['id']}/cancel", one)
    too_many = {**body, "items": [{"item_id": order["items"][0]["id"], "quantity": 3}]}
    refused = await _post(world, customer, path, too_many)
    unknown = {**body, "items": [{"item_id": "itm_nothing", "quantity": 1}]}
    unprocessable = await _post(world, customer, path, unknown)
    stranger = await _post(world, await world.person(), path, one)

    assert (first.status_code, again.content) == (200, first.content)
    assert first.json()["items"][0]["quantity"] == 3
    assert first.json()["subtotal"]["amount"] == 3 * PRICE
    assert by_staff.json()["items"][0]["quantity"] == 2
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["cancel up to 2"])
    assert (unprocessable.status_code, stranger.status_code) == (422, 404)
    assert await world.shop.levels(shelf) == (5, 2)


async def test_staff_edit_hold_release_and_cancel(world: World, customer: Person) -> None:
    shelf = await world.shop.stock_up(5)
    staff = await world.person("staff")
    order = await _bought(world, customer, shelf, 2)
    path = f"/v1/admin/orders/{order['id']}"
    edit = {"changes": [{"sku": shelf.sku, "quantity": 1}], "reason": "asked by telephone"}
    why = {"reason": "a doubt"}

    held = await _post(world, staff, f"{path}/hold", why)
    edited = await _post(world, staff, f"{path}/edits", edit)
    many = {**edit, "changes": [{"sku": shelf.sku, "quantity": 99}]}
    short = await _post(world, staff, f"{path}/edits", many)
    released = await _post(world, staff, f"{path}/release", why)
    twice = await _post(world, staff, f"{path}/review", {**why, "decision": "approve"})
    canceled = await _post(world, staff, f"{path}/cancel", why)
    late = await _post(world, staff, f"{path}/hold", why)

    assert [one.status_code for one in (held, edited, released, canceled)] == [200] * 4
    assert edited.json()["items"][0]["quantity"] == 1
    assert (short.status_code, short.json()["items"][0]["requested"]) == (409, 98)
    assert twice.status_code in {200, 409}
    assert canceled.json()["status"] == "canceled"
    assert (late.status_code, late.json()["state"]) == (409, "canceled")
    assert await world.shop.levels(shelf) == (5, 0)


@pytest.mark.parametrize("action", ["cancel", "edits", "hold", "release", "review"])
async def test_staff_routes_are_for_staff(world: World, customer: Person, action: str) -> None:
    body = {"reason": "curious"}
    if action == "edits":
        body |= {"changes": [{"sku": "X", "quantity": 1}]}  # type: ignore[dict-item]  # a JSON body
    if action == "review":
        body |= {"decision": "approve"}
    order_id = new_id(Prefix.ORDER)

    by_customer = await _post(world, customer, f"/v1/admin/orders/{order_id}/{action}", body)
    by_staff = await _post(
        world, await world.person("staff"), f"/v1/admin/orders/{order_id}/{action}", body
    )

    assert (by_customer.status_code, by_staff.status_code) == (403, 404)


async def test_address_is_changed_by_its_customer_alone(world: World, customer: Person) -> None:
    order = await _bought(world, customer, await world.shop.stock_up(1), 1)
    path = f"/v1/orders/{order['id']}/shipping-address"
    there = {**ADDRESS, "line1": "9 New Street"}

    async def put(person: Person, body: Any) -> httpx.Response:
        return await world.client.put(path, json=body, headers=person.headers)

    moved = await put(customer, there)
    stranger = await put(await world.person(), there)
    abroad = await put(customer, {**there, "country": "DE"})

    assert moved.json()["shipping_address"]["line1"] == "9 New Street"
    assert stranger.status_code == 404
    assert (abroad.status_code, abroad.json()["allowed"][-1]) == (409, "cancel")


async def test_review_rules_are_kept_by_staff(world: World, customer: Person) -> None:
    staff = await world.person("staff")
    rule = {"name": "far away", "kind": "country", "country": "AQ"}
    key = new_id(Prefix.EVENT)

    added = await _post(world, staff, "/v1/admin/review-rules", rule, key)
    again = await _post(world, staff, "/v1/admin/review-rules", rule, key)
    half = await _post(world, staff, "/v1/admin/review-rules", {**rule, "kind": "amount"})
    path = f"/v1/admin/review-rules/{added.json()['id']}"
    off = {"active": False, "reason": "nobody lives there"}
    read = await world.client.get(path, headers=staff.headers)
    matching = {**staff.headers, "If-Match": read.headers["ETag"]}
    changed = await world.client.patch(path, json=off, headers=matching)
    stale = await world.client.patch(path, json={**off, "active": True}, headers=matching)
    listed = await world.client.get("/v1/admin/review-rules", headers=staff.headers)
    forbidden = await world.client.get("/v1/admin/review-rules", headers=customer.headers)

    assert (added.status_code, again.content) == (201, added.content)
    assert (half.status_code, forbidden.status_code) == (422, 403)
    assert (read.json(), stale.status_code) == (added.json(), 412)
    assert changed.json() == {**added.json(), "active": False}
    assert changed.json() in listed.json()["data"]
