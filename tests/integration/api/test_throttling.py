"""Those who guess, and those who flood: counted, locked out, and told when to come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import httpx
import pytest

from api.sign_in_guard import SignInGuard
from core.cache import open_cache
from core.domain.errors import RateLimitedError
from core.domain.ids import Prefix, new_id
from core.settings import RedisSettings, Settings
from core.settings_people import ThrottleSettings
from tests.integration.api.conftest import PASSWORD, World
from tests.integration.api.mailbox import Caller

ADDRESSES = (f"2001:db8:{number:x}::7" for number in count(int(new_id(Prefix.USER)[-3:], 36)))
THROTTLE = ThrottleSettings(
    free_tries=3, first_lock_seconds=100, longest_lock_seconds=300, address_tries=20
)


@pytest.fixture
async def guard(settings: Settings) -> AsyncIterator[SignInGuard]:
    cache = open_cache(settings.redis)
    yield SignInGuard(cache, THROTTLE)
    await cache.aclose()


@pytest.fixture
async def alone() -> AsyncIterator[SignInGuard]:
    """A guard that finds no Redis."""
    cache = open_cache(RedisSettings(url="redis://127.0.0.1:1/0"))
    yield SignInGuard(cache, THROTTLE)
    await cache.aclose()


async def fails(guard: SignInGuard, account: str, address: str) -> int | None:
    """A try that fails; when it is refused, in how many seconds it may come again."""
    try:
        await guard.begin(account, address)
    except RateLimitedError as error:
        return error.retry_after_seconds
    return None


async def test_account_is_locked_after_its_free_tries_for_known_and_unknown_alike(
    world: World,
) -> None:
    person, stranger = await world.person(), f"{new_id(Prefix.USER)}@shop.perdure.dev"
    free = world.resources.settings.throttle.free_tries
    seen = []
    for email in (person.email, stranger):
        caller = Caller(world, next(ADDRESSES))
        body = {"email": email, "password": "wrong"}
        for _ in range(free + 1):
            assert (await caller.post("/auth/login", body)).status_code == 401
        refused = await caller.post("/auth/login", body)
        right = await caller.post("/auth/login", body | {"password": PASSWORD})
        seen.append((refused.status_code, right.status_code, refused.json()["type"]))
        assert 0 < int(refused.headers["retry-after"]) <= 30

    assert seen == [(429, 429, "https://perdure.dev/problems/rate-limited")] * 2


@pytest.mark.parametrize("redis", ["there", "away"])
async def test_each_lock_is_twice_as_long_and_allows_one_try(
    redis: str, guard: SignInGuard, alone: SignInGuard
) -> None:
    guard = guard if redis == "there" else alone
    account, address = new_id(Prefix.USER), next(ADDRESSES)
    tries = [await fails(guard, account, address) for _ in range(6)]

    assert tries[:4] == [None] * 4
    assert all(wait is not None and 98 <= wait <= 100 for wait in tries[4:])
    lengths = []
    for _ in range(3):
        await guard._counters.forget(f"lock:{_bucket(account)}")  # its time is over
        assert await fails(guard, account, address) is None
        lengths.append(await fails(guard, account, address))
    assert [round(length or 0, -1) for length in lengths] == [200, 300, 300]


def _bucket(account: str) -> str:
    from api.sign_in_guard import _digest  # noqa: PLC0415  # the name of a key, for this test

    return _digest(account)


async def test_many_tries_at_once_are_not_more_than_one_by_one(guard: SignInGuard) -> None:
    account = new_id(Prefix.USER)

    tries = await asyncio.gather(*(fails(guard, account, next(ADDRESSES)) for _ in range(30)))

    assert tries.count(None) == THROTTLE.free_tries + 1


async def test_right_password_forgets_what_failed_before(guard: SignInGuard) -> None:
    account, address = new_id(Prefix.USER), next(ADDRESSES)
    for _ in range(3):
        for _ in range(THROTTLE.free_tries - 1):
            assert await fails(guard, account, address) is None
        await (await guard.begin(account, address)).succeeded()


async def test_nobody_locks_a_person_out_where_they_have_signed_in(guard: SignInGuard) -> None:
    account, home, afar = new_id(Prefix.USER), next(ADDRESSES), next(ADDRESSES)
    await (await guard.begin(account, home)).succeeded()

    strangers = [await fails(guard, account, afar) for _ in range(8)]

    assert strangers[-1] is not None
    assert await fails(guard, account, home) is None
    assert await fails(guard, account, next(ADDRESSES)) is not None


async def test_address_that_tries_many_accounts_is_refused_with_its_network(
    guard: SignInGuard,
) -> None:
    address = next(ADDRESSES)
    neighbor = address.removesuffix("7") + "8"
    tries = [await fails(guard, new_id(Prefix.USER), address) for _ in range(21)]

    assert tries[:20] == [None] * 20
    assert tries[20] is not None
    assert await fails(guard, new_id(Prefix.USER), neighbor) is not None
    assert await fails(guard, new_id(Prefix.USER), next(ADDRESSES)) is None


async def test_address_that_asks_for_many_messages_is_refused(guard: SignInGuard) -> None:
    address = next(ADDRESSES)
    for _ in range(THROTTLE.messages_per_address):
        await guard.count_request(address)

    with pytest.raises(RateLimitedError):
        await guard.count_request(address)


async def test_sign_in_takes_as_long_for_an_unknown_account(world: World) -> None:
    """Both are answered no sooner than the floor for wrong passwords, which is above their work."""
    person = await world.person()
    floor = world.resources.settings.auth.failed_sign_in_seconds
    loop = asyncio.get_running_loop()
    for email in (person.email, f"{new_id(Prefix.USER)}@shop.perdure.dev"):
        began = loop.time()
        answer: httpx.Response = await world.client.post(
            "/v1/auth/login", json={"email": email, "password": "wrong"}
        )
        assert answer.status_code == 401
        assert loop.time() - began >= floor
