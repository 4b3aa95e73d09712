from __future__ import annotations

from time import monotonic

from sqlalchemy import text

from tests.django_hashes import MAKERS
from tests.integration.api.conftest import PASSWORD, World

SET_HASH = text("UPDATE users SET password_hash = :hash WHERE id = :id")
HASH = text("SELECT password_hash FROM users WHERE id = :id")


async def test_first_sign_in_with_an_old_hash_replaces_it(world: World) -> None:
    person = await world.person()
    old = MAKERS["pbkdf2_sha256"](PASSWORD)
    await world.resources.database.statement(SET_HASH, {"id": person.user_id, "hash": old})
    credentials = {"email": person.email, "password": PASSWORD}

    wrong = await world.client.post("/v1/auth/login", json=credentials | {"password": "not-it-42"})
    untouched = await world.resources.database.statement(HASH, {"id": person.user_id})
    first = await world.client.post("/v1/auth/login", json=credentials)
    kept = await world.resources.database.statement(HASH, {"id": person.user_id})
    again = await world.client.post("/v1/auth/login", json=credentials)

    assert (wrong.status_code, first.status_code, again.status_code) == (401, 200, 200)
    assert untouched[0]["password_hash"] == old
    assert kept[0]["password_hash"].startswith("$argon2id$")


async def test_wrong_password_takes_its_time_whoever_is_meant(world: World) -> None:
    floor = world.resources.settings.auth.failed_sign_in_seconds
    began = monotonic()

    answer = await world.client.post(
        "/v1/auth/login", json={"email": "nobody@example.com", "password": "not-it-42"}
    )

    assert (answer.status_code, monotonic() - began >= floor > 0) == (401, True)
