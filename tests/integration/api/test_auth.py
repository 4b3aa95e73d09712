from __future__ import annotations

import asyncio
import time

from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import PASSWORD, Person, World

EVERY_FIELD = {
    "id",
    "email",
    "email_verified",
    "phone",
    "name",
    "role",
    "vendor_id",
    "created_at",
}


async def _login(world: World, person: Person) -> dict[str, str]:
    response = await world.client.post(
        "/v1/auth/login", json={"email": person.email.upper(), "password": PASSWORD}
    )
    assert response.status_code == 200, response.text
    assert response.json().keys() == {
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
    }
    return dict(response.json())


async def _refresh(world: World, token: str) -> tuple[int, dict[str, str]]:
    response = await world.client.post("/v1/auth/refresh", json={"refresh_token": token})
    return response.status_code, response.json()


async def test_registered_customer_signs_in_and_reads_the_own_profile(world: World) -> None:
    email = f"{new_id(Prefix.USER)}@shop.perdure.dev"
    made = await world.client.post(
        "/v1/auth/register", json={"email": email, "password": PASSWORD, "name": "Ada"}
    )
    assert made.status_code == 201
    session = await world.client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    headers = {"Authorization": f"Bearer {session.json()['access_token']}"}

    me = await world.client.get("/v1/me", headers=headers)
    renamed = await world.client.patch("/v1/me", headers=headers, json={"name": "Ada King"})

    assert me.json() | {"created_at": ""} == made.json() | {"created_at": ""}
    assert renamed.json()["name"] == "Ada King"


async def test_registering_a_known_email_gives_the_same_answer_and_changes_nothing(
    world: World,
) -> None:
    person = await world.person()
    body = {"email": person.email, "password": "other-kettle-orbit-43", "name": "Mallory"}
    before = await world.count_rows()

    response = await world.client.post("/v1/auth/register", json=body)

    assert response.status_code == 201
    assert response.json().keys() == EVERY_FIELD
    assert await world.count_rows() == before
    await _login(world, person)


async def test_wrong_password_and_unknown_email_get_the_same_answer(world: World) -> None:
    person = await world.person()
    answers = [
        await world.client.post("/v1/auth/login", json={"email": email, "password": "wrong"})
        for email in (person.email, "nobody@shop.perdure.dev", "a\x00b")
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"].startswith("Bearer")


async def test_disabled_account_cannot_sign_in_or_refresh(world: World) -> None:
    person = await world.person()
    session = await _login(world, person)
    await world.database.statement(
        text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": person.user_id}
    )

    status, _ = await _refresh(world, session["refresh_token"])
    login = await world.client.post(
        "/v1/auth/login", json={"email": person.email, "password": PASSWORD}
    )

    assert (status, login.status_code) == (401, 401)


async def test_refresh_tokens_rotate(world: World) -> None:
    first = await _login(world, await world.person())

    status, second = await _refresh(world, first["refresh_token"])
    again, third = await _refresh(world, second["refresh_token"])

    assert (status, again) == (200, 200)
    assert len({s["refresh_token"] for s in (first, second, third)}) == 3


async def test_reuse_of_a_refresh_token_revokes_its_family(world: World) -> None:
    person = await world.person()
    first, other = await _login(world, person), await _login(world, person)
    _, second = await _refresh(world, first["refresh_token"])

    reused, _ = await _refresh(world, first["refresh_token"])
    newest, _ = await _refresh(world, second["refresh_token"])
    unrelated, _ = await _refresh(world, other["refresh_token"])

    assert (reused, newest, unrelated) == (401, 401, 200)


async def test_refreshing_twice_at_once_lets_at_most_one_through(world: World) -> None:
    session = await _login(world, await world.person())

    answers = await asyncio.gather(*(_refresh(world, session["refresh_token"]) for _ in range(5)))

    assert sorted(status for status, _ in answers) == [200, 401, 401, 401, 401]


async def test_logout_ends_the_session(world: World) -> None:
    session = await _login(world, await world.person())
    body = {"refresh_token": session["refresh_token"]}

    out = await world.client.post("/v1/auth/logout", json=body)
    status, _ = await _refresh(world, session["refresh_token"])

    assert (out.status_code, out.content, status) == (204, b"", 401)


async def test_no_token_is_401_with_a_challenge(world: World) -> None:
    for path in ("/v1/me", "/v1/orders", "/v1/holds/hld_01jd7x9k2me8kv1qzr5t0w3y4b"):
        response = await world.client.get(path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="perdure"'


def _forged(world: World, *, key: str, **changes: object) -> str:
    now = int(time.time())
    claims = {
        "iss": "perdure",
        "sub": new_id(Prefix.USER),
        "role": "staff",
        "exp": now + 60,
        **changes,
    }
    header = {"alg": "HS256", "kid": world.resources.settings.auth.jwt_key_id}
    return jwt.encode(header, claims, OctKey.import_key(key))


async def test_token_that_is_not_ours_is_401_even_where_none_is_needed(world: World) -> None:
    key = world.resources.settings.auth.jwt_key.get_secret_value()
    tokens = {
        "garbage": "x.y.z",
        "unsigned": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSIsInJvbGUiOiJzdGFmZiJ9.",
        "other key": _forged(world, key="another-key-of-at-least-thirty-two-bytes"),
        "expired": _forged(world, key=key, exp=1),
        "other issuer": _forged(world, key=key, iss="elsewhere"),
        "no role": _forged(world, key=key, role=None),
    }
    for name, token in tokens.items():
        for path in ("/v1/me", "/v1/products"):
            response = await world.client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert response.status_code == 401, (name, path)
            assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_only_staff_see_where_stock_lies(world: World) -> None:
    shelf = await world.shop.stock_up(7)
    staff = await world.person("staff")

    anonymous = await world.client.get(f"/v1/stock/{shelf.sku}")
    internal = await world.client.get(f"/v1/stock/{shelf.sku}", headers=staff.headers)

    assert anonymous.json() == {"sku": shelf.sku, "available": 7}
    assert internal.json()["by_warehouse"] == [
        {"warehouse_id": shelf.warehouse_id, "on_hand": 7, "reserved": 0, "available": 7}
    ]
