"""Sign-in with Google, and Google accounts that are linked to one's own."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import PASSWORD, Person, World
from tests.integration.api.test_people import log_of, new_email

_VERIFY = text("UPDATE users SET email_verified_at = now() WHERE id = :id")


class Google:
    """The sandbox's mint, and the API that reads its tokens."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url

    async def mint(self, email: str, **wanted: Any) -> str:
        async with httpx.AsyncClient(base_url=self.url) as http:
            answer = await http.post("/google/mint", json={"email": email, **wanted})
            return str(answer.json()["id_token"])

    async def sign_in(self, email: str, **wanted: Any) -> httpx.Response:
        body = {"id_token": await self.mint(email, **wanted)}
        return await self.world.client.post("/v1/auth/google", json=body)

    async def link(self, who: Person, email: str, **wanted: Any) -> httpx.Response:
        body = {"id_token": await self.mint(email, **wanted)}
        return await self.world.client.post(
            "/v1/me/identities/google", json=body, headers=who.headers
        )

    async def whose(self, answer: httpx.Response) -> str:
        assert answer.status_code == 200, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return str((await self.world.client.get("/v1/me", headers=headers)).json()["id"])


@pytest.fixture
def google(world: World, sandbox_url: str) -> Google:
    return Google(world, sandbox_url)


async def verified(world: World) -> Person:
    person = await world.person()
    async with world.database.transaction() as session:
        await session.execute(_VERIFY, {"id": person.user_id})
    return person


async def told(world: World, user_id: str) -> list[str]:
    rows = await world.database.statement(
        text("SELECT kind FROM account_messages WHERE user_id = :id ORDER BY id"), {"id": user_id}
    )
    return [row["kind"] for row in rows]


async def test_first_sign_in_makes_an_account_and_the_next_finds_it(google: Google) -> None:
    email = new_email()

    first = await google.whose(await google.sign_in(email, subject=email))
    again = await google.whose(await google.sign_in(new_email(), subject=email))

    assert again == first
    (row,) = await google.world.database.statement(
        text("SELECT email, email_verified_at, role, password_hash FROM users WHERE id = :id"),
        {"id": first},
    )
    assert (row["email"], row["role"], row["password_hash"]) == (email, "customer", None)
    assert row["email_verified_at"] is not None


async def test_verified_address_joins_the_account_and_its_owner_is_told(google: Google) -> None:
    person = await verified(google.world)

    user_id = await google.whose(await google.sign_in(person.email.upper()))

    assert user_id == person.user_id
    assert await told(google.world, user_id) == ["sign_in_changed"]
    assert [entry[1] for entry in await log_of(google.world, user_id)] == ["identity.linked"]


async def test_address_that_is_not_verified_on_both_sides_joins_nothing(google: Google) -> None:
    registered, owner = await google.world.person(), await verified(google.world)

    here = await google.sign_in(registered.email)
    there = await google.sign_in(owner.email, email_verified=False)
    nobodys = await google.sign_in(new_email(), email_verified=False)

    assert (here.status_code, there.status_code, nobodys.status_code) == (409, 401, 401)
    rows = await google.world.database.statement(
        text("SELECT count(*) FROM identities WHERE user_id = ANY(:ids)"),
        {"ids": [registered.user_id, owner.user_id]},
    )
    assert rows[0]["count"] == 0


async def test_linked_account_signs_in_until_it_is_taken_away(google: Google) -> None:
    person, email = await verified(google.world), new_email()
    client, path = google.world.client, "/v1/me/identities"

    linked = [await google.link(person, email) for _ in range(2)]
    assert [answer.status_code for answer in linked] == [201, 201]
    assert await google.whose(await google.sign_in(email)) == person.user_id
    listed = (await client.get(path, headers=person.headers)).json()["data"]
    assert [one["provider"] for one in listed] == ["google"]

    other = await google.link(person, new_email())
    stolen = await google.link(await google.world.person(), email)
    assert (other.status_code, stolen.status_code) == (409, 409)

    gone = [
        (await client.delete(f"{path}/google", headers=person.headers)).status_code
        for _ in range(2)
    ]
    assert gone == [204, 404]
    assert await google.whose(await google.sign_in(email)) != person.user_id
    assert await told(google.world, person.user_id) == ["sign_in_changed"] * 2


async def test_only_way_to_sign_in_stays(google: Google) -> None:
    person = await google.world.person()
    await google.link(person, new_email())
    await google.world.database.statement(
        text("UPDATE users SET password_hash = NULL WHERE id = :id"), {"id": person.user_id}
    )

    answer = await google.world.client.delete("/v1/me/identities/google", headers=person.headers)

    assert answer.status_code == 409


async def test_closed_account_is_not_opened_by_google(google: Google) -> None:
    email = new_email()
    user_id = await google.whose(await google.sign_in(email))
    await google.world.database.statement(
        text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": user_id}
    )

    assert (await google.sign_in(email)).status_code == 401


async def test_token_of_our_own_is_no_token_of_googles(google: Google, world: World) -> None:
    person = await verified(world)
    login = {"email": person.email, "password": PASSWORD}
    token = (await world.client.post("/v1/auth/login", json=login)).json()["access_token"]

    refused = await world.client.post("/v1/auth/google", json={"id_token": token})
    bearer = {"Authorization": f"Bearer {await google.mint(new_id(Prefix.USER) + '@a.dev')}"}
    other_way = await world.client.get("/v1/me", headers=bearer)

    assert (refused.status_code, other_way.status_code) == (401, 401)
