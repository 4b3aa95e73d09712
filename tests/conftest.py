"""Real servers for tests, each started when a test first asks for it, all stopped at the end.

Session fixtures (async, on the one session loop):

- ``servers``: the :class:`TestServers`; nothing runs until ``await servers.need("postgres", …)``.
- ``postgres_url``: PostgreSQL alone; the database ``perdure``, migrated when there are migrations.
- ``redis_url``: Valkey alone. ``temporal_address``: the Temporal server alone (namespace
  ``default``, the platform's search attributes registered). ``sandbox_url``: the sandbox alone; its
  webhooks go to ``servers.addresses.api_url``.
- ``stack``: PostgreSQL, Valkey and Temporal, started in parallel; gives ``Addresses``.
- ``settings``: ``core.settings.Settings`` for ``stack``, ``environment=test``. It has the sandbox's
  addresses, but the sandbox runs only when ``sandbox_url`` is asked for too. ``settings.api.port``
  is free, and is where the sandbox sends its webhooks.

Function fixtures:

- ``database_url``: a private, migrated, empty database, cloned from a template.

Tests under ``tests/unit`` cannot open a socket (see ``tests/unit/conftest.py``).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import asyncpg
import hypothesis  # noqa: F401  # its pytest plugin would load it at the end, too deep in the stack
import pytest

from core.settings import Settings
from deploy.local.addresses import Addresses, local_addresses, stack_environment
from deploy.local.part import Part
from deploy.local.ports import AUTO_RANGE, free_ports
from deploy.local.postgres import local_url, postgres_part
from deploy.local.sandbox import sandbox_part
from deploy.local.supervisor import Supervisor
from deploy.local.temporal import temporal_part
from deploy.local.valkey import valkey_part
from models.migrations import upgrade

TEMPLATE = "perdure_template"
PROCESSES = 16
"""More than run side by side."""
_numbers = count(1)


class TestServers:
    """The servers of one test session in one temporary folder."""

    __test__ = False

    def __init__(self, directory: Path) -> None:
        self.ports = free_ports(among=_ports_of_this_process())
        self.addresses = local_addresses(self.ports)
        self._logs = directory / "logs"
        self.directory = directory
        self._supervisors: list[Supervisor] = []
        self._running: set[str] = set()
        self._lock = asyncio.Lock()

    async def need(self, *names: str) -> None:
        """Start those of ``names`` that do not run yet, in parallel."""
        async with self._lock:
            missing = [name for name in names if name not in self._running]
            parts = [self._part(name) for name in missing]
            supervisor = Supervisor(parts, logs=self._logs)
            await supervisor.start()
            self._supervisors.append(supervisor)
            self._running.update(missing)

    async def stop(self) -> None:
        for supervisor in self._supervisors:
            await supervisor.stop()

    def _part(self, name: str) -> Part:
        directory = self.directory / name
        match name:
            case "postgres":
                return postgres_part(
                    directory=directory,
                    port=self.ports.postgres,
                    logs=self._logs,
                    durable=False,
                )
            case "valkey":
                return valkey_part(directory=directory, port=self.ports.valkey)
            case "temporal":
                return temporal_part(directory=directory, ports=self.ports, ui=False)
            case "sandbox":
                return sandbox_part(
                    data_dir=self.directory,
                    port=self.ports.sandbox,
                    smtp_port=self.ports.smtp,
                    addresses=self.addresses,
                )
        raise ValueError(name)


def _ports_of_this_process() -> range:
    """Processes that run tests side by side do not choose the same ports at the same moment."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return AUTO_RANGE[number % PROCESSES :: PROCESSES]


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[TestServers]:
    # Not pytest's own temporary folder: only its owner may enter that, and PostgreSQL is another
    # user when the tests run as root.
    directory = Path(tempfile.mkdtemp(prefix="perdure-tests-"))
    running = TestServers(directory)
    try:
        yield running
    finally:
        await running.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
async def template_database(servers: TestServers) -> str:
    """The name of a migrated database that nobody connects to."""
    await servers.need("postgres")
    port = servers.ports.postgres
    connection = await asyncpg.connect(local_url(port, "postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
        await asyncio.to_thread(upgrade, local_url(port, TEMPLATE))
        await connection.execute("DROP DATABASE perdure")
        await connection.execute(f"CREATE DATABASE perdure TEMPLATE {TEMPLATE}")
    finally:
        await connection.close()
    return TEMPLATE


@pytest.fixture(scope="session")
async def postgres_url(servers: TestServers, template_database: str) -> str:
    return servers.addresses.postgres_url


@pytest.fixture
async def database_url(servers: TestServers, template_database: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(local_url(servers.ports.postgres, "postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
        yield local_url(servers.ports.postgres, name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def redis_url(servers: TestServers) -> str:
    await servers.need("valkey")
    return servers.addresses.redis_url


@pytest.fixture(scope="session")
async def temporal_address(servers: TestServers) -> str:
    await servers.need("temporal")
    return servers.addresses.temporal_address


@pytest.fixture(scope="session")
async def sandbox_url(servers: TestServers) -> str:
    await servers.need("sandbox")
    return servers.addresses.sandbox_url


@pytest.fixture(scope="session")
async def _three_servers(servers: TestServers) -> None:
    await servers.need("postgres", "valkey", "temporal")


@pytest.fixture(scope="session")
async def stack(servers: TestServers, _three_servers: None, postgres_url: str) -> Addresses:
    return servers.addresses


@pytest.fixture(scope="session")
def settings(stack: Addresses, servers: TestServers) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERDURE_ENVIRONMENT", "test")
        # Tests write rows and look at once; those of the cache turn it on.
        patch.setenv("PERDURE_API_READ_CACHE_SECONDS", "0")
        patch.setenv("PERDURE_OBJECTS_DIRECTORY", str(servers.directory / "objects"))
        for name, value in stack_environment(stack).items():
            patch.setenv(name, value)
        return Settings(_env_file=None)
