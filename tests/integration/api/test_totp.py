"""The second factor: set up, asked for, and no code taken twice."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import text

from core.security import AccessTokens
from core.totp import STEP_SECONDS
from tests.integration.api.conftest import PASSWORD, Person, World
from tests.integration.api.test_people import log_of


class Authenticator:
    """Somebody's phone; ``code`` is of so many steps from now."""

    def __init__(self, world: World, person: Person, secret: str) -> None:
        self.world, self.person, self.secret = world, person, secret
        # Of one moment: the test does not run over the end of a step.
        self.now = int(time.time()) // STEP_SECONDS

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).generate_otp(self.now + steps)

    async def confirm(self, code: str) -> httpx.Response:
        return await self.world.client.post(
            "/v1/me/totp/confirm", json={"code": code}, headers=self.person.headers
        )

    async def login(self, code: str | None = None) -> httpx.Response:
        body: dict[str, Any] = {"email": self.person.email, "password": PASSWORD}
        if code is not None:
            body["totp_code"] = code
        return await self.world.client.post("/v1/auth/login", json=body)

    async def remove(self, code: str) -> httpx.Response:
        headers = {**self.person.headers, "Totp-Code": code}
        return await self.world.client.delete("/v1/me/totp", headers=headers)


@pytest.fixture
async def phone(world: World) -> Authenticator:
    person = await world.person("staff")
    made = await world.client.post("/v1/me/totp", headers=person.headers)
    assert made.status_code == 201, made.text
    assert f"secret={made.json()['secret']}" in made.json()["uri"]
    return Authenticator(world, person, made.json()["secret"])


async def test_code_is_asked_for_from_the_confirmation_on(phone: Authenticator) -> None:
    assert (await phone.login()).status_code == 200
    wrong = await phone.confirm("000000" if phone.code() != "000000" else "000001")
    assert wrong.status_code == 422
    assert (await phone.confirm(phone.code(-1))).status_code == 204

    without = await phone.login()
    replayed = await phone.login(phone.code(-1))
    right = await phone.login(phone.code(0))
    again = await phone.login(phone.code(0))

    assert (without.status_code, without.json()["type"]) == (
        401,
        "https://perdure.dev/problems/totp-required",
    )
    assert "Bearer" in without.headers["www-authenticate"]
    statuses = [one.status_code for one in (replayed, right, again)]
    assert statuses == [401, 200, 401]
    begun = await phone.world.client.post("/v1/me/totp", headers=phone.person.headers)
    assert begun.status_code == 409


async def test_secret_is_not_readable_at_rest(phone: Authenticator) -> None:
    rows = await phone.world.database.statement(
        text("SELECT u::text AS row FROM users u WHERE id = :id"), {"id": phone.person.user_id}
    )

    assert phone.secret not in rows[0]["row"]


async def test_wrong_password_says_nothing_of_the_second_factor(phone: Authenticator) -> None:
    await phone.confirm(phone.code(-1))

    answer = await phone.world.client.post(
        "/v1/auth/login", json={"email": phone.person.email, "password": "wrong-kettle-1"}
    )

    assert answer.json()["type"].endswith("/not-authenticated")


async def test_guessing_is_stopped(phone: Authenticator) -> None:
    await phone.confirm(phone.code(-1))
    guesses = [await phone.login(f"{number:06}") for number in range(5)]

    right = await phone.login(phone.code(1))

    assert {guess.status_code for guess in guesses} == {401, 429}
    assert (right.status_code, "retry-after" in right.headers) == (429, True)


async def test_authenticator_is_taken_away_with_its_code_alone(phone: Authenticator) -> None:
    await phone.confirm(phone.code(-1))

    stolen = await phone.remove(phone.code(-1))
    gone = await phone.remove(phone.code(0))
    none = await phone.remove(phone.code(1))

    assert [one.status_code for one in (stolen, gone, none)] == [422, 204, 404]
    assert (await phone.login()).status_code == 200
    actions = [entry[1] for entry in await log_of(phone.world, phone.person.user_id)]
    assert actions == ["totp.added", "totp.removed"]


async def test_staff_help_who_has_lost_it(phone: Authenticator) -> None:
    await phone.confirm(phone.code(-1))
    session = (await phone.login(phone.code(0))).json()
    path = f"/v1/admin/users/{phone.person.user_id}/totp"
    staff = await phone.world.person("staff")
    lesser = await phone.world.person("staff", permissions=frozenset())

    refused = await phone.world.client.delete(path, headers=lesser.headers)
    reset = await phone.world.client.delete(path, headers=staff.headers)

    assert (refused.status_code, reset.status_code) == (403, 204)
    refreshed = await phone.world.client.post(
        "/v1/auth/refresh", json={"refresh_token": session["refresh_token"]}
    )
    assert refreshed.status_code == 401
    assert (await phone.login()).status_code == 200


async def test_staff_without_one_may_do_nothing_where_it_is_required(
    phone: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = phone.world.resources.settings.auth
    monkeypatch.setitem(auth.__dict__, "staff_totp_required", True)
    tokens = AccessTokens.of(auth)

    before = (await phone.login()).json()
    assert tokens.read(before["access_token"]).permissions == frozenset()
    await phone.confirm(phone.code(-1))
    after = (await phone.login(phone.code(0))).json()
    assert len(tokens.read(after["access_token"]).permissions) > 0
    refreshed = await phone.world.client.post(
        "/v1/auth/refresh", json={"refresh_token": after["refresh_token"]}
    )
    assert len(tokens.read(refreshed.json()["access_token"]).permissions) > 0
