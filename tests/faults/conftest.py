"""One platform with everything on it: all pools, and the API where the webhooks arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from api.app import create_app
from core.resources import open_resources
from core.settings import Settings
from tests.eventually import eventually
from tests.faults.trouble import TIMEOUT_SECONDS
from tests.integration.deploy.sandbox.harness import QuietServer
from tests.workflows.outside import TRANSIT_MS, Outside
from tests.workflows.platform import Platform, running_platform, tuned


@pytest.fixture
async def outside(sandbox_url: str) -> AsyncIterator[Outside]:
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control", timeout=30) as http:
        outside = Outside(http=http)
        await outside.webhooks("drop")
        await outside.move_parcels_in(None)
        yield outside
        await outside.clear_faults()
        (await http.delete("/webhooks")).raise_for_status()
        await outside.move_parcels_in(TRANSIT_MS)
        await outside.webhooks("normal")


@pytest.fixture
async def platform(
    settings: Settings, database_url: str, outside: Outside
) -> AsyncIterator[Platform]:
    patient = tuned(
        settings,
        postgres={"url": SecretStr(database_url)},
        stripe={"timeout_seconds": TIMEOUT_SECONDS},
        paystack={"timeout_seconds": TIMEOUT_SECONDS},
        fulfillment={"handling_seconds": 0},
    )
    async with running_platform(patient, outside) as platform, serving_api(patient):
        yield platform


@asynccontextmanager
async def serving_api(settings: Settings) -> AsyncIterator[None]:
    """The API in this process, at the address that the sandbox sends its webhooks to."""
    async with open_resources(settings) as resources:
        config = uvicorn.Config(
            create_app(settings, resources),
            host=settings.api.host,
            port=settings.api.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = QuietServer(config)
        serving = asyncio.create_task(server.serve())

        async def started() -> bool:
            return server.started or serving.done()

        await eventually(started)
        try:
            yield
        finally:
            server.should_exit = True
            await serving
