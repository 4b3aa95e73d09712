"""A line in front of the checkout, so that a rush is served fast instead of all at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Admission:
    """Lets so many checkouts of this process be at work at once; the others wait in line.

    The engine answers more orders a second with few in flight than with hundreds, and whoever
    waits looks at the stock when it is their turn: a sold-out article costs them no workflow.
    """

    def __init__(self, places: int) -> None:
        self._places = asyncio.Semaphore(places)

    @asynccontextmanager
    async def turn(self, budget_seconds: float) -> AsyncIterator[float]:
        """Wait in line; gives the seconds of the budget that are left.

        Nobody waits longer than the budget: who has, goes on, and is answered at once that the
        order is pending.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(budget_seconds):
                await self._places.acquire()
        except TimeoutError:
            yield 0.0
            return
        try:
            yield max(budget_seconds - (time.monotonic() - started), 0.0)
        finally:
            self._places.release()
