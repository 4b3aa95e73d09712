"""One running platform for all end-to-end tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.client import Client

from core.database import Database
from tests.platform import Platform, database_of, running_platform
from tests.shop import Shop


@pytest.fixture(scope="session")
async def platform() -> AsyncIterator[Platform]:
    async with running_platform() as running:
        yield running


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(
        base_url=platform.status()["api_url"], timeout=60, limits=limits
    ) as client:
        yield client


@pytest.fixture
async def sandbox(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=platform.status()["sandbox_url"]) as client:
        yield client
        (await client.delete("/_control/faults")).raise_for_status()


@pytest.fixture
async def database(platform: Platform) -> AsyncIterator[Database]:
    database = database_of(platform.status())
    yield database
    await database.close()


@pytest.fixture
async def shop(platform: Platform, database: Database) -> Shop:
    temporal = await Client.connect(platform.status()["temporal_address"])
    return Shop(database, temporal)
