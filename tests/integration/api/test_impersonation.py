"""Staff act as a customer for some minutes: under both names, and seen by the customer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from core.domain.permissions import Permission
from core.security import AccessTokens
from tests.integration.api.conftest import Person, World
from tests.integration.api.test_people import get, log_of, patch, post
from tests.returning import delivered
from tests.shop import Shop

REASON = "ticket 4711"


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


async def begin(world: World, staff: Person, user_id: str) -> httpx.Response:
    path = f"/v1/admin/users/{user_id}/impersonate"
    return await world.client.post(path, json={"reason": REASON}, headers=staff.headers)


async def acting(world: World, staff: Person, customer: Person) -> tuple[Person, dict[str, Any]]:
    answer = await begin(world, staff, customer.user_id)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    return Person(user_id=customer.user_id, email=customer.email, headers=headers), made


async def test_staff_see_what_the_customer_sees_and_it_is_written_down(
    world: World, staff: Person
) -> None:
    customer = await world.person()
    support, made = await acting(world, staff, customer)

    assert (await get(world, support, "me")).json()["id"] == customer.user_id
    assert (await get(world, support, "admin/orders")).status_code == 403
    assert made["expires_in"] == 900
    (entry,) = await log_of(world, customer.user_id)
    assert entry == (
        f"staff:{staff.user_id}",
        "account.impersonated",
        None,
        {"session_id": made["session_id"], "seconds": 900},
    )


async def test_customer_sees_the_session_and_ends_it_at_once(world: World, staff: Person) -> None:
    customer = await world.person()
    support, made = await acting(world, staff, customer)

    (shown,) = (await get(world, customer, "me/sessions")).json()["data"]
    assert (shown["id"], shown["method"], shown["impersonator_id"], shown["reason"]) == (
        made["session_id"],
        "impersonation",
        staff.user_id,
        REASON,
    )
    path = f"/v1/me/sessions/{made['session_id']}"
    assert (await world.client.delete(path, headers=support.headers)).status_code == 403
    assert (await world.client.delete(path, headers=customer.headers)).status_code == 204
    assert (await get(world, support, "me")).status_code == 401


@pytest.mark.parametrize("end", ["disabled", "expired"])
async def test_it_ends_with_its_time_and_with_the_account_of_staff(
    world: World, staff: Person, end: str
) -> None:
    support, made = await acting(world, staff, await world.person())
    if end == "disabled":
        boss = await world.person("staff")
        await patch(world, boss, f"admin/users/{staff.user_id}", {"status": "disabled"})
    else:
        await world.database.statement(
            text("UPDATE sessions SET expires_at = now() WHERE id = :id"),
            {"id": made["session_id"]},
        )

    assert (await get(world, support, "me")).status_code == 401


async def test_nobody_acts_as_staff_or_without_the_right(world: World, staff: Person) -> None:
    other, customer = await world.person("staff"), await world.person()
    lesser = await world.person("staff", permissions=frozenset({Permission.PEOPLE_WRITE}))
    closed = await world.person()
    await patch(world, staff, f"admin/users/{closed.user_id}", {"status": "disabled"})
    support, _ = await acting(world, staff, customer)

    answers = [
        await begin(world, staff, other.user_id),
        await begin(world, lesser, customer.user_id),
        await begin(world, support, customer.user_id),
        await begin(world, staff, closed.user_id),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 409]


async def test_token_cannot_be_made_longer_by_its_claims(world: World, staff: Person) -> None:
    support, made = await acting(world, staff, await world.person())
    token = support.headers["Authorization"].removeprefix("Bearer ")

    principal = AccessTokens.of(world.resources.settings.auth).read(token)

    assert principal.impersonator_id == staff.user_id
    assert principal.permissions == frozenset()
    assert "refresh_token" not in made


async def test_deed_has_both_names(world: World, staff: Person) -> None:
    customer = await world.person()
    support, _ = await acting(world, staff, customer)
    shop = Shop(world.database, world.resources.temporal)
    shop.customer_id = customer.user_id
    sold = await delivered(world.resources, shop, await shop.stock_up(2))
    item = {"item_id": sold.items[0], "quantity": 1, "reason": "damaged"}

    answer = await post(
        world, support, f"orders/{sold.order_id}/returns", {"items": [item]}, new_id(Prefix.EVENT)
    )

    assert answer.status_code in {201, 202, 503}, answer.text
    rows = await world.database.statement(
        text("SELECT actor FROM order_timeline WHERE order_id = :id AND type = 'return.requested'"),
        {"id": sold.order_id},
    )
    assert [row["actor"] for row in rows] == [
        f"staff:{staff.user_id} as customer:{customer.user_id}"
    ]
