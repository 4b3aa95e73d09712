"""Redis (or Valkey): the limits and whatever may be lost without harm."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core.settings import RedisSettings


def open_cache(settings: RedisSettings) -> Redis:
    """Make a client that connects when it is first used and never waits long.

    An answer that takes longer than ``timeout_seconds`` is an error: nothing that a customer
    waits for may hang on the cache. A broken connection is replaced once.
    """
    return Redis.from_url(
        settings.url.get_secret_value(),
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
    )
