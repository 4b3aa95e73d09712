"""Owners of a vendor ask people in, change their rank, and let them go."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from core.domain.permissions import VendorRank
from tests.integration.api.conftest import PASSWORD, Person, World
from tests.integration.api.test_people import (
    get,
    log_of,
    new_email,
    patch,
    post,
    sign_in,
    token_of,
)


@pytest.fixture
async def vendor_id(world: World) -> str:
    return (await world.shop.stock_up(1)).vendor_id


@pytest.fixture
async def owner(world: World, vendor_id: str) -> Person:
    return await world.person("vendor", vendor_id=vendor_id)


async def invite(world: World, owner: Person, email: str, rank: str = "clerk") -> dict[str, Any]:
    answer = await post(world, owner, "vendor/members", {"email": email, "rank": rank})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def accept(world: World, invitation: dict[str, Any], **account: str) -> httpx.Response:
    body = {"token": token_of(world, invitation["id"]), **account}
    return await world.client.post("/v1/auth/invitations/accept", json=body)


async def test_stranger_becomes_a_member_by_the_link(
    world: World, owner: Person, vendor_id: str
) -> None:
    invitation = await invite(world, owner, email := new_email())
    assert [
        one["id"] for one in (await get(world, owner, "vendor/invitations")).json()["data"]
    ] == [invitation["id"]]
    bare = await accept(world, invitation)
    weak = await accept(world, invitation, name="Grace", password="password")
    taken = await accept(world, invitation, name="Grace", password=PASSWORD)

    assert (bare.status_code, weak.status_code, taken.status_code) == (422, 422, 204)
    assert [error["pointer"] for error in bare.json()["errors"]] == ["/name", "/password"]
    token = (await sign_in(world, email)).json()["access_token"]
    clerk = Person(user_id="", email=email, headers={"Authorization": f"Bearer {token}"})
    assert (await get(world, clerk, "vendor/shipments")).status_code == 200
    assert (await get(world, clerk, "vendor/members")).status_code == 403
    members = (await get(world, owner, "vendor/members")).json()["data"]
    assert [(one["email"], one["rank"]) for one in members] == [
        (owner.email, "owner"),
        (email, "clerk"),
    ]
    assert (await get(world, owner, "vendor/invitations")).json()["data"] == []


async def test_customer_who_is_asked_in_keeps_the_account_and_its_password(
    world: World, owner: Person, vendor_id: str
) -> None:
    customer = await world.person()
    of_stranger = await invite(world, owner, new_email())
    invitation = await invite(world, owner, customer.email.upper(), "owner")
    assert invitation.keys() == of_stranger.keys()

    accepted = await accept(world, invitation, password="another-plum-kettle-9")

    assert accepted.status_code == 204, accepted.text
    assert (await sign_in(world, customer.email)).status_code == 200
    rows = await world.database.statement(
        text("SELECT role, vendor_id, vendor_rank FROM users WHERE id = :id"),
        {"id": customer.user_id},
    )
    assert dict(rows[0]) == {"role": "vendor", "vendor_id": vendor_id, "vendor_rank": "owner"}


async def test_staff_and_other_vendors_people_are_not_taken(world: World, owner: Person) -> None:
    other = await world.shop.stock_up(1)
    for person in (
        await world.person("staff"),
        await world.person("vendor", vendor_id=other.vendor_id),
    ):
        answer = await accept(world, await invite(world, owner, person.email))
        assert answer.status_code == 409


@pytest.mark.parametrize("change", ["withdrawn", "expired", "tampered"])
async def test_invitation_that_is_over_opens_nothing(
    world: World, owner: Person, change: str
) -> None:
    invitation = await invite(world, owner, new_email())
    body = {"token": token_of(world, invitation["id"]), "name": "Grace", "password": PASSWORD}
    if change == "withdrawn":
        path = f"/v1/vendor/invitations/{invitation['id']}"
        first = await world.client.delete(path, headers=owner.headers)
        second = await world.client.delete(path, headers=owner.headers)
        assert (first.status_code, second.status_code) == (204, 404)
    elif change == "expired":
        await world.database.statement(
            text("UPDATE account_messages SET expires_at = now() WHERE id = :id"),
            {"id": invitation["id"]},
        )
    else:
        body["token"] = (
            token_of(world, new_id(Prefix.MESSAGE)).split(".")[1].join([f"{invitation['id']}.", ""])
        )

    answer = await world.client.post("/v1/auth/invitations/accept", json=body)

    assert answer.status_code == 401
    assert (await get(world, owner, "vendor/members")).json()["data"][1:] == []


async def test_vendor_is_never_without_an_owner(
    world: World, owner: Person, vendor_id: str
) -> None:
    clerk = await world.person("vendor", vendor_id=vendor_id, rank=VendorRank.CLERK)
    mine, theirs = (f"vendor/members/{one.user_id}" for one in (owner, clerk))

    demoted = await patch(world, owner, mine, {"rank": "clerk"})
    removed = await world.client.delete(f"/v1/{mine}", headers=owner.headers)
    assert (demoted.status_code, removed.status_code) == (409, 409)

    promoted = await patch(world, owner, theirs, {"rank": "owner"})
    removed = await world.client.delete(f"/v1/{mine}", headers=owner.headers)
    assert (promoted.status_code, removed.status_code) == (200, 204)
    rows = await world.database.statement(
        text("SELECT role, vendor_id, vendor_rank FROM users WHERE id = :id"),
        {"id": owner.user_id},
    )
    assert dict(rows[0]) == {"role": "customer", "vendor_id": None, "vendor_rank": None}
    actor = f"vendor:{owner.user_id}"
    place = {"vendor_id": vendor_id}
    assert await log_of(world, clerk.user_id) == [
        (actor, "member.changed", {**place, "rank": "clerk"}, {**place, "rank": "owner"})
    ]
    assert await log_of(world, owner.user_id) == [
        (actor, "member.removed", {**place, "rank": "owner"}, None)
    ]
