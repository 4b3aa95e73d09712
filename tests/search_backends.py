"""Every backend of the search that tests can open, by its name."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from secrets import token_hex

import pytest
from pydantic import SecretStr

from core.database import Database
from core.settings import PostgresSettings
from core.settings_search import MeilisearchSettings
from search.index import SearchIndex
from search.meilisearch import MeilisearchIndex
from search.postgres import PostgresIndex
from tests.contract.search.meilisearch_stub import API_KEY, Stub, serving

Opener = Callable[[str], AbstractAsyncContextManager[SearchIndex]]
"""Takes the address of an empty, migrated database; gives an empty index."""


@asynccontextmanager
async def postgres_index(database_url: str) -> AsyncIterator[SearchIndex]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield PostgresIndex(database)
    await database.close()


@asynccontextmanager
async def meilisearch_stub(_database_url: str) -> AsyncIterator[SearchIndex]:
    """Our client with a server that refuses every request of an undocumented shape."""
    stub = Stub()
    with serving(stub) as url:
        index = MeilisearchIndex.open(
            MeilisearchSettings(url=url, api_key=SecretStr(API_KEY), task_seconds=5)
        )
        yield index
    assert stub.faults == []


@asynccontextmanager
async def meilisearch_server(_database_url: str) -> AsyncIterator[SearchIndex]:
    """A real server, where there is one; its indexes are deleted at the end."""
    url = os.environ.get(MEILISEARCH_URL)
    if not url:
        pytest.skip(f"{MEILISEARCH_URL} names no server")
    key = SecretStr(os.environ.get(MEILISEARCH_KEY, ""))
    uid = f"perdure-test-{token_hex(6)}"
    settings = MeilisearchSettings(url=url, api_key=key, index=uid)
    index = MeilisearchIndex.open(settings)
    yield index
    await index.swap(await index.begin())
    await index.abandon(uid)


MEILISEARCH_URL = "PERDURE_TEST_MEILISEARCH_URL"
MEILISEARCH_KEY = "PERDURE_TEST_MEILISEARCH_KEY"
STORING: dict[str, Opener] = {
    "meilisearch": meilisearch_server,
    "meilisearch-stub": meilisearch_stub,
    "postgres": postgres_index,
}
"""Those that keep, filter, sort and count."""
FINDING: dict[str, Opener] = {"meilisearch": meilisearch_server, "postgres": postgres_index}
"""Those that know words too: a stub does not."""
