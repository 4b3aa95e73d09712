"""The whole platform with an outside world of its own: nobody else's payments are in its books.

- ``world``: all pools on the development server, one database and one sandbox for this package.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.settings import Settings
from deploy.local.ports import free_ports
from deploy.local.postgres import local_url
from deploy.local.sandbox import sandbox_part
from deploy.local.supervisor import Supervisor
from tests.conftest import TestServers
from tests.eventually import eventually
from tests.workflows.outside import Outside
from tests.workflows.platform import Platform, running_platform, with_sections
from workflows import workflow_ids
from workflows.ports.reconciliation import Reconciled, Reconciliation
from workflows.reconciliation import ReconciliationWorkflow
from workflows.task_queues import TaskQueue

TIMES = {
    # What is planted is found at once, and parcels leave as soon as they can.
    "reconciliation": {"grace_seconds": 0},
    "fulfillment": {"handling_seconds": 0},
    "worker": {"drain_seconds": 0},
}


@dataclass(frozen=True, kw_only=True)
class World:
    """The platform, and what is asked of its books."""

    platform: Platform

    async def sql(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        rows = await self.platform.shop.database.statement(text(statement), parameters)
        return [dict(row) for row in rows]

    async def reconcile(self, provider: str = "stripe") -> Reconciled:
        """Compare a provider's books once."""
        async with asyncio.timeout(60):
            result = await self.platform.shop.temporal.execute_workflow(
                ReconciliationWorkflow.run,
                Reconciliation(provider=provider),
                id=workflow_ids.reconciliation(provider),
                task_queue=TaskQueue.MAINTENANCE,
            )
        assert result is not None
        return result

    async def repaired(self, *, within_seconds: float = 60) -> None:
        """Wait until nothing is being repaired any more."""

        async def repairing() -> list[dict[str, Any]]:
            return await self.sql(
                "SELECT * FROM differences WHERE provider = 'stripe' AND status = 'repairing'"
            )

        await eventually(repairing, lambda rows: not rows, within_seconds=within_seconds)

    async def differences(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Every difference at Stripe by its kind and subject, the last one of each."""
        rows = await self.sql("SELECT * FROM differences WHERE provider = 'stripe' ORDER BY id")
        return {(row["kind"], row["subject"]): row for row in rows}

    async def still_open(self) -> set[tuple[str, str]]:
        """Kind and subject of what nobody has put right at Stripe."""
        rows = await self.sql(
            "SELECT kind, subject FROM differences"
            " WHERE provider = 'stripe' AND status IN ('open', 'repairing')"
        )
        return {(row["kind"], row["subject"]) for row in rows}


@pytest.fixture(scope="package")
async def own_sandbox(servers: TestServers) -> AsyncIterator[str]:
    """A sandbox for this package alone."""
    port = free_ports().sandbox
    with tempfile.TemporaryDirectory(prefix="perdure-sandbox-") as folder:
        part = sandbox_part(
            data_dir=Path(folder), port=port, smtp_port=None, addresses=servers.addresses
        )
        supervisor = Supervisor([part], logs=Path(folder) / "logs")
        await supervisor.start()
        yield f"http://127.0.0.1:{port}"
        await supervisor.stop()


@pytest.fixture(scope="package")
async def own_database(servers: TestServers, template_database: str) -> AsyncIterator[str]:
    """A migrated database for this package alone."""
    connection = await asyncpg.connect(local_url(servers.ports.postgres, "postgres"))
    await connection.execute(f"CREATE DATABASE reconciled TEMPLATE {template_database}")
    yield local_url(servers.ports.postgres, "reconciled")
    await connection.execute("DROP DATABASE reconciled WITH (FORCE)")
    await connection.close()


@pytest.fixture(scope="package")
def own_settings(settings: Settings, own_database: str, own_sandbox: str) -> Settings:
    return with_sections(
        settings,
        {
            **TIMES,
            "postgres": {"url": SecretStr(own_database)},
            "stripe": {"api_base": f"{own_sandbox}/stripe"},
            "paystack": {"api_base": f"{own_sandbox}/paystack"},
            "carrier": {"api_base": f"{own_sandbox}/carrier"},
        },
    )


@pytest.fixture(scope="package")
async def world(own_settings: Settings, own_sandbox: str) -> AsyncIterator[World]:
    async with httpx.AsyncClient(base_url=f"{own_sandbox}/_control", timeout=30) as http:
        outside = Outside(http=http)
        await outside.webhooks("drop")
        await outside.move_parcels_in(None)
        async with running_platform(own_settings, outside) as platform:
            yield World(platform=platform)
