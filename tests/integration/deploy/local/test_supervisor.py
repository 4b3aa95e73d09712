from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from deploy.local.errors import StackError
from deploy.local.part import Part, PartEvent, PartPhase, Probe
from deploy.local.supervisor import Supervisor
from tests.integration.deploy.local.waiting import is_alive, until

SLEEP = "import time; time.sleep(60)"
DRAIN = """
import signal, sys, time
def drain(*_):
    print("drained", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, drain)
open(sys.argv[1], "w").close()
time.sleep(60)
"""
DEAF = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
time.sleep(60)
"""


def python_argv(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", code, *arguments)


def made(flag: Path) -> Probe:
    """Ready once the part has made its file ``flag``."""

    async def ready() -> bool:
        return await asyncio.to_thread(flag.exists)

    return ready


def flagged_part(code: str, flag: Path, *, grace_seconds: float = 10) -> Part:
    return Part(
        name="flagged",
        argv=python_argv(code, str(flag)),
        ready=made(flag),
        grace_seconds=grace_seconds,
    )


async def test_dependent_parts_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    events: list[PartEvent] = []
    parts = [
        Part(name="roof", argv=python_argv(SLEEP), depends_on=("walls", "built elsewhere")),
        Part(name="walls", argv=python_argv(SLEEP), depends_on=("ground",)),
        Part(name="ground", argv=python_argv(SLEEP)),
    ]
    supervisor = Supervisor(parts, logs=tmp_path, announce=events.append)

    await supervisor.start()
    assert set(supervisor.pids) == {"roof", "walls", "ground"}
    await supervisor.stop()

    ready = [event.part for event in events if event.phase is PartPhase.READY]
    stopped = [event.part for event in events if event.phase is PartPhase.STOPPED]
    assert ready == ["ground", "walls", "roof"]
    assert stopped == ["roof", "walls", "ground"]
    assert supervisor.pids == {}


async def test_part_leads_a_session_of_its_own(tmp_path: Path) -> None:
    supervisor = Supervisor([Part(name="part", argv=python_argv(SLEEP))], logs=tmp_path)
    await supervisor.start()
    try:
        pid = supervisor.pids["part"]
        assert os.getsid(pid) == pid
    finally:
        await supervisor.stop()


async def test_part_that_dies_is_restarted_and_said(tmp_path: Path) -> None:
    events: list[PartEvent] = []
    part = Part(name="part", argv=python_argv(SLEEP))
    supervisor = Supervisor([part], logs=tmp_path, announce=events.append)
    await supervisor.start()
    try:
        first = supervisor.pids["part"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: [event.phase for event in events].count(PartPhase.READY) == 2)
        assert supervisor.pids["part"] != first
    finally:
        await supervisor.stop()

    words = "died (killed by SIGKILL); starting it again in 0.1 s"
    assert [event.detail for event in events if event.phase is PartPhase.DIED] == [words]
    assert f"perdure: part {words}" in (tmp_path / "part.log").read_text()


async def test_part_that_ends_early_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    code = "import sys; print('the flux is reversed'); sys.exit(3)"
    parts = [
        Part(name="fine", argv=python_argv(SLEEP)),
        Part(name="broken", argv=python_argv(code), ready=_never, depends_on=("fine",)),
        Part(name="waiting", argv=python_argv(SLEEP), depends_on=("broken",)),
    ]
    supervisor = Supervisor(parts, logs=tmp_path)

    with pytest.raises(StackError) as raised:
        await supervisor.start()

    assert raised.value.line == "broken ended before it was ready (exit code 3)"
    assert raised.value.log_lines == ("the flux is reversed",)
    assert raised.value.hint == f"The whole log is in {tmp_path / 'broken.log'}"
    assert supervisor.pids == {}


async def test_full_disk_in_the_log_of_a_part_is_the_hint(tmp_path: Path) -> None:
    code = "import sys; sys.exit('could not write: No space left on device')"
    supervisor = Supervisor(
        [Part(name="part", argv=python_argv(code), ready=_never)], logs=tmp_path
    )

    with pytest.raises(StackError) as raised:
        await supervisor.start()

    assert raised.value.hint == "The disk is full: make room and start again."


async def test_part_that_is_never_ready_is_killed_and_an_error(tmp_path: Path) -> None:
    async def refused() -> bool:
        raise ConnectionRefusedError("nobody is there")

    part = Part(name="part", argv=python_argv(SLEEP), ready=refused, ready_seconds=0.3)
    supervisor = Supervisor([part], logs=tmp_path)

    with pytest.raises(StackError, match=r"^part was not ready within 0.3 s: nobody is there$"):
        await supervisor.start()

    assert supervisor.pids == {}


async def test_passing_trouble_at_the_start_is_tried_again(tmp_path: Path) -> None:
    code = """
