"""``perdure up``: the supervisor in the foreground, or in a session of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.cli.console import Progress, out
from deploy.cli.summary import print_summary
from deploy.local.addresses import environment_with_file
from deploy.local.data_directory import DataDirectory
from deploy.local.errors import StackError
from deploy.local.part import PartEvent
from deploy.local.process import tail
from deploy.local.stack import EmbeddedStack, make_plan
from deploy.local.state import Phase, StackState, read_state

POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class UpOptions:
    directory: DataDirectory
    auto_ports: bool
    first_order: bool
    quiet: bool


def up_in_foreground(options: UpOptions) -> None:
    """Run the stack until Ctrl-C or SIGTERM.

    Raises:
        StackError: it could not start.
    """
    options.directory.prepare()
    with options.directory.locked():
        asyncio.run(_serve(options))


async def _serve(options: UpOptions) -> None:
    plan = make_plan(
        options.directory,
        auto_ports=options.auto_ports,
        environ=environment_with_file(os.environ),
    )
    progress = Progress()
    stack = EmbeddedStack(plan, announce=progress.show)

    async def when_ready(state: StackState) -> None:
        progress.end()
        if not options.quiet:
            await print_summary(state, first_order=options.first_order)
        out.print("\nPress Ctrl-C to stop.")

    progress.begin(stack.part_names)
    try:
        await stack.run(when_ready)
    finally:
        progress.end()
    out.print("Stopped. The data is kept.")


def up_detached(options: UpOptions) -> None:
    """Start a supervisor in a session of its own and return when the stack is ready.

    Raises:
        StackError: it could not start.
    """
    directory = options.directory
    directory.prepare()
    with directory.locked():
        # Taken for a moment: when another supervisor holds it, that is said before all else.
        log_offset = _size(directory.supervisor_log)
    with directory.supervisor_log.open("ab") as log:
        supervisor = subprocess.Popen(
            _supervisor_argv(options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        state = _wait_until_ready(directory, supervisor, log_offset)
    except KeyboardInterrupt:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait()
        raise
    if not options.quiet:
        asyncio.run(print_summary(state, first_order=options.first_order))
    out.print("\nIt runs in the background. Stop it with `perdure down`.")


def _supervisor_argv(options: UpOptions) -> tuple[str, ...]:
    return (
        *(sys.executable, "-P", "-m", "deploy.cli", "up", "--quiet"),
        *("--data-dir", str(options.directory.path)),
        *(("--ports", "auto") if options.auto_ports else ()),
    )


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _wait_until_ready(
    directory: DataDirectory, supervisor: subprocess.Popen[bytes], log_offset: int
) -> StackState:
    progress = Progress()
    progress.begin()
    shown: dict[str, PartEvent] = {}
    try:
        while True:
            ended = supervisor.poll() is not None
            state = read_state(directory.state_file)
            if state is not None and state.supervisor_pid == supervisor.pid:
                for name, event in state.parts.items():
                    if shown.get(name) != event:
                        progress.show(event)
                shown = state.parts
                if state.state is Phase.READY:
                    return state
                if ended and state.problem is not None:
                    raise state.problem.to_error()
            if ended:
                raise _ended_early(directory.supervisor_log, log_offset)
            time.sleep(POLL_SECONDS)
    finally:
        progress.end()


def _ended_early(log: Path, offset: int) -> StackError:
    """The supervisor prints its own reason and hint as its last two lines."""
    lines = tail(log, offset=offset)
    told = [line for line in lines if line.startswith(("Error:", "Hint:"))]
    if len(told) == len(("line", "hint")):
        return StackError(told[0].removeprefix("Error:").strip(), hint=told[1][5:].strip())
    return StackError(
        "The supervisor ended before the stack was ready",
        hint=f"The whole log is in {log}",
        log_lines=lines,
    )
