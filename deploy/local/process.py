"""Start a child on its leash, read the end of its log, and end it with its whole group."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import leash
from deploy.local.errors import StackError
from deploy.local.part import Part, SystemUser

MAX_LOG_BYTES = 16 * 1024 * 1024
"""A log that is larger when its part starts is moved aside, one generation deep."""

TAIL_BYTES = 16_384

_PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""}
"""Output appears at once. Compiled files are kept: the workflow sandbox loads modules for every
run, and without them each load would compile anew."""


def log_path(logs: Path, part: str) -> Path:
    return logs / f"{part}.log"


def leashed(
    argv: tuple[str, ...], *, user: SystemUser | None, orphan_signal: int = signal.SIGKILL
) -> tuple[str, ...]:
    """The command line that runs ``argv`` as ``user``, tied to the life of this process."""
    uid, gid = (user.uid, user.gid) if user else (-1, -1)
    leash_argv = (sys.executable, "-I", "-S", leash.__file__)
    numbers = (os.getpid(), int(orphan_signal), uid, gid)
    return (*leash_argv, *map(str, numbers), *argv)


async def start_process(part: Part, log: Path) -> asyncio.subprocess.Process:
    """Start ``part`` in a session of its own, its output appended to ``log``."""
    _rotate(log)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *leashed(part.argv, user=part.user, orphan_signal=part.orphan_signal),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            cwd=_working_directory(part.user),
            env={**os.environ, **_PYTHON, **part.env},
            start_new_session=True,
        )


def _working_directory(user: SystemUser | None) -> str | None:
    """Ours, or one that another account can enter for sure."""
    return "/" if user else None


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


async def run_to_end(
    argv: tuple[str, ...],
    *,
    user: SystemUser | None = None,
    env: Mapping[str, str] | None = None,
    log: Path,
) -> None:
    """Run a short command to its end, its output appended to ``log``.

    Raises:
        StackError: it ended with another exit code than 0.
    """
    with log.open("ab") as output:
        offset = output.tell()
        process = await asyncio.create_subprocess_exec(
            *leashed(argv, user=user),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            cwd=_working_directory(user),
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            signal_group(process.pid, signal.SIGKILL)
            raise
    if code != 0:
        lines = tail(log, offset=offset)
        raise StackError(
            f"{Path(argv[0]).name} failed ({exit_words(code)})",
            hint=hint_for(lines, log),
            log_lines=lines,
        )


def signal_group(pid: int, number: int) -> None:
    """Signal the session that ``pid`` leads; nothing happens when all of it is gone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def tail(log: Path, *, offset: int = 0, lines: int = 8) -> tuple[str, ...]:
    """The last lines of ``log`` after byte ``offset``."""
    if not log.exists():
        return ()
    size = log.stat().st_size
    with log.open("rb") as stream:
        stream.seek(max(min(offset, size), size - TAIL_BYTES))
        text = stream.read().decode(errors="replace")
    return tuple(line for line in text.splitlines() if line.strip())[-lines:]


def exit_words(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def hint_for(lines: tuple[str, ...], log: Path) -> str:
    """What a person should do about a part that ended with these last lines in its log."""
    text = "\n".join(lines).lower()
    if "no space left on device" in text:
        return "The disk is full: make room and start again."
    if "address already in use" in text:
        return "Another program took the port: stop it, or use --ports auto."
    if "permission denied" in text:
        return "A file is not accessible: check who owns the data directory."
    return f"The whole log is in {log}"
