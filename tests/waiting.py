"""Wait for a condition instead of for time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

PAUSE_SECONDS = 0.05


async def eventually(condition: Callable[[], Awaitable[bool]], *, within: float = 60) -> None:
    """Return as soon as the condition holds; fail when it does not within so many seconds."""
    deadline = time.monotonic() + within
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {condition.__name__}")
        await asyncio.sleep(PAUSE_SECONDS)
