"""Valkey servers in each of the ways in which they can stand together."""

from __future__ import annotations

import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from deploy.local.ports import AUTO_RANGE, is_free
from deploy.local.wheels import valkey_program
from tests.eventually import eventually

HOST = "127.0.0.1"
SERVICE = "shop"
SLOTS = 16_384
BUS = 10_000
"""A node of a Cluster listens there too, above its port."""


@dataclass(frozen=True, kw_only=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]

    async def ask(self, *command: Any) -> Any:
        """One command on a connection of its own; None while nobody answers."""
        client = Redis(host=HOST, port=self.port, decode_responses=True)
        try:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # of redis
        except RedisConnectionError:
            return None
        finally:
            await client.aclose()


@asynccontextmanager
async def behind_sentinel(directory: Path) -> AsyncIterator[tuple[str, Server]]:
    """A primary, its replica and one Sentinel; gives the address, and the primary to kill."""
    with ExitStack() as stack:
        primary = stack.enter_context(_server(directory / "primary"))
        await eventually(lambda: primary.ask("PING"))
        replica = stack.enter_context(
            _server(directory / "replica", "--replicaof", HOST, str(primary.port))
        )
        await eventually(
            lambda: primary.ask("INFO", "replication"),
            lambda said: said and said["connected_slaves"] == 1,
        )
        sentinel = stack.enter_context(_sentinel(directory / "sentinel", primary.port))
        await eventually(lambda: sentinel.ask("SENTINEL", "REPLICAS", SERVICE), lambda known: known)
        assert replica.process.poll() is None
        yield f"redis+sentinel://{HOST}:{sentinel.port}/{SERVICE}/0", primary


@asynccontextmanager
async def in_cluster(directory: Path, nodes: int = 3) -> AsyncIterator[str]:
    """A Cluster whose slots are spread over its nodes; gives an address that names one of them."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(_server(directory / f"node-{n}", "--cluster-enabled", "yes"))
            for n in range(nodes)
        ]
        first = servers[0]
        for n, server in enumerate(servers):
            await eventually(partial(server.ask, "PING"))
            start, end = SLOTS * n // nodes, SLOTS * (n + 1) // nodes - 1
            await server.ask("CLUSTER", "ADDSLOTSRANGE", start, end)
            await server.ask("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
            await first.ask("CLUSTER", "MEET", HOST, server.port)
        whole = ("cluster_state:ok", f"cluster_known_nodes:{nodes}\r")
        for server in servers:
            await eventually(
                partial(server.ask, "CLUSTER", "INFO"),
                lambda said: said and all(words in said for words in whole),
            )
        yield f"redis+cluster://{HOST}:{first.port}"


def _sentinel(directory: Path, primary: int) -> Any:
    directory.mkdir()
    watched = {
        "monitor": f"{SERVICE} {HOST} {primary} 1",
        "down-after-milliseconds": f"{SERVICE} 500",
        "failover-timeout": f"{SERVICE} 2000",
    }
    file = directory / "sentinel.conf"
    file.write_text("".join(f"sentinel {name} {value}\n" for name, value in watched.items()))
    return _server(directory, program=(str(file), "--sentinel"))


@contextmanager
def _server(directory: Path, *options: str, program: tuple[str, ...] = ()) -> Iterator[Server]:
    """A server that saves nothing; ``options`` are words as on its command line."""
    directory.mkdir(exist_ok=True)
    port = next(p for p in random.sample(AUTO_RANGE, 1000) if is_free(p) and is_free(p + BUS))
    place = ("--port", str(port), "--bind", HOST, "--dir", str(directory), "--logfile", "log")
    plain = () if program else ("--save", "", "--repl-diskless-sync-delay", "0")
    process = subprocess.Popen([str(valkey_program()), *program, *place, *plain, *options])  # noqa: S603  # the wheel's server
    try:
        yield Server(port=port, process=process)
    finally:
        process.kill()
        process.wait()
