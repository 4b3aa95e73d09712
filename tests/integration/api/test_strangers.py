"""Whoever may not use a route, or does not own what it is about, is refused by every route.

Read from the OpenAPI document and its examples: a new route is tried without a line here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import Person, World
from tests.integration.api.kept_carts import make_cart
from tests.integration.api.test_parcels import headers_of_vendor
from tests.returning import delivered, requested
from tests.shop import Shop
from tests.unit.api.test_routes import CART, ORDER, POLICIES, SIGNED_IN, STAFF, VENDOR

pytestmark = pytest.mark.usefixtures("workers")

NOBODY = "nobody"
OTHER_CUSTOMER = "another customer"
OTHER_VENDOR = "another vendor"
STAFF_MEMBER = "staff"

OWNED = {"orders": "order", "returns": "return", "carts": "cart", "holds": "hold"}
EXPECTED = {
    NOBODY: {STAFF: {401}, VENDOR: {401}, SIGNED_IN: {401}, ORDER: {401}, CART: {401, 404}},
    OTHER_CUSTOMER: {STAFF: {403}, VENDOR: {403}, SIGNED_IN: {404}, ORDER: {404}, CART: {404}},
    OTHER_VENDOR: {STAFF: {403}, VENDOR: {404}, SIGNED_IN: {404}, ORDER: {404}, CART: {404}},
    STAFF_MEMBER: {VENDOR: {403}},
}
"""The answers that a stranger may get from a route with this policy, about somebody else's."""

_ROWS = text("""
SELECT md5(string_agg(row, '|' ORDER BY row)) AS digest FROM (
    SELECT o::text AS row FROM orders o WHERE id = :order
    UNION ALL SELECT s::text FROM shipments s WHERE order_id = :order
    UNION ALL SELECT r::text FROM returns r WHERE id = :return
    UNION ALL SELECT c::text FROM carts c WHERE id = :cart
    UNION ALL SELECT i::text FROM cart_items i WHERE cart_id = :cart
    UNION ALL SELECT h::text FROM holds h WHERE id = :hold
) rows
""")


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation of the API, with an example of what it takes."""

    name: str
    path: str
    method: str
    body: Any
    media_type: str
    example_id: str | None

    @property
    def policy(self) -> str:
        return POLICIES[self.name]

    @property
    def has_id(self) -> bool:
        return "{id}" in self.path


def routes(world: World) -> Iterator[Route]:
    for path, operations in world.app.openapi()["paths"].items():
        for method, operation in operations.items():
            filled, example_id = path, None
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "path":
                    continue
                if parameter["name"] == "id":
                    example_id = parameter.get("example")
                else:
                    example = parameter["schema"]["examples"][0]
                    filled = filled.replace(f"{{{parameter['name']}}}", example)
            content = operation.get("requestBody", {}).get("content", {})
            media_type = next(iter(content), "application/json")
            yield Route(
                name=f"{method.upper()} {path}",
                path=filled,
                method=method.upper(),
                body=content.get(media_type, {}).get("example"),
                media_type=media_type,
                example_id=example_id,
            )


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """What belongs to one customer, and to one vendor."""

    ids: dict[str, str]

    def path_of(self, route: Route) -> str:
        parts = route.path.split("/")
        thing = parts[parts.index("{id}") - 1] if route.has_id else ""
        owned = "shipment" if thing == "shipments" else OWNED.get(thing)
        return route.path.replace("{id}", self.ids[owned] if owned else str(route.example_id))


@pytest.fixture
async def belongings(world: World) -> Belongings:
    owner = await world.person()
    shop = Shop(world.database, world.resources.temporal)
    shop.customer_id = owner.user_id
    shelf = await shop.stock_up(9)
    sold = await delivered(world.resources, shop, shelf, 2)
    cart = await make_cart(world, shelf, 1, owner)
    hold_id, _ = await shop.hold(shelf, 1)
    return Belongings(
        ids={
            "order": sold.order_id,
            "return": await requested(world.database, sold),
            "shipment": (await shop.shipments(sold.order_id))[0]["id"],
            "cart": cart["id"],
            "hold": hold_id,
        }
    )


async def send(world: World, route: Route, path: str, headers: dict[str, str]) -> httpx.Response:
    is_text = isinstance(route.body, str)
    return await world.client.request(
        route.method,
        path,
        headers={
            **headers,
            "Idempotency-Key": new_id(Prefix.EVENT),
            "Content-Type": route.media_type,
        },
        content=route.body if is_text else None,
        json=None if is_text else route.body,
    )


async def headers_of(world: World, who: str, staff: Person, other: Person) -> dict[str, str]:
    match who:
        case "another customer":
            return other.headers
        case "another vendor":
            return headers_of_vendor(world, new_id(Prefix.VENDOR))
        case "staff":
            return staff.headers
    return {}


@pytest.mark.parametrize("who", list(EXPECTED))
async def test_stranger_is_refused_by_every_route_and_changes_nothing(
    world: World, belongings: Belongings, who: str
) -> None:
    staff, other = await world.person("staff"), await world.person()
    headers = await headers_of(world, who, staff, other)
    before = await world.database.statement(_ROWS, belongings.ids)
    tried = set()
    for route in routes(world):
        expected = EXPECTED[who].get(route.policy)
        if expected is None or not (route.has_id or expected <= {401, 403}):
            continue  # a list, or something new: of the stranger's own
        answer = await send(world, route, belongings.path_of(route), headers)
        assert answer.status_code in expected, (route.name, answer.status_code, answer.text)
        tried.add(route.policy)
    assert tried == set(EXPECTED[who])
    assert await world.database.statement(_ROWS, belongings.ids) == before
