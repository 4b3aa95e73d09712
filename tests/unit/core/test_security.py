from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from core.domain.errors import NotAuthenticatedError
from core.security import (
    AccessTokens,
    Passwords,
    Principal,
    hash_refresh_token,
    new_refresh_token,
    password_weakness,
)
from core.settings_people import AuthSettings

KEY = "the-present-key-of-thirty-two-bytes!"
OLD_KEY = "the-previous-key-of-thirty-two-bytes"
SETTINGS = AuthSettings(
    jwt_key=SecretStr(KEY),
    jwt_key_id="now",
    previous_jwt_keys={"before": SecretStr(OLD_KEY)},
    access_token_seconds=60,
)
TOKENS = AccessTokens.of(SETTINGS)
VENDOR = Principal(user_id="usr_1", role="vendor", vendor_id="ven_1")
QUICK = Passwords(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))


def _token(key: str = KEY, kid: str | None = "now", alg: str = "HS256", **changes: Any) -> str:
    claims = {
        "iss": "perdure",
        "sub": "usr_1",
        "role": "customer",
        "exp": int(time.time()) + 60,
        **changes,
    }
    header = {"alg": alg} | ({"kid": kid} if kid else {})
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(header, present, OctKey.import_key(key), algorithms=[alg])


def test_issued_token_says_who_it_is() -> None:
    assert TOKENS.read(TOKENS.issue(VENDOR)) == VENDOR


def test_token_of_a_previous_key_is_still_read() -> None:
    assert TOKENS.read(_token(key=OLD_KEY, kid="before")).user_id == "usr_1"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "a" * 10_000,
        "é.é.é",
        _token(key=OLD_KEY),
        _token(kid="unknown"),
        _token(kid=None),
        _token(alg="HS512", key=KEY * 2),
        _token(exp=int(time.time()) - 1),
        _token(exp=None),
        _token(iss="elsewhere"),
        _token(iss=None),
        _token(sub=None),
        _token(role=None),
        "eyJhbGciOiJub25lIiwia2lkIjoibm93In0.eyJzdWIiOiJ1c3JfMSJ9.",
    ],
)
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        TOKENS.read(token)


async def test_only_the_right_password_matches() -> None:
    hashed = await QUICK.hash("plum-kettle-orbit-42")

    assert hashed.startswith("$argon2id$")
    assert await QUICK.verify("plum-kettle-orbit-42", hashed)
    assert not await QUICK.verify("plum-kettle-orbit-43", hashed)
    assert not await QUICK.verify("plum-kettle-orbit-42", None)


@pytest.mark.parametrize(
    "password",
    ["", "short", "password", "password123", "iloveyou1", "qwertyuiop", "11111111", "ada@shop.dev"],
)
def test_weak_or_breached_password_is_explained(password: str) -> None:
    assert password_weakness(password, about=("ada@shop.dev", "Ada Lovelace"))


@pytest.mark.parametrize(
    "password", ["plum-kettle-orbit-42", "Tr0ub4dour&3-horse", "plum-kettle-orbit-" * 14]
)
def test_strong_password_has_no_weakness(password: str) -> None:
    assert password_weakness(password, about=("ada@shop.dev",)) is None


def test_refresh_tokens_are_long_random_and_stored_hashed() -> None:
    one, two = new_refresh_token(), new_refresh_token()

    assert one != two
    assert len(one) >= 43
    assert len(hash_refresh_token(one)) == 64
    assert hash_refresh_token(one) != hash_refresh_token(two)
