"""Wait for something that another process does: by looking, with a deadline, never for time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY_SECONDS = 0.02


async def eventually(
    look: Callable[[], Awaitable[T]],
    until: Callable[[T], object] = bool,
    *,
    within_seconds: float = 15,
    look_every_seconds: float = LOOK_EVERY_SECONDS,
) -> T:
    """Return the first thing seen that satisfies ``until``.

    Raises:
        AssertionError: the deadline passed; tells what was seen last.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while True:
        seen = await look()
        if until(seen):
            return seen
        assert loop.time() < deadline, f"not within {within_seconds} s; seen last: {seen!r}"
        await asyncio.sleep(look_every_seconds)
