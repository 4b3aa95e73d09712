"""Undo in reverse order, whatever interrupts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Compensation = Callable[[], Awaitable[object]]


class Saga:
    """Compensations, registered before the step that they undo.

    Each has to be harmless when its step never happened, since nobody knows how far it came.
    """

    def __init__(self) -> None:
        self._compensations: list[Compensation] = []

    def undo_with(self, compensation: Compensation) -> None:
        """Register what undoes the step that comes next."""
        self._compensations.append(compensation)

    async def compensate(self) -> None:
        """Run all compensations, the last first; a cancellation does not stop them."""
        await shielded(self._unwind())

    async def _unwind(self) -> None:
        while self._compensations:
            await self._compensations.pop()()


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """Finish ``work`` even if the workflow is canceled meanwhile, then return its result."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
    return task.result()