import pathlib, sys, time
first, second = (pathlib.Path(argument) for argument in sys.argv[1:])
if not first.exists():
    first.touch()
    sys.exit("memory block is still in use")
second.touch()
time.sleep(60)
"""
    second = tmp_path / "second"
    argv = python_argv(code, str(tmp_path / "first"), str(second))
    part = Part(name="part", argv=argv, ready=made(second), try_again_on=("still in use",))
    supervisor = Supervisor([part], logs=tmp_path)
    await supervisor.start()
    try:
        assert set(supervisor.pids) == {"part"}
    finally:
        await supervisor.stop()


async def test_one_shot_part_is_ready_when_it_has_ended_well(tmp_path: Path) -> None:
    parts = [
        Part(name="once", argv=python_argv("print('done')"), one_shot=True),
        Part(name="after", argv=python_argv(SLEEP), depends_on=("once",)),
    ]
    supervisor = Supervisor(parts, logs=tmp_path)
    await supervisor.start()
    try:
        assert (tmp_path / "once.log").read_text() == "done\n"
        assert set(supervisor.pids) == {"after"}
    finally:
        await supervisor.stop()


async def test_stopped_part_drains(tmp_path: Path) -> None:
    supervisor = Supervisor([flagged_part(DRAIN, tmp_path / "flag")], logs=tmp_path)
    await supervisor.start()
    await supervisor.stop()

    assert (tmp_path / "flagged.log").read_text() == "drained\n"


async def test_part_that_does_not_drain_is_killed_after_its_grace(tmp_path: Path) -> None:
    part = flagged_part(DEAF, tmp_path / "flag", grace_seconds=0.2)
    supervisor = Supervisor([part], logs=tmp_path)
    await supervisor.start()
    pid = supervisor.pids["flagged"]
    await supervisor.stop()

    assert not is_alive(pid)


async def test_hurried_stop_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    part = flagged_part(DEAF, tmp_path / "flag", grace_seconds=3600)
    supervisor = Supervisor([part], logs=tmp_path)
    await supervisor.start()
    supervisor.hurry()
    await asyncio.wait_for(supervisor.stop(), timeout=10)

    assert supervisor.pids == {}


async def test_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from deploy.local.part import Part
from deploy.local.supervisor import Supervisor

async def main(directory):
    supervisor = Supervisor(
        [
            Part(name="sleeper", argv=(sys.executable, "-I", "-S", "-c", {SLEEP!r})),
            Part(name="deaf", argv=(sys.executable, "-I", "-S", "-c", {DEAF!r}, "/dev/null")),
        ],
        logs=directory,
    )
    await supervisor.start()
    print(*supervisor.pids.values(), flush=True)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    pids = [int(pid) for pid in (await supervisor.stdout.readline()).split()]
    assert [is_alive(pid) for pid in pids] == [True, True]

    supervisor.kill()
    await supervisor.wait()

    await until(lambda: not any(is_alive(pid) for pid in pids))


async def _never() -> bool:
    return False
