"""Making, filling and ordering carts over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import Shelf

EMAIL = "grace@shop.perdure.dev"
DECLINED: dict[str, Any] = {
    "payment": {"provider": "stripe", "payment_method": "pm_card_visa_chargeDeclined"}
}


async def make_cart(
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


async def order_cart(
    world: World,
    cart: dict[str, Any],
    key: str | None = None,
    person: Person | None = None,
    **changes: Any,
) -> httpx.Response:
    headers = {"Idempotency-Key": key or new_id(Prefix.EVENT)}
    headers |= person.headers if person else {"Cart-Token": cart["token"]}
    body = order_body(cart["id"], **({} if person else {"email": EMAIL}) | changes)
    return await world.client.post("/v1/checkouts", json=body, headers=headers)


def order_body(cart_id: str | None, **changes: Any) -> dict[str, Any]:
    body = {**checkout_body(_NO_SHELF), "cart_id": cart_id, **changes}
    if "items" not in changes:
        del body["items"]
    return body


_NO_SHELF = Shelf(sku="", variant_id="", vendor_id="", warehouse_id="")


async def read_cart(
    world: World, cart: dict[str, Any], person: Person | None = None
) -> httpx.Response:
    headers = person.headers if person else {"Cart-Token": cart["token"]}
    return await world.client.get(f"/v1/carts/{cart['id']}", headers=headers)


async def add_to_cart(world: World, cart: dict[str, Any], shelf: Shelf) -> httpx.Response:
    return await world.client.post(
        f"/v1/carts/{cart['id']}/items",
        json={"sku": shelf.sku, "quantity": 1},
        headers={"Cart-Token": cart["token"]},
    )


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]
