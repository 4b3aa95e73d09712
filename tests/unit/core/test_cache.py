from __future__ import annotations

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from core.cache import RedisAddress, Standing, open_cache
from core.settings import RedisSettings


def test_client_waits_no_longer_than_the_settings_say() -> None:
    cache = open_cache(
        RedisSettings(url=SecretStr("redis://redis.test:6380/3"), timeout_seconds=0.125)
    )

    assert isinstance(cache, Redis)
    options = cache.connection_pool.connection_kwargs
    assert (options["host"], options["port"], options["db"]) == ("redis.test", 6380, 3)
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.125, 0.125)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "redis+sentinel://ada:p%40ss@one:26380,two/orders/2",
            RedisAddress(
                standing=Standing.SENTINEL,
                hosts=(("one", 26380), ("two", 26379)),
                username="ada",
                password="p@ss",
                service="orders",
                database=2,
            ),
        ),
        (
            "rediss+cluster://:secret@[::1]:7001,two:7002",
            RedisAddress(
                standing=Standing.CLUSTER,
                hosts=(("::1", 7001), ("two", 7002)),
                tls=True,
                password="secret",
            ),
        ),
        (
            "redis://only",
            RedisAddress(standing=Standing.ALONE, hosts=(("only", 6379),)),
        ),
    ],
)
def test_address_says_how_the_servers_stand_together(url: str, expected: RedisAddress) -> None:
    assert RedisAddress.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://one:secret@host",
        "redis+ring://one:secret@host",
        "redis+sentinel://:secret@host",
        "redis+cluster://:secret@host,",
    ],
)
def test_unknown_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="the address of") as refusal:
        RedisAddress.parse(url)

    assert "secret" not in str(refusal.value)
