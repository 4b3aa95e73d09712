from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from deploy.local.keeper import Keeper
from deploy.local.part import Announce, Part, PartEvent


def _silently(_: PartEvent) -> None:
    """Announce nothing."""


class Supervisor:
    """Starts parts in the order of their dependencies, keeps them alive, stops them in reverse.

    A dependency on a part that is not in the list counts as met: it is served from elsewhere.
    """

    def __init__(
        self, parts: Iterable[Part], *, logs: Path, announce: Announce = _silently
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._keepers = {part.name: Keeper(part, logs=logs, announce=announce) for part in parts}

    @property
    def pids(self) -> dict[str, int]:
        """Process id by name of every part that runs now."""
        return {
            name: keeper.pid
            for name, keeper in self._keepers.items()
            if keeper.pid is not None and not keeper.part.one_shot
        }

    async def start(self) -> None:
        """Return when every part is ready; stop all of them when one cannot start.

        Raises:
            StackError: a part ended early, was not ready in time, or could not be prepared.
        """
        if not self._keepers:
            return
        ready = {name: asyncio.Event() for name in self._keepers}
        starts = [
            asyncio.create_task(self._start_in_turn(keeper, ready), name=f"start {name}")
            for name, keeper in self._keepers.items()
        ]
        try:
            await asyncio.wait(starts, return_when=asyncio.FIRST_EXCEPTION)
            failed = [start for start in starts if start.done() and start.exception()]
            if failed:
                await failed[0]
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.wait(starts)
            await self.stop()
            raise

    async def _start_in_turn(self, keeper: Keeper, ready: dict[str, asyncio.Event]) -> None:
        for name in keeper.part.depends_on:
            if name in ready:
                await ready[name].wait()
        await keeper.start()
        ready[keeper.part.name].set()

    async def stop(self) -> None:
        """Stop every part once nothing that depends on it runs any more."""
        stopped = {name: asyncio.Event() for name in self._keepers}

        async def stop_in_turn(keeper: Keeper) -> None:
            for dependent in self._keepers.values():
                if keeper.part.name in dependent.part.depends_on:
                    await stopped[dependent.part.name].wait()
            await keeper.stop()
            stopped[keeper.part.name].set()

        async with asyncio.TaskGroup() as group:
            for keeper in self._keepers.values():
                group.create_task(stop_in_turn(keeper))

    def hurry(self) -> None:
        """Cut every grace: what does not end at once is killed."""
        for keeper in self._keepers.values():
            keeper.hurry()
