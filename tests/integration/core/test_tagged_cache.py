"""Answers that are kept: made once for many readers, forgotten by tags, and done without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from core.cache import CACHE_ERRORS, CacheClient, open_cache
from core.domain.errors import NotFoundError
from core.domain.ids import Prefix, new_id
from core.settings import RedisSettings
from core.tagged_cache import TaggedCache
from tests.eventually import eventually

NOWHERE = RedisSettings(url=SecretStr("redis://127.0.0.1:1/0"))


class Maker:
    """Makes answers when it is let to, and counts them."""

    def __init__(self) -> None:
        self.made = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.fails = False

    async def __call__(self) -> bytes:
        self.made += 1
        number = self.made
        await self.may_end.wait()
        if self.fails:
            raise NotFoundError("not there")
        return b"answer %d" % number


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[CacheClient]:
    client = open_cache(RedisSettings(url=SecretStr(redis_url)))
    yield client
    await client.aclose()


@pytest.fixture
def key() -> str:
    return new_id(Prefix.EVENT)


async def test_many_readers_of_two_processes_make_one_answer(client: CacheClient, key: str) -> None:
    processes = [TaggedCache(client), TaggedCache(client)]
    maker = Maker()

    answers = await asyncio.gather(
        *(
            process.read(key, tags=["t"], ttl_seconds=60, load=maker)
            for _ in range(50)
            for process in processes
        )
    )

    assert set(answers) == {b"answer 1"}
    assert maker.made == 1


async def test_answer_that_was_being_made_while_its_tag_changed_is_not_used(
    client: CacheClient, key: str
) -> None:
    cache, maker = TaggedCache(client), Maker()
    maker.may_end.clear()
    old = asyncio.create_task(cache.read(key, tags=[key], ttl_seconds=60, load=maker))
    await eventually(lambda: asyncio.sleep(0, maker.made))

    await cache.invalidate([key])
    maker.may_end.set()

    assert await old == b"answer 1"
    assert await cache.read(key, tags=[key], ttl_seconds=60, load=maker) == b"answer 2"
    assert await cache.read(key, tags=[key], ttl_seconds=60, load=maker) == b"answer 2"


async def test_slow_answer_of_a_process_that_died_is_made_by_the_next(
    client: CacheClient, key: str
) -> None:
    died, maker = Maker(), Maker()
    died.may_end.clear()
    first = asyncio.create_task(TaggedCache(client).read(key, tags=[], ttl_seconds=60, load=died))
    await eventually(lambda: asyncio.sleep(0, died.made))

    answer = await TaggedCache(client).read(key, tags=[], ttl_seconds=60, load=maker)

    assert (answer, maker.made) == (b"answer 1", 1)
    died.may_end.set()
    await first


async def test_reader_that_goes_away_takes_nothing_from_the_others(
    client: CacheClient, key: str
) -> None:
    cache, maker = TaggedCache(client), Maker()
    maker.may_end.clear()
    readers = [
        asyncio.create_task(cache.read(key, tags=[], ttl_seconds=60, load=maker)) for _ in range(2)
    ]
    await eventually(lambda: asyncio.sleep(0, maker.made))
    readers[0].cancel()
    maker.may_end.set()

    assert await readers[1] == b"answer 1"
    assert maker.made == 1


async def test_refusal_is_everybodys_and_is_not_kept(client: CacheClient, key: str) -> None:
    cache, maker = TaggedCache(client), Maker()
    maker.fails = True
    for made in (1, 2):
        with pytest.raises(NotFoundError):
            await cache.read(key, tags=[], ttl_seconds=60, load=maker)
        assert maker.made == made


async def test_answer_ends_with_its_time(client: CacheClient, key: str) -> None:
    cache, maker = TaggedCache(client), Maker()
    await cache.read(key, tags=[], ttl_seconds=0.001, load=maker)

    async def read() -> bytes:
        return await cache.read(key, tags=[], ttl_seconds=0.001, load=maker)

    await eventually(read, lambda answer: answer != b"answer 1")


async def test_without_redis_every_answer_is_made_anew_and_nobody_waits_for_it(key: str) -> None:
    now = 100.0
    nowhere = open_cache(NOWHERE)
    cache, maker = TaggedCache(nowhere, clock=lambda: now), Maker()
    asked = []

    async def pipeline_is_not_asked(*_: object, **__: object) -> None:
        asked.append(1)

    assert await cache.read(key, tags=["t"], ttl_seconds=60, load=maker) == b"answer 1"
    nowhere.execute_command = pipeline_is_not_asked  # type: ignore[method-assign]  # would be seen
    assert await cache.read(key, tags=["t"], ttl_seconds=60, load=maker) == b"answer 2"
    assert asked == []
    with pytest.raises(CACHE_ERRORS):
        await cache.invalidate(["t"])
    await nowhere.aclose()
