"""The same use of Redis on one server, behind Sentinels and in a Cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.cache import CACHE_ERRORS, CacheClient, open_cache
from core.limits_storage import LimitsStorage
from core.settings import RedisSettings
from core.tagged_cache import TaggedCache
from tests.eventually import eventually
from tests.integration.core.redis_servers import behind_sentinel, in_cluster

MANY = [f"tag-{n}" for n in range(8)]
"""Enough to lie on every node of a small Cluster."""


def client_of(url: str) -> CacheClient:
    return open_cache(RedisSettings(url=SecretStr(url)))


@pytest.fixture(params=["alone", "sentinel", "cluster"])
async def client(
    request: pytest.FixtureRequest, redis_url: str, tmp_path: Path
) -> AsyncIterator[CacheClient]:
    match request.param:
        case "sentinel":
            async with behind_sentinel(tmp_path) as (url, _):
                yield client_of(url)
        case "cluster":
            async with in_cluster(tmp_path) as url:
                yield client_of(url)
        case _:
            yield client_of(redis_url)


async def test_limits_count_and_answers_are_kept_wherever_the_keys_lie(client: CacheClient) -> None:
    made = []

    async def load() -> bytes:
        made.append(1)
        return f"answer {len(made)}: é".encode()

    cache = TaggedCache(client)

    async def read() -> str:
        return (await cache.read("key", tags=MANY, ttl_seconds=60, load=load)).decode()

    try:
        assert await client.ping()
        await cache.invalidate(MANY)
        storage = LimitsStorage(client)
        counts = [await storage.incr(f"{request_key}", 60) for request_key in ("a-7", "a-7", "b-7")]
        assert counts == [1, 2, 1]

        assert [await read(), await read()] == ["answer 1: é", "answer 1: é"]
        await cache.invalidate([MANY[3]])
        assert [await read(), await read()] == ["answer 2: é", "answer 2: é"]
    finally:
        await client.aclose()


async def test_client_follows_the_sentinels_to_the_new_primary(tmp_path: Path) -> None:
    async with behind_sentinel(tmp_path) as (url, primary):
        client = client_of(url)
        await client.set("before", "1")
        primary.process.kill()

        async def written() -> bool:
            try:
                return bool(await client.set("after", "1"))
            except CACHE_ERRORS:
                return False

        try:
            await eventually(written, within_seconds=30)
            assert await client.get("after") == "1"
        finally:
            await client.aclose()
