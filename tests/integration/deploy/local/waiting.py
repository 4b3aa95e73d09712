from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import psutil

POLL_SECONDS = 0.02


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody has waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Return as soon as ``condition`` holds; fail the test when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        await asyncio.sleep(POLL_SECONDS)
