"""kill -9 of each server: it is back within seconds, with everything it had acknowledged."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio
from temporalio.client import Client, WorkflowExecutionStatus

from deploy.local.part import PartEvent, PartPhase
from deploy.local.ports import LOOPBACK, Ports, free_ports, require_free
from deploy.local.postgres import local_url, postgres_part
from deploy.local.supervisor import Supervisor
from deploy.local.temporal import temporal_part
from deploy.local.valkey import valkey_part
from tests.integration.deploy.local.waiting import is_alive, until

BACK_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Crashable:
    ports: Ports
    supervisor: Supervisor
    events: list[PartEvent]

    async def crash(self, name: str) -> None:
        """kill -9 the part and return when it is ready again."""
        pid = self.supervisor.pids[name]
        before = self._ready(name)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: self._ready(name) == before + 1, seconds=BACK_SECONDS)
        assert self.supervisor.pids[name] != pid

    def _ready(self, name: str) -> int:
        return sum(event.part == name and event.phase is PartPhase.READY for event in self.events)


@pytest.fixture(scope="module")
async def crashable() -> AsyncIterator[Crashable]:
    directory = Path(tempfile.mkdtemp(prefix="perdure-crash-"))
    ports = free_ports()
    events: list[PartEvent] = []
    logs = directory / "logs"
    parts = [
        postgres_part(directory=directory / "postgres", port=ports.postgres, logs=logs),
        valkey_part(directory=directory / "valkey", port=ports.valkey),
        temporal_part(directory=directory / "temporal", ports=ports, ui=False),
    ]
    supervisor = Supervisor(parts, logs=logs, announce=events.append)
    try:
        await supervisor.start()
        yield Crashable(ports=ports, supervisor=supervisor, events=events)
    finally:
        await supervisor.stop()
        shutil.rmtree(directory)


async def test_killed_postgres_is_back_with_what_was_committed(crashable: Crashable) -> None:
    url = local_url(crashable.ports.postgres)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE promises (words text)")
    await connection.execute("INSERT INTO promises VALUES ('kept')")

    await crashable.crash("postgres")

    connection.terminate()
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT words FROM promises") == "kept"
    finally:
        await connection.close()


async def test_postgres_starts_over_the_pid_file_of_a_stranger(crashable: Crashable) -> None:
    postmaster = psutil.Process(crashable.supervisor.pids["postgres"])
    directory = Path(postmaster.cmdline()[2])
    stranger = f"{os.getpid()}\n{directory}\n"
    # Written while the killed server is down: its number now belongs to another process.
    before = [event.phase for event in crashable.events]
    os.kill(postmaster.pid, signal.SIGKILL)
    (directory / "postmaster.pid").write_text(stranger)

    await until(
        lambda: (
            crashable.events[-1].phase is PartPhase.READY and len(crashable.events) > len(before)
        ),
        seconds=BACK_SECONDS,
    )
    assert (directory / "postmaster.pid").read_text() != stranger


async def test_killed_valkey_is_back_with_what_it_was_told(crashable: Crashable) -> None:
    url = f"redis://{LOOPBACK}:{crashable.ports.valkey}/0"
    async with redis.asyncio.from_url(url) as client:
        await client.set("promise", "kept")

    await crashable.crash("valkey")

    async with redis.asyncio.from_url(url) as client:
        assert await client.get("promise") == b"kept"


async def test_killed_temporal_is_back_with_its_workflows(crashable: Crashable) -> None:
    client = await Client.connect(f"{LOOPBACK}:{crashable.ports.temporal}")
    handle = await client.start_workflow(
        "NobodyRunsIt", id=f"promise/{uuid.uuid4()}", task_queue="nobody"
    )

    await crashable.crash("temporal")

    description = await handle.describe()
    assert description.status is WorkflowExecutionStatus.RUNNING


SUPERVISE = """
import asyncio, sys
from pathlib import Path
from deploy.local.postgres import postgres_part
from deploy.local.supervisor import Supervisor

async def main(directory, port):
    logs = directory / "logs"
    part = postgres_part(directory=directory / "postgres", port=port, logs=logs, durable=False)
    supervisor = Supervisor([part], logs=logs)
    await supervisor.start()
    print(supervisor.pids["postgres"], flush=True)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_killed_supervisor_takes_postgres_along_and_the_next_one_starts_it() -> None:
    directory = Path(tempfile.mkdtemp(prefix="perdure-crash-"))
    ports = free_ports()
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUPERVISE, str(directory), str(ports.postgres)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert killed.stdout is not None
    pid = int((await killed.stdout.readline()).split()[-1])
    killed.kill()
    await killed.wait()

    require_free(ports, ("postgres",), patience_seconds=BACK_SECONDS)
    logs = directory / "logs"
    part = postgres_part(directory=directory / "postgres", port=ports.postgres, logs=logs)
    supervisor = Supervisor([part], logs=logs)
    await supervisor.start()
    try:
        assert not is_alive(pid)
        assert is_alive(supervisor.pids["postgres"])
    finally:
        await supervisor.stop()
        shutil.rmtree(directory)
