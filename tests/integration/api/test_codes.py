"""Signing in by a code, by e-mail and by text message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import httpx
import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from models.repositories.message_secrets import WRONG_CODES
from models.users import Identity
from tests.integration.api.conftest import PASSWORD, World
from tests.integration.api.mailbox import Mailbox

SUBJECT = "Your code to sign in"
NUMBERS = (f"+4474{number:08}" for number in count(int(new_id(Prefix.USER)[-4:], 36) * 50))


@pytest.fixture
async def mailbox(sandbox_url: str, workers: None) -> AsyncIterator[Mailbox]:
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http:
        yield Mailbox(http)


def somebody() -> str:
    return f"{new_id(Prefix.USER)}@shop.perdure.dev"


async def ask(world: World, to: str, channel: str = "email") -> None:
    answer = await world.client.post("/v1/auth/otp/request", json={"channel": channel, "to": to})
    assert (answer.status_code, answer.content) == (202, b"")


async def give(world: World, to: str, code: str, channel: str = "email") -> httpx.Response:
    body = {"channel": channel, "to": to, "code": code}
    return await world.client.post("/v1/auth/otp/verify", json=body)


async def me(world: World, opened: httpx.Response) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {opened.json()['access_token']}"}
    return dict((await world.client.get("/v1/me", headers=headers)).json())


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


async def test_code_signs_in_once_and_makes_an_account_for_a_stranger(
    world: World, mailbox: Mailbox
) -> None:
    email = somebody()
    await ask(world, email)
    code = await mailbox.code(email, SUBJECT)

    opened, again = await give(world, email.upper(), code), await give(world, email, code)

    assert (opened.status_code, again.status_code) == (200, 401)
    seen = await me(world, opened)
    assert (seen["email"], seen["email_verified"], seen["role"], seen["name"]) == (
        email,
        True,
        "customer",
        "",
    )
    (row,) = await world.database.statement(
        text("SELECT method FROM sessions WHERE user_id = :id"), {"id": seen["id"]}
    )
    assert row["method"] == "otp"


async def test_code_goes_to_a_number_in_any_spelling(world: World, mailbox: Mailbox) -> None:
    number = next(NUMBERS)
    await ask(world, f"{number[:3]} (0) {number[3:7]} {number[7:]}", "sms")
    code = await mailbox.code(number)

    opened = await give(world, number, code, "sms")

    seen = await me(world, opened)
    assert (seen["phone"], seen["email"], seen["email_verified"]) == (number, None, False)


async def test_five_wrong_codes_end_the_code(world: World, mailbox: Mailbox) -> None:
    email = somebody()
    await ask(world, email)
    code = await mailbox.code(email, SUBJECT)

    answers = [(await give(world, email, wrong(code))).status_code for _ in range(WRONG_CODES)]

    assert answers == [401] * WRONG_CODES
    assert (await give(world, email, code)).status_code == 401
    await ask(world, email)
    assert (await give(world, email, await mailbox.code(email, SUBJECT, after=1))).is_success


async def test_code_of_another_recipient_or_from_too_long_ago_is_wrong(
    world: World, mailbox: Mailbox
) -> None:
    email, other = somebody(), somebody()
    await ask(world, email)
    await ask(world, other)
    code, others = await mailbox.code(email, SUBJECT), await mailbox.code(other, SUBJECT)
    stored = await world.database.statement(
        text("UPDATE account_messages SET expires_at = now() WHERE recipient = :to RETURNING *"),
        {"to": other},
    )

    crossed = await give(world, email, wrong(code) if others == code else others)
    late = await give(world, other, others)

    assert (crossed.status_code, late.status_code) == (401, 401)
    assert crossed.json()["detail"] == late.json()["detail"]
    assert others not in str(dict(stored[0]))


async def test_sixth_request_in_an_hour_gets_the_same_answer_and_no_code(
    world: World, mailbox: Mailbox
) -> None:
    email = somebody()
    for _ in range(6):
        await ask(world, email)

    (row,) = await world.database.statement(
        text("SELECT count(*) AS number FROM account_messages WHERE recipient = :to"),
        {"to": email},
    )
    assert row["number"] == 5


async def test_who_proves_an_address_gets_nothing_that_others_left_in_its_account(
    world: World, mailbox: Mailbox
) -> None:
    email = somebody()
    sign_in = {"email": email, "password": PASSWORD}
    await world.client.post("/v1/auth/register", json=sign_in | {"name": "Mallory"})
    session = (await world.client.post("/v1/auth/login", json=sign_in)).json()
    rows = await world.database.statement(
        text("SELECT id FROM users WHERE email = :email"), {"email": email}
    )
    user_id = rows[0]["id"]
    async with world.database.transaction() as writing:
        writing.add(Identity(provider="google", subject=email, user_id=user_id))
    await ask(world, email)

    opened = await give(world, email, await mailbox.code(email, SUBJECT))

    assert (await me(world, opened))["id"] == user_id
    kept = await world.client.post(
        "/v1/auth/refresh", json={"refresh_token": session["refresh_token"]}
    )
    password = await world.client.post("/v1/auth/login", json=sign_in)
    assert (kept.status_code, password.status_code) == (401, 401)
    (left,) = await world.database.statement(
        text("SELECT count(*) AS number FROM identities WHERE user_id = :id"), {"id": user_id}
    )
    assert left["number"] == 0


async def test_confirmed_account_keeps_its_password_when_a_code_signs_in(
    world: World, mailbox: Mailbox
) -> None:
    person = await world.person()
    await world.database.statement(
        text("UPDATE users SET email_verified_at = now() WHERE id = :id"), {"id": person.user_id}
    )
    await ask(world, person.email)

    opened = await give(world, person.email, await mailbox.code(person.email, SUBJECT))

    assert (await me(world, opened))["id"] == person.user_id
    sign_in = {"email": person.email, "password": PASSWORD}
    assert (await world.client.post("/v1/auth/login", json=sign_in)).status_code == 200


async def test_disabled_account_gets_no_session_for_a_right_code(
    world: World, mailbox: Mailbox
) -> None:
    person = await world.person()
    await ask(world, person.email)
    code = await mailbox.code(person.email, SUBJECT)
    await world.database.statement(
        text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": person.user_id}
    )

    assert (await give(world, person.email, code)).status_code == 401


@pytest.mark.parametrize(
    ("channel", "to"),
    [
        ("sms", "07400 123456"),
        ("sms", "+44740"),
        ("sms", "+999400123456"),
        ("sms", "+447400123456\r\nX: y"),
        ("email", "not an address"),
        ("email", "a@b.dev\nBcc: c@d.dev"),
        ("email", "a\x00@b.dev"),
    ],
)
async def test_recipient_that_nobody_can_be_is_refused(world: World, channel: str, to: str) -> None:
    answer = await world.client.post("/v1/auth/otp/request", json={"channel": channel, "to": to})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/to"


async def test_number_is_the_accounts_when_its_code_is_given(
    world: World, mailbox: Mailbox
) -> None:
    person, number = await world.person(), next(NUMBERS)
    body = {"phone": number, "current_password": PASSWORD}
    asked = await world.client.patch("/v1/me", headers=person.headers, json=body)
    assert (asked.status_code, asked.json()["phone"]) == (200, None)
    code = await mailbox.code(number)
    path = "/v1/me/phone"

    other = await world.person()
    stolen = await world.client.post(
        path, headers=other.headers, json={"phone": number, "code": code}
    )
    typo = await world.client.post(
        path, headers=person.headers, json={"phone": number, "code": wrong(code)}
    )
    right = await world.client.post(
        path, headers=person.headers, json={"phone": number, "code": code}
    )

    assert (stolen.status_code, typo.status_code, right.status_code) == (422, 422, 200)
    assert right.json()["phone"] == number
    await ask(world, number, "sms")
    opened = await give(world, number, await mailbox.code(number, after=1), "sms")
    assert (await me(world, opened))["id"] == person.user_id


async def test_number_of_another_account_cannot_be_taken(world: World, mailbox: Mailbox) -> None:
    person, number = await world.person(), next(NUMBERS)
    await ask(world, number, "sms")
    await give(world, number, await mailbox.code(number), "sms")
    body = {"phone": number, "current_password": PASSWORD}
    await world.client.patch("/v1/me", headers=person.headers, json=body)
    code = await mailbox.code(number, after=1)

    answer = await world.client.post(
        "/v1/me/phone", headers=person.headers, json={"phone": number, "code": code}
    )

    assert answer.status_code == 409
