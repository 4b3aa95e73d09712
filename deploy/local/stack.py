from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace

from deploy.local.addresses import addresses_of, external_parts
from deploy.local.data_directory import DataDirectory
from deploy.local.errors import StackError
from deploy.local.part import Announce, Part, PartEvent
from deploy.local.parts import StackPlan, metrics_urls, port_names, stack_parts
from deploy.local.ports import Ports, free_ports, require_free
from deploy.local.state import Phase, Problem, StackState, read_state
from deploy.local.supervisor import Supervisor

OnReady = Callable[[StackState], Coroutine[None, None, None]]
ORPHAN_SECONDS = 10.0
"""How long the parts of a supervisor that was killed may take to follow it."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def make_plan(
    directory: DataDirectory, *, auto_ports: bool, environ: Mapping[str, str]
) -> StackPlan:
    """Choose the ports and the parts; the ports of the last start are kept where that is possible.

    Args:
        directory: prepared.
        auto_ports: take free ports where the remembered or default ones are in use.
        environ: addresses in it replace local parts.
    """
    last = read_state(directory.state_file)
    remembered = last.ports if last else None
    ports = free_ports(keep=remembered) if auto_ports else remembered or Ports()
    if "PERDURE_API_PORT" in environ:
        ports = replace(ports, api=int(environ["PERDURE_API_PORT"]))
    return StackPlan(
        directory=directory,
        ports=ports,
        addresses=addresses_of(ports, environ),
        external=external_parts(environ),
        after_crash=last is not None and last.state not in {Phase.STOPPED, Phase.FAILED},
    )


class EmbeddedStack:
    """The platform in one data directory, from its start to its stop.

    The caller holds the lock of the directory. ``stack.json`` follows every change at once.
    """

    def __init__(self, plan: StackPlan, *, announce: Announce) -> None:
        self._directory = plan.directory
        self._announce = announce
        self._parts: tuple[Part, ...] = stack_parts(plan)
        names = frozenset(part.name for part in self._parts)
        require_free(
            plan.ports,
            port_names(names),
            patience_seconds=ORPHAN_SECONDS if plan.after_crash else 0,
        )
        self._supervisor = Supervisor(
            self._parts, logs=plan.directory.logs, announce=self._on_event
        )
        self._asked_to_stop = asyncio.Event()
        self.state = StackState(
            state=Phase.STARTING,
            supervisor_pid=os.getpid(),
            ports=plan.ports,
            addresses=plan.addresses,
            metrics_urls=metrics_urls(plan, names),
        )

    @property
    def part_names(self) -> tuple[str, ...]:
        return tuple(part.name for part in self._parts)

    async def run(self, on_ready: OnReady) -> None:
        """Start, call ``on_ready``, keep everything alive until a signal, drain and stop.

        Raises:
            StackError: a part could not start; everything is stopped again.
        """
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            # An ignored signal stays ignored: so does SIGHUP under nohup.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._stop_or_hurry)
        self._save(self.state)
        try:
            if await self._started():
                await self._until_asked(on_ready)
        except StackError as error:
            self._save(replace(self.state, state=Phase.FAILED, problem=Problem.of(error)))
            raise
        self._save(replace(self.state, state=Phase.STOPPED, pids={}))

    async def _started(self) -> bool:
        """Whether all is ready; false when asked to stop before."""
        start = asyncio.create_task(self._supervisor.start())
        asked = asyncio.create_task(self._asked_to_stop.wait())
        await asyncio.wait([start, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not start.done():
            start.cancel()
            await asyncio.wait([start])
            return False
        await start
        return True

    async def _until_asked(self, on_ready: OnReady) -> None:
        self._save(replace(self.state, state=Phase.READY, demo=self._demo_accounts()))
        try:
            ready = asyncio.create_task(on_ready(self.state))
            await self._asked_to_stop.wait()
            ready.cancel()
            await asyncio.wait([ready])
        finally:
            self._save(replace(self.state, state=Phase.STOPPING))
            await self._supervisor.stop()

    def _demo_accounts(self) -> dict[str, dict[str, str]]:
        with suppress(FileNotFoundError):
            accounts: dict[str, dict[str, str]] = json.loads(self._directory.demo_file.read_text())
            return accounts
        return {}

    def _stop_or_hurry(self) -> None:
        if self._asked_to_stop.is_set():
            self._supervisor.hurry()
        self._asked_to_stop.set()

    def _on_event(self, event: PartEvent) -> None:
        self._save(self.state.after(event, self._supervisor.pids))
        # A console that is gone or a full disk must not stop the supervision.
        with suppress(OSError):
            self._announce(event)

    def _save(self, state: StackState) -> None:
        self.state = state
        with suppress(OSError):
            state.write(self._directory.state_file)
