from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from deploy.local.postgres import local_url
from search.index import SearchIndex
from tests.conftest import TestServers
from tests.search_backends import FINDING, STORING

DATABASE = "search_contract"


@pytest.fixture(scope="package")
async def opened(servers: TestServers, template_database: str) -> AsyncIterator[Opened]:
    connection = await asyncpg.connect(local_url(servers.ports.postgres, "postgres"))
    await connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {template_database}")
    async with AsyncExitStack() as stack:
        yield Opened(stack, local_url(servers.ports.postgres, DATABASE))
    await connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    await connection.close()


class Opened:
    """One index of each backend for all tests here, emptied for each of them."""

    def __init__(self, stack: AsyncExitStack, database_url: str) -> None:
        self._stack = stack
        self._database_url = database_url
        self._indexes: dict[str, SearchIndex] = {}

    async def empty(self, name: str) -> SearchIndex:
        if name not in self._indexes:
            opener = (STORING | FINDING)[name]
            self._indexes[name] = await self._stack.enter_async_context(opener(self._database_url))
            await self._indexes[name].apply_settings()
        index = self._indexes[name]
        await index.swap(await index.begin())
        return index


@pytest.fixture(params=sorted(STORING))
async def index(request: pytest.FixtureRequest, opened: Opened) -> SearchIndex:
    """An empty index of each backend."""
    return await opened.empty(request.param)


@pytest.fixture(params=sorted(FINDING))
async def finder(request: pytest.FixtureRequest, opened: Opened) -> SearchIndex:
    """An empty index of each backend that knows words."""
    return await opened.empty(request.param)
