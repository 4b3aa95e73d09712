"""A person asks to be forgotten, or staff ask for them."""

from __future__ import annotations

from core.domain.ids import Prefix, new_id
from core.domain.permissions import Permission
from tests.eventually import eventually
from tests.integration.api.conftest import PASSWORD, World
from tests.remembered import where_is


async def test_person_who_asks_is_shut_out_and_forgotten(world: World, workers: None) -> None:
    person = await world.person()
    login = {"email": person.email, "password": PASSWORD}
    session = (await world.client.post("/v1/auth/login", json=login)).json()

    asked = await world.client.delete("/v1/me", headers=person.headers)
    again = await world.client.delete("/v1/me", headers=person.headers)
    entered = await world.client.post("/v1/auth/login", json=login)
    refreshed = await world.client.post(
        "/v1/auth/refresh", json={"refresh_token": session["refresh_token"]}
    )
    profile = await world.client.get("/v1/me", headers=person.headers)

    assert (asked.status_code, again.status_code) == (202, 202)
    assert asked.json()["id"] == again.json()["id"]
    assert (entered.status_code, refreshed.status_code, profile.status_code) == (401, 401, 401)
    await eventually(lambda: where_is(world.database, person.email), lambda found: not found)


async def test_staff_ask_for_somebody_once_with_a_reason(world: World) -> None:
    person, staff = await world.person(), await world.person("staff")
    path = f"/v1/admin/users/{person.user_id}/erasure"
    headers = staff.headers | {"Idempotency-Key": new_id(Prefix.EVENT)}

    asked = await world.client.post(path, json={"reason": "by letter"}, headers=headers)
    again = await world.client.post(path, json={"reason": "by letter"}, headers=headers)
    listed = await world.client.get("/v1/admin/erasures", headers=staff.headers)
    opened = await world.client.patch(
        f"/v1/admin/users/{person.user_id}", json={"status": "active"}, headers=staff.headers
    )
    log = await world.client.get(
        "/v1/admin/audit-log", params={"target": person.user_id}, headers=staff.headers
    )

    assert (asked.status_code, again.content) == (202, asked.content)
    assert asked.json() | {"created_at": None} == {
        "id": asked.json()["id"],
        "user_id": person.user_id,
        "status": "requested",
        "kept": None,
        "created_at": None,
        "ended_at": None,
    }
    assert [one["user_id"] for one in listed.json()["data"]][:1] == [person.user_id]
    assert (opened.status_code, opened.json()["type"].rsplit("/")[-1]) == (409, "invalid-state")
    assert [(one["actor"], one["action"]) for one in log.json()["data"]] == [
        (f"staff:{staff.user_id}", "user.erasure_requested")
    ]


async def test_nobody_is_forgotten_by_staff_who_may_less(world: World) -> None:
    boss, staff = (
        await world.person("staff"),
        await world.person("staff", permissions=frozenset({Permission.PEOPLE_WRITE})),
    )

    refused = await world.client.post(
        f"/v1/admin/users/{boss.user_id}/erasure",
        json={"reason": "a mutiny"},
        headers=staff.headers | {"Idempotency-Key": new_id(Prefix.EVENT)},
    )

    assert refused.status_code == 403
