from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.part import Announce, Part, PartEvent, PartPhase
from deploy.local.process import (
    exit_words,
    hint_for,
    log_path,
    signal_group,
    start_process,
    tail,
)

PROBE_SECONDS = 0.05
PROBE_TIMEOUT_SECONDS = 5.0
TRY_AGAIN_SECONDS = 0.2
BACK_OFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses before the first, second, … restart in a row."""

HEALTHY_SECONDS = 30.0
"""A part that lived this long after it was ready starts the back-off anew."""


class Keeper:
    """Keeps one part alive: starts it, waits until it serves, restarts it, stops it."""

    def __init__(self, part: Part, *, logs: Path, announce: Announce) -> None:
        self.part = part
        self.log = log_path(logs, part.name)
        self._announce = announce
        self._process: asyncio.subprocess.Process | None = None
        self._log_offset = 0
        self._last_trouble: Exception | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Process id while the part runs."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def start(self) -> None:
        """Start the part, return when it is ready, and restart it from then on.

        Raises:
            StackError: it ended early, or was not ready in time.
        """
        await self._start_once()
        if not self.part.one_shot:
            self._watcher = asyncio.create_task(self._watch(), name=f"watch {self.part.name}")

    async def stop(self) -> None:
        """Let the part drain, and kill what is left of it after its grace."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._tell(PartPhase.STOPPING)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.part.stop_signal)
        await self._exit_or_grace(process)
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()
        self._tell(PartPhase.STOPPED)

    def hurry(self) -> None:
        """Cut the grace of a stop that is under way or to come."""
        self._hurry.set()

    async def _exit_or_grace(self, process: asyncio.subprocess.Process) -> None:
        waits = [asyncio.create_task(process.wait()), asyncio.create_task(self._hurry.wait())]
        await asyncio.wait(
            waits, timeout=self.part.grace_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for wait in waits:
            wait.cancel()
        await asyncio.wait(waits)

    async def _start_once(self) -> None:
        began = time.monotonic()
        deadline = began + self.part.ready_seconds
        while not await self._started(deadline):
            self._tell(PartPhase.DIED, f"is in its own way; trying again in {TRY_AGAIN_SECONDS} s")
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        self._tell(PartPhase.READY, seconds=time.monotonic() - began)

    async def _started(self, deadline: float) -> bool:
        """One try; false when it ended for a reason that passes by itself."""
        if self.part.prepare is not None:
            await self.part.prepare()
        self._log_offset = self.log.stat().st_size if self.log.exists() else 0
        self._process = process = await start_process(self.part, self.log)
        self._tell(PartPhase.STARTING)
        code = await self._ready_or_exit(process, deadline)
        if code is None or (code == 0 and self.part.one_shot):
            return True
        lines = tail(self.log, offset=self._log_offset)
        passes = any(words in line for words in self.part.try_again_on for line in lines)
        if passes and time.monotonic() < deadline:
            return False
        raise StackError(
            f"{self.part.name} ended before it was ready ({exit_words(code)})",
            hint=hint_for(lines, self.log),
            log_lines=lines,
        )

    async def _ready_or_exit(
        self, process: asyncio.subprocess.Process, deadline: float
    ) -> int | None:
        """None when ready, the exit code when it ended first."""
        while time.monotonic() < deadline:
            if process.returncode is not None:
                return process.returncode
            if not self.part.one_shot and await self._probe():
                return None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await process.wait()
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()
        lines = tail(self.log, offset=self._log_offset)
        trouble = f": {self._last_trouble}" if self._last_trouble else ""
        raise StackError(
            f"{self.part.name} was not ready within {self.part.ready_seconds:g} s{trouble}",
            hint=hint_for(lines, self.log),
            log_lines=lines,
        )

    async def _probe(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                return await self.part.ready()
        except (OSError, TimeoutError) as error:
            self._last_trouble = error
            return False

    async def _watch(self) -> None:
        """Restart the part whenever it ends, until the watcher is canceled."""
        deaths = 0
        while (process := self._process) is not None:
            ready_at = time.monotonic()
            code = await process.wait()
            signal_group(process.pid, signal.SIGKILL)
            deaths = 0 if time.monotonic() - ready_at > HEALTHY_SECONDS else deaths
            pause = BACK_OFF_SECONDS[min(deaths, len(BACK_OFF_SECONDS) - 1)]
            deaths += 1
            self._note(f"died ({exit_words(code)}); starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            try:
                await self._start_once()
            except Exception as error:  # noqa: BLE001  # whatever it was, the part must come back
                self._note(f"did not come back: {error}")

    def _note(self, detail: str) -> None:
        """Say it on the console and in the part's own log."""
        with contextlib.suppress(OSError), self.log.open("a") as stream:
            stream.write(f"perdure: {self.part.name} {detail}\n")
        self._tell(PartPhase.DIED, detail)

    def _tell(self, phase: PartPhase, detail: str = "", *, seconds: float = 0.0) -> None:
        self._announce(PartEvent(part=self.part.name, phase=phase, detail=detail, seconds=seconds))
