from __future__ import annotations

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from core.django_hashes import django_hashers, is_django_hash
from core.security import PasswordCheck, Passwords
from tests.django_hashes import MAKERS, SALT, django_default

QUICK = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORDS = Passwords(PasswordHash((QUICK, *django_hashers())))
PASSWORD = "plum-kettle-örbit-42"
LONG = "long-" * 20


@pytest.mark.parametrize("kind", MAKERS)
async def test_hash_that_django_made_lets_in_once_and_is_replaced(kind: str) -> None:
    stored = MAKERS[kind](PASSWORD)

    right = await PASSWORDS.check(PASSWORD, stored)
    wrong = await PASSWORDS.check(PASSWORD + "x", stored)

    assert stored.startswith(f"{kind}$")
    assert is_django_hash(stored)
    assert wrong == PasswordCheck(matches=False)
    assert right.replacement is not None
    assert await PASSWORDS.check(PASSWORD, right.replacement) == PasswordCheck(matches=True)


async def test_hash_of_djangos_own_default_work_is_accepted() -> None:
    stored = django_default(PASSWORD)

    assert (await PASSWORDS.check(PASSWORD, stored)).matches


async def test_long_password_is_compared_whole_where_django_did_so() -> None:
    stored = MAKERS["bcrypt_sha256"](LONG)

    assert (await PASSWORDS.check(LONG, stored)).matches
    assert not (await PASSWORDS.check(LONG[:-1], stored)).matches


async def test_plain_bcrypt_reads_72_bytes_as_it_always_did() -> None:
    stored = MAKERS["bcrypt"](LONG[:72])

    assert (await PASSWORDS.check(LONG, stored)).matches
    assert not (await PASSWORDS.check(LONG[:71], stored)).matches


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "!",
        pytest.param(django_default(None), id="unusable"),
        "md5$salt$0cc175b9c0f1b6a831c399e269772661",
        f"pbkdf2_sha256$0${SALT}$AAAA",
        f"pbkdf2_sha256$9999999${SALT}$AAAA",
        f"pbkdf2_sha256$-5${SALT}$AAAA",
        f"pbkdf2_sha512$1000${SALT}$AAAA",
        "bcrypt$$2b$31$" + "a" * 53,
        "bcrypt$$2b$04$" + "a" * 52,
        "argon2$argon2id$v=19$m=9999999,t=1,p=1$YWJjZGVmZ2g$AAAA",
        "argon2$argon2id$v=19$m=8,t=999,p=1$YWJjZGVmZ2g$AAAA",
        "argon2$argon2id$v=19$m=8,t=0,p=1$YWJjZGVmZ2g$AAAA",
    ],
)
async def test_hash_that_is_none_or_asks_for_too_much_work_matches_nothing(stored: str) -> None:
    assert not is_django_hash(stored)
    assert await PASSWORDS.check(PASSWORD, stored) == PasswordCheck(matches=False)


async def test_password_with_a_nul_is_wrong_and_no_error() -> None:
    assert not (await PASSWORDS.check("a\x00b", MAKERS["bcrypt"](PASSWORD))).matches


def test_hash_of_the_old_world_is_never_made() -> None:
    for hasher in django_hashers():
        with pytest.raises(NotImplementedError):
            hasher.hash(PASSWORD)
