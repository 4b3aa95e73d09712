"""Where somebody is signed in, and how they end it."""

from __future__ import annotations

from typing import Any

from models.repositories import audit
from tests.integration.api.conftest import PASSWORD, Person, World
from tests.integration.api.mailbox import Caller


async def sign_in(world: World, person: Person, device: str, address: str) -> dict[str, Any]:
    body = {"email": person.email, "password": PASSWORD}
    opened = await Caller(world, address).post("/auth/login", body, **{"User-Agent": device})
    assert opened.status_code == 200
    return dict(opened.json())


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


async def refreshes(world: World, session: dict[str, Any]) -> bool:
    body = {"refresh_token": session["refresh_token"]}
    return (await world.client.post("/v1/auth/refresh", json=body)).status_code == 200


async def test_sessions_tell_where_somebody_is_signed_in(world: World) -> None:
    person = await world.person()
    await sign_in(world, person, "Phone/1 " + "x" * 300, "203.0.113.7")
    here = await sign_in(world, person, "Laptop/2", "203.0.113.8")

    answer = await world.client.get("/v1/me/sessions", headers=bearer(here))

    newest, oldest = answer.json()["data"]
    assert (newest["device"], newest["address"], newest["current"]) == (
        "Laptop/2",
        "203.0.113.8",
        True,
    )
    assert (len(oldest["device"]), oldest["method"], oldest["current"]) == (200, "password", False)
    first = await world.client.get("/v1/me/sessions?limit=1", headers=bearer(here))
    cursor = first.json()["next_cursor"]
    second = await world.client.get(
        f"/v1/me/sessions?limit=1&cursor={cursor}", headers=bearer(here)
    )
    assert [page.json()["data"][0]["id"] for page in (first, second)] == [
        newest["id"],
        oldest["id"],
    ]


async def test_ended_session_refreshes_no_more_and_the_others_do(world: World) -> None:
    person = await world.person()
    lost, here = [await sign_in(world, person, "x", "203.0.113.7") for _ in range(2)]
    rows = (await world.client.get("/v1/me/sessions", headers=bearer(here))).json()["data"]
    path = f"/v1/me/sessions/{rows[1]['id']}"

    ended = [await world.client.delete(path, headers=bearer(here)) for _ in range(2)]

    assert [answer.status_code for answer in ended] == [204, 404]
    assert (await refreshes(world, lost), await refreshes(world, here)) == (False, True)
    entries = await audit.list_entries(world.database, limit=5, target=person.user_id)
    assert [entry.action for entry in entries] == ["user.sessions_ended"]


async def test_all_other_sessions_end_at_once(world: World) -> None:
    person = await world.person()
    others = [await sign_in(world, person, "x", "203.0.113.7") for _ in range(2)]
    here = await sign_in(world, person, "x", "203.0.113.7")

    ended = await world.client.delete("/v1/me/sessions", headers=bearer(here))

    assert ended.status_code == 204
    assert [await refreshes(world, one) for one in (*others, here)] == [False, False, True]
    left = (await world.client.get("/v1/me/sessions", headers=bearer(here))).json()["data"]
    assert [row["current"] for row in left] == [True]


async def test_refresh_token_that_is_shown_twice_is_in_the_audit_log(world: World) -> None:
    person = await world.person()
    session = await sign_in(world, person, "x", "203.0.113.7")
    assert await refreshes(world, session)

    assert not await refreshes(world, session)
    assert not await refreshes(world, session)

    entries = await audit.list_entries(world.database, limit=5, target=person.user_id)
    assert [(entry.actor, entry.action) for entry in entries] == [
        ("system", "session.refresh_token_reused")
    ]
