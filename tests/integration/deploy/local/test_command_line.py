"""The command line as people and scripts use it: in processes of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.addresses import local_addresses
from deploy.local.data_directory import DataDirectory
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.state import Phase, StackState
from tests.integration.deploy.local.waiting import is_alive, until


@dataclass(frozen=True, kw_only=True)
class Answer:
    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    data_dir: Path

    async def run(self, *arguments: str) -> Answer:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "deploy.cli"),
            *arguments,
            cwd=self.data_dir.parent,
            env={**os.environ, "PERDURE_DATA_DIR": str(self.data_dir)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Answer(code=process.returncode or 0, out=out.decode(), err=err.decode())

    async def status(self) -> dict[str, Any]:
        answer = await self.run("status", "--json")
        state: dict[str, Any] = json.loads(answer.out)
        return state


@pytest.fixture
async def command_line() -> AsyncIterator[CommandLine]:
    # Outside pytest's private folder, see the fixture `servers`.
    parent = Path(tempfile.mkdtemp(prefix="perdure-cli-"))
    command_line = CommandLine(data_dir=parent / "data")
    try:
        yield command_line
    finally:
        await command_line.run("down")
        shutil.rmtree(parent)


async def test_detached_stack_starts_shows_its_state_heals_and_stops(
    command_line: CommandLine,
) -> None:
    up = await command_line.run("up", "--detach", "--ports", "auto", "--no-first-order")
    assert up.code == 0, up.err
    state = await command_line.status()
    assert state["state"] == "ready"
    servers = {"postgres", "valkey", "temporal", "sandbox"}
    assert state["pids"].keys() >= servers | {"worker-orders", "worker-payments"}
    assert state["demo"].keys() == {"customer", "vendor", "staff", "maker", "approver"}
    pids = [*state["pids"].values(), state["supervisor_pid"]]
    assert all(is_alive(pid) for pid in pids)
    async with httpx.AsyncClient() as client:
        for url in (*state["metrics_urls"], state["temporal_ui_url"]):
            assert (await client.get(url)).is_success, url

    os.kill(state["pids"]["valkey"], signal.SIGKILL)
    stack_file = command_line.data_dir / "stack.json"
    await until(
        lambda: (
            json.loads(stack_file.read_text())["pids"].get("valkey")
            not in {None, state["pids"]["valkey"]}
        )
    )
    assert "valkey died (killed by SIGKILL)" in (
        " ".join((await command_line.run("logs", "supervisor")).out.split())
    )

    again = await command_line.run("up")
    assert again.code == 1
    assert f"Error: Perdure already runs in {command_line.data_dir}" in again.err

    pids = [*(await command_line.status())["pids"].values(), state["supervisor_pid"]]
    down = await command_line.run("down")
    assert down.code == 0
    assert not any(is_alive(pid) for pid in pids)

    stopped = await command_line.run("status", "--json")
    assert stopped.code == 1
    assert json.loads(stopped.out) == {"state": "stopped"}


async def test_taken_port_is_one_line_and_a_hint(command_line: CommandLine) -> None:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        port = listener.getsockname()[1]
        directory = DataDirectory(path=command_line.data_dir)
        directory.prepare()
        ports = replace(free_ports(), valkey=port)
        StackState(
            state=Phase.STOPPED,
            supervisor_pid=0,
            ports=ports,
            addresses=local_addresses(ports),
            metrics_urls=(),
        ).write(directory.state_file)

        up = await command_line.run("up", "--detach")

    assert up.code == 1
    error, hint = up.err.splitlines()
    assert error.startswith(f"Error: Port {port} (valkey) is in use by process {os.getpid()} (")
    assert hint == "Hint:  Stop it, or start with --ports auto to choose free ports."
    assert (await command_line.status()) == {"state": "stopped"}


async def test_external_database_that_is_down_is_said_and_nothing_is_left(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PERDURE_POSTGRES_URL": "postgresql://127.0.0.1:1/nowhere",
        "PERDURE_REDIS_URL": "redis://127.0.0.1:1/0",
        "PERDURE_TEMPORAL_ADDRESS": "127.0.0.1:1",
        "PERDURE_STRIPE_API_BASE": "http://127.0.0.1:1",
        "PERDURE_CARRIER_API_BASE": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)

    up = await command_line.run("up", "--detach", "--ports", "auto")

    assert up.code == 1
    reason, error, hint = up.err.splitlines()
    assert reason.startswith("  PostgreSQL does not answer: ")
    assert error == "Error: database ended before it was ready (exit code 1)"
    log = command_line.data_dir / "logs" / "database.log"
    assert hint == f"Hint:  The whole log is in {log}"
    assert (await command_line.status()) == {"state": "stopped"}


async def test_foreign_directory_is_one_line_and_a_hint(command_line: CommandLine) -> None:
    command_line.data_dir.mkdir()
    (command_line.data_dir / "thesis.txt").touch()

    up = await command_line.run("up")
    reset = await command_line.run("reset", "--yes")

    assert (up.code, reset.code) == (1, 1)
    assert up.err.splitlines() == [
        f"Error: {command_line.data_dir} is not empty and not a data directory of Perdure",
        "Hint:  Choose another one with --data-dir.",
    ]
    assert (command_line.data_dir / "thesis.txt").exists()
    shutil.rmtree(command_line.data_dir)


async def test_status_of_nothing_is_an_error_with_a_hint(command_line: CommandLine) -> None:
    status = await command_line.run("status")
    assert status.code == 1
    assert status.err.splitlines()[0] == f"Error: Perdure does not run in {command_line.data_dir}"
