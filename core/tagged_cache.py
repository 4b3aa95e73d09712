"""Answers kept in Redis for a short time, and forgotten at once when what they say changes.

Each answer names its tags, and carries the mark that each tag had *before* it was made. A tag that
is invalidated gets a new mark: whatever carries the old one is not used any more, also an answer
that was being made meanwhile and is written after the invalidation. Marks live longer than any
answer, so that one that is lost with its time, or with a Redis that starts empty, revives nothing.

Of many readers that miss the same answer one makes it: in this process they share its future, of
several processes one takes a lock and the others look for the answer a short while.

Without Redis every answer is made anew: slower, never wrong. After a failure Redis is left alone
for a second, so that nobody waits for it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog
from prometheus_client import Counter

from core.cache import CACHE_ERRORS, CacheClient

Load = Callable[[], Awaitable[bytes]]

LONGEST_SECONDS = 300
"""No answer is kept for longer."""
_MARK_SECONDS = 2 * LONGEST_SECONDS
_NO_MARK = "0"
_LOCK_SECONDS = 2
_LOOK_EVERY_SECONDS = 0.02
_LOOKS = 15
"""A slow answer is waited for so often; then each process makes its own."""
_PAUSE_SECONDS = 1.0

_READS = Counter(
    "read_cache_reads_total", "Reads through the cache, by what became of them", ["outcome"]
)
_log = structlog.get_logger(__name__)


class TaggedCache:
    """One for each process, on the client of the process."""

    def __init__(self, client: CacheClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._resume_at = 0.0
        self._flights: dict[str, asyncio.Future[bytes]] = {}

    async def read(self, key: str, *, tags: Sequence[str], ttl_seconds: float, load: Load) -> bytes:
        """Return the answer of a key, UTF-8; ``load`` makes it when none is kept.

        What ``load`` raises is raised, and nothing is kept.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(self._kept_or_made(key, tags, ttl_seconds, load))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        # Whoever goes away takes nothing from the others.
        return await asyncio.shield(flight)

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Forget every answer that names one of the tags.

        Raises:
            RedisError: Redis does not answer; answers end by themselves, the caller tries again.
        """
        pipe = self._client.pipeline(transaction=False)
        for tag in sorted(set(tags)):
            pipe.set(_tag_key(tag), secrets.token_hex(8), ex=_MARK_SECONDS)
        await pipe.execute()

    def _land(self, key: str, done: asyncio.Future[bytes]) -> None:
        self._flights.pop(key, None)
        if not done.cancelled():
            done.exception()  # whoever waited has it; when all went away it is nobody's

    async def _kept_or_made(
        self, key: str, tags: Sequence[str], ttl_seconds: float, load: Load
    ) -> bytes:
        if self._clock() < self._resume_at:
            _READS.labels("down").inc()
            return await load()
        try:
            body, marks = await self._look(key, tags)
            if body is not None:
                _READS.labels("hit").inc()
                return body
            if not await self._client.set(_lock_key(key), "1", nx=True, px=_LOCK_SECONDS * 1000):
                body = await self._made_by_another(key, tags)
        except CACHE_ERRORS as error:
            self._leave_alone(error)
            return await load()
        if body is not None:
            _READS.labels("waited").inc()
            return body
        _READS.labels("miss").inc()
        return await self._make(key, marks, ttl_seconds, load)

    async def _look(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, str]:
        """The answer if it may be used, and the present marks of its tags, in one round trip."""
        pipe = self._client.pipeline(transaction=False)
        pipe.get(_key(key))
        for tag in tags:
            pipe.get(_tag_key(tag))
        kept, *found = await pipe.execute()
        marks = ",".join(mark or _NO_MARK for mark in found)
        if kept is None:
            return None, marks
        marks_then, _, body = kept.partition("\n")
        return (body.encode() if marks_then == marks else None), marks

    async def _made_by_another(self, key: str, tags: Sequence[str]) -> bytes | None:
        for _ in range(_LOOKS):
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            body, _ = await self._look(key, tags)
            if body is not None:
                return body
        return None

    async def _make(self, key: str, marks: str, ttl_seconds: float, load: Load) -> bytes:
        """Make the answer and keep it under the marks from before it was made."""
        try:
            body = await load()
        except BaseException:
            await self._quietly(lambda: self._client.delete(_lock_key(key)))
            raise

        async def keep() -> None:
            milliseconds = int(min(ttl_seconds, LONGEST_SECONDS) * 1000)
            pipe = self._client.pipeline(transaction=False)
            pipe.set(_key(key), f"{marks}\n{body.decode()}", px=milliseconds)
            pipe.delete(_lock_key(key))
            await pipe.execute()

        await self._quietly(keep)
        return body

    async def _quietly(self, command: Callable[[], Awaitable[object]]) -> None:
        try:
            await command()
        except CACHE_ERRORS as error:
            self._leave_alone(error)

    def _leave_alone(self, error: Exception) -> None:
        _READS.labels("down").inc()
        self._resume_at = self._clock() + _PAUSE_SECONDS
        _log.warning("reads are not cached: no answer from Redis", error=type(error).__name__)


def _key(key: str) -> str:
    return f"perdure:read:{key}"


def _lock_key(key: str) -> str:
    return f"perdure:making:{key}"


def _tag_key(tag: str) -> str:
    return f"perdure:tag:{tag}"
