from __future__ import annotations

from pydantic import SecretStr

from core.cache import open_cache
from core.settings import RedisSettings


def test_client_waits_no_longer_than_the_settings_say() -> None:
    cache = open_cache(
        RedisSettings(url=SecretStr("redis://redis.test:6380/3"), timeout_seconds=0.125)
    )

    options = cache.connection_pool.connection_kwargs
    assert (options["host"], options["port"], options["db"]) == ("redis.test", 6380, 3)
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.125, 0.125)
