"""Registration, verification and recovery, by the messages that people get."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from models.repositories import audit
from tests.integration.api.conftest import PASSWORD, World
from tests.integration.api.mailbox import Mailbox

OTHER = "orbit-plum-kettle-77"
VERIFY = "Confirm your e-mail address"
RESET = "Set a new password"
CHANGED = "Your password was changed"


@pytest.fixture
async def mailbox(sandbox_url: str, workers: None) -> AsyncIterator[Mailbox]:
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http:
        yield Mailbox(http)


def somebody() -> str:
    return f"{new_id(Prefix.USER)}@shop.perdure.dev"


async def register(world: World, email: str, password: str = PASSWORD) -> dict[str, str]:
    body = {"email": email, "password": password, "name": "Ada"}
    made = await world.client.post("/v1/auth/register", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())


async def login(world: World, email: str, password: str = PASSWORD) -> httpx.Response:
    body = {"email": email, "password": password}
    return await world.client.post("/v1/auth/login", json=body)


async def headers_of(world: World, email: str, password: str = PASSWORD) -> dict[str, str]:
    session = (await login(world, email, password)).json()
    return {"Authorization": f"Bearer {session['access_token']}"}


async def me(world: World, headers: dict[str, str]) -> dict[str, object]:
    return dict((await world.client.get("/v1/me", headers=headers)).json())


async def test_registered_address_is_confirmed_by_its_link_once(
    world: World, mailbox: Mailbox
) -> None:
    email = somebody()
    await register(world, email)
    headers = await headers_of(world, email)
    assert (await me(world, headers))["email_verified"] is False
    token = await mailbox.token(email, VERIFY)

    answers = [
        await world.client.post("/v1/auth/email/verify", json={"token": token}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [204, 422]
    assert (await me(world, headers))["email_verified"] is True


async def test_owner_of_a_registered_address_is_told_and_nobody_else(
    world: World, mailbox: Mailbox
) -> None:
    email = somebody()
    first = await register(world, email)

    second = await register(world, email.upper(), OTHER)

    told = await mailbox.newest(email.upper(), "You have an account already")
    assert PASSWORD not in told["text"]
    assert OTHER not in told["text"]
    assert first["id"] != second["id"]
    assert (await login(world, email, OTHER)).status_code == 401
    assert (await login(world, email)).status_code == 200


async def test_owner_of_an_address_is_told_five_times_in_an_hour_and_no_more(world: World) -> None:
    email = somebody()
    for _ in range(7):
        await register(world, email)

    rows = await world.database.statement(
        text("SELECT kind FROM account_messages WHERE recipient = :to ORDER BY id"), {"to": email}
    )
    assert [row["kind"] for row in rows] == ["verify_email", *["already_registered"] * 4]


async def test_link_is_sent_again_only_to_an_unconfirmed_account(
    world: World, mailbox: Mailbox
) -> None:
    email, stranger = somebody(), somebody()
    await register(world, email)
    old = await mailbox.token(email, VERIFY)
    path = "/v1/auth/email/resend"
    assert (await world.client.post(path, json={"email": email})).status_code == 202
    new = await mailbox.token(email, VERIFY, after=1)
    assert (await world.client.post(path, json={"email": stranger})).status_code == 202

    answers = [
        await world.client.post("/v1/auth/email/verify", json={"token": token})
        for token in (old, new)
    ]
    assert [answer.status_code for answer in answers] == [422, 204]
    assert (await world.client.post(path, json={"email": email})).status_code == 202
    rows = await world.database.statement(
        text("SELECT recipient, used_at FROM account_messages WHERE recipient IN (:a, :b)"),
        {"a": email, "b": stranger},
    )
    assert [row["used_at"] is not None for row in rows] == [True] * 4
    assert len(await mailbox.messages(email)) == 2
    assert await mailbox.messages(stranger) == []


async def test_new_password_ends_every_session_and_the_owner_is_told(
    world: World, mailbox: Mailbox
) -> None:
    person = await world.person()
    email, user_id = person.email, person.user_id
    session = (await login(world, email)).json()
    asked = await world.client.post("/v1/auth/password/forgot", json={"email": email.upper()})
    token = await mailbox.token(email, RESET)

    weak = await world.client.post(
        "/v1/auth/password/reset", json={"token": token, "password": "password1"}
    )
    answers = [
        await world.client.post("/v1/auth/password/reset", json={"token": token, "password": OTHER})
        for _ in range(2)
    ]

    assert (asked.status_code, weak.status_code) == (202, 422)
    assert weak.json()["errors"][0]["pointer"] == "/password"
    assert [answer.status_code for answer in answers] == [204, 422]
    refreshed = await world.client.post(
        "/v1/auth/refresh", json={"refresh_token": session["refresh_token"]}
    )
    assert refreshed.status_code == 401
    assert (await login(world, email)).status_code == 401
    assert (await login(world, email, OTHER)).status_code == 200
    await mailbox.newest(email, CHANGED)
    entries = await audit.list_entries(world.database, limit=5, target=user_id)
    assert [(entry.actor, entry.action) for entry in entries] == [
        (f"customer:{user_id}", "user.password_reset")
    ]


async def test_forgotten_password_of_a_stranger_gets_the_same_answer_and_no_message(
    world: World, mailbox: Mailbox
) -> None:
    stranger = somebody()

    asked = await world.client.post("/v1/auth/password/forgot", json={"email": stranger})

    assert (asked.status_code, asked.content) == (202, b"")
    (row,) = await world.database.statement(
        text("SELECT user_id, used_at, sent_at FROM account_messages WHERE recipient = :to"),
        {"to": stranger},
    )
    assert (row["user_id"], row["used_at"] is None, row["sent_at"]) == (None, False, None)
    assert await mailbox.messages(stranger) == []


@pytest.mark.parametrize("token", ["x", "msg_01jd7x9k2me8kv1qzr5t0w3y4b.x", "msg_.", "é☃.x"])
async def test_token_that_nobody_was_sent_is_refused(world: World, token: str) -> None:
    verify = await world.client.post("/v1/auth/email/verify", json={"token": token})
    reset = await world.client.post(
        "/v1/auth/password/reset", json={"token": token, "password": OTHER}
    )

    assert (verify.status_code, reset.status_code) == (422, 422)
    assert [answer.json()["errors"][0]["pointer"] for answer in (verify, reset)] == ["/token"] * 2


async def test_link_of_one_kind_opens_nothing_of_another(world: World, mailbox: Mailbox) -> None:
    email = somebody()
    await register(world, email)
    token = await mailbox.token(email, VERIFY)

    crossed = await world.client.post(
        "/v1/auth/password/reset", json={"token": token, "password": OTHER}
    )

    assert crossed.status_code == 422
    assert (await login(world, email)).status_code == 200


async def test_new_address_counts_when_it_is_proved_and_the_old_one_is_told(
    world: World, mailbox: Mailbox
) -> None:
    person, new = await world.person(), somebody()
    old = person.email
    forgotten = await world.client.post("/v1/auth/password/forgot", json={"email": old})
    stale = await mailbox.token(old, RESET)
    body = {"email": new, "current_password": PASSWORD}

    bare = await world.client.patch("/v1/me", headers=person.headers, json={"email": new})
    asked = await world.client.patch("/v1/me", headers=person.headers, json=body)

    assert (forgotten.status_code, bare.status_code, asked.status_code) == (202, 422, 200)
    assert bare.json()["errors"][0]["pointer"] == "/current_password"
    assert asked.json()["email"] == old
    token = await mailbox.token(new, VERIFY)
    proved = await world.client.post("/v1/auth/email/verify", json={"token": token})
    assert proved.status_code == 204
    assert (await me(world, person.headers))["email"] == new
    await mailbox.newest(old, "Your e-mail address was changed")
    late = await world.client.post(
        "/v1/auth/password/reset", json={"token": stale, "password": OTHER}
    )
    assert late.status_code == 422
    assert (await login(world, new)).status_code == 200


async def test_address_that_somebody_else_has_cannot_be_taken(
    world: World, mailbox: Mailbox
) -> None:
    person, new = await world.person(), somebody()
    body = {"email": new, "current_password": PASSWORD}
    await world.client.patch("/v1/me", headers=person.headers, json=body)
    token = await mailbox.token(new, VERIFY)
    await register(world, new)

    answer = await world.client.post("/v1/auth/email/verify", json={"token": token})

    assert answer.status_code == 409
    assert (await me(world, person.headers))["email"] == person.email


async def test_changed_password_ends_the_other_sessions_alone(
    world: World, mailbox: Mailbox
) -> None:
    person = await world.person()
    here, there = [(await login(world, person.email)).json() for _ in range(2)]
    headers = {"Authorization": f"Bearer {here['access_token']}"}
    path = "/v1/me/password"

    wrong = await world.client.post(
        path, headers=headers, json={"current_password": OTHER, "password": OTHER}
    )
    weak = await world.client.post(
        path, headers=headers, json={"current_password": PASSWORD, "password": person.email}
    )
    right = await world.client.post(
        path, headers=headers, json={"current_password": PASSWORD, "password": OTHER}
    )

    assert (wrong.status_code, weak.status_code, right.status_code) == (422, 422, 204)
    refreshed = [
        await world.client.post("/v1/auth/refresh", json={"refresh_token": one["refresh_token"]})
        for one in (here, there)
    ]
    assert [answer.status_code for answer in refreshed] == [200, 401]
    assert (await login(world, person.email, OTHER)).status_code == 200
    await mailbox.newest(person.email, CHANGED)
