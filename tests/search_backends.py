"""Every backend of the search that tests can open, by its name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from pydantic import SecretStr

from core.database import Database
from core.settings import PostgresSettings
from search.index import SearchIndex
from search.postgres import PostgresIndex

Opener = Callable[[str], AbstractAsyncContextManager[SearchIndex]]
"""Takes the address of an empty, migrated database; gives an empty index."""


@asynccontextmanager
async def postgres_index(database_url: str) -> AsyncIterator[SearchIndex]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield PostgresIndex(database)
    await database.close()


STORING: dict[str, Opener] = {"postgres": postgres_index}
"""Those that keep, filter, sort and count."""
FINDING: dict[str, Opener] = {"postgres": postgres_index}
"""Those that know words too: a stub does not."""
