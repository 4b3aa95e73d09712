from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from core.domain.errors import UnavailableError
from core.settings import PostgresSettings
from deploy.local.ports import free_ports
from search.documents import ProductDocument
from search.postgres import PostgresIndex
from search.queries import Facet, SearchQuery
from tests.search_documents import document, product_id


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield opened
    await opened.close()


@pytest.fixture
def index(database: Database) -> PostgresIndex:
    return PostgresIndex(database)


async def test_writers_of_the_same_products_wait_for_each_other(index: PostgresIndex) -> None:
    def documents(n: int) -> list[ProductDocument]:
        """The same products in one order and in the other, each time with other words."""
        made = [
            document(
                f"Lamp {k}",
                vendor=f"Shop {k % 3}",
                categories=(f"Room {k % 5}", "Home"),
                description=f"word{n} word{k}",
            )
            for k in range(30)
        ]
        return made[:: 1 if n % 2 else -1]

    rebuild = await index.begin()
    await asyncio.gather(
        *(index.upsert(documents(n)) for n in range(8)),
        *(index.fill(rebuild, documents(n)) for n in range(4)),
        index.delete([product_id("Lamp 3"), product_id("Lamp 1")]),
        index.delete([product_id("Lamp 1"), product_id("Lamp 3")]),
    )
    await index.swap(rebuild)

    assert 28 <= await index.count() <= 30


async def test_who_searches_during_rebuilds_always_sees_all(index: PostgresIndex) -> None:
    lamps = [document(f"Lamp {n}") for n in range(20)]
    await index.upsert(lamps)
    rebuilt = asyncio.Event()
    totals: set[int] = set()

    async def look() -> None:
        while not rebuilt.is_set():
            query = SearchQuery(text="lamp", facets=(Facet.VENDOR,))
            totals.add((await index.search(query)).estimated_total)

    looking = asyncio.create_task(look())
    for _ in range(5):
        rebuild = await index.begin()
        for lamp in lamps:
            await index.fill(rebuild, [lamp])
        await index.swap(rebuild)
    rebuilt.set()
    await looking

    assert totals == {20}


async def test_a_rebuild_forgets_the_words_of_products_that_are_gone(
    index: PostgresIndex, database: Database
) -> None:
    await index.upsert([document("Xylophone", vendor="Old shop"), document("Lamp")])

    rebuild = await index.begin()
    await index.fill(rebuild, [document("Lamp"), document("Desk lamp")])
    await index.swap(rebuild)
    await index.swap(await index.begin())

    async def kept(table: str, column: str) -> list[str]:
        rows = await database.statement(text(f"SELECT {column} AS x FROM {table} ORDER BY 1"), {})  # noqa: S608  # names of this file
        return [row["x"] for row in rows]

    assert await kept("search_words", "word") == []
    # What was read until now is still there for who began to read it.
    assert await kept("search_names", "name") == ["Shop", "Things"]
    assert await kept("search_documents_b", "name") == ["Desk lamp", "Lamp"]


async def test_a_document_that_has_not_changed_is_not_written_again(
    index: PostgresIndex, database: Database
) -> None:
    version = text("SELECT xmin::text AS version FROM search_documents_a")
    await index.upsert([document("Lamp")])
    first = await database.statement(version, {})

    await index.upsert([document("Lamp")])
    second = await database.statement(version, {})
    await index.upsert([document("Lamp", in_stock=False)])
    third = await database.statement(version, {})

    assert first == second != third


async def test_an_index_that_cannot_be_reached_is_unavailable() -> None:
    nobody = f"postgresql://postgres@127.0.0.1:{free_ports().postgres}/perdure"
    database = Database.open(PostgresSettings(url=SecretStr(nobody)))
    index = PostgresIndex(database)

    for call in (
        index.search(SearchQuery(text="lamp")),
        index.suggest("lamp", limit=5),
        index.upsert([document("Lamp")]),
        index.delete(["x"]),
        index.begin(),
        index.count(),
        index.ping(),
    ):
        with pytest.raises(UnavailableError):
            await call
    await database.close()
