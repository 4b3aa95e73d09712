"""A line in front of the checkout, so that a rush is served fast instead of all at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

HOLD_SECONDS = 0.75
"""Whoever takes longer waits for a provider, not for us, and gives the place to the next."""

LEAST_SECONDS = 2.5
"""What is left of the budget for the work itself, however long the line was."""

PATIENCE_SECONDS = 15.0
"""Nobody stands in line longer than this."""


class Admission:
    """Lets so many checkouts of this process begin at once; the others wait in line.

    The engine answers more orders a second with few in flight than with hundreds, and whoever
    waits looks at the stock when it is their turn: a sold-out article costs them no workflow.
    """

    def __init__(self, places: int) -> None:
        self._places = asyncio.Semaphore(places)

    @asynccontextmanager
    async def turn(self, budget_seconds: float) -> AsyncIterator[float]:
        """Wait in line; gives the seconds of the budget that are left for the work."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            yield LEAST_SECONDS
            return
        give_back = asyncio.get_running_loop().call_later(HOLD_SECONDS, self._places.release)
        try:
            yield max(budget_seconds - (time.monotonic() - started), LEAST_SECONDS)
        finally:
            if not give_back.cancelled() and give_back.when() > asyncio.get_running_loop().time():
                give_back.cancel()
                self._places.release()
