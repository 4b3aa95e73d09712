"""The index follows the catalogue, is rebuilt while it is read, and is mended where it differs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.catalogue_sync import OutboxSyncActivities
from activities.index import SearchIndexActivities
from activities.index_changes import IndexChanges
from core import read_tags
from core.database import Database
from core.domain.errors import InvalidStateError
from core.resources import Resources, open_resources
from core.settings import Settings
from models.repositories import outbox_reader
from search.backends import open_index
from search.documents import count_on_sale, read_documents
from search.index import SearchIndex
from search.queries import SearchQuery
from tests.eventually import eventually
from tests.integration.activities.unchanged import RunTwice
from tests.shop import Shop
from workflows import workflow_ids
from workflows.ports.catalogue_sync import Consumer, FollowCatalogue
from workflows.ports.index import Compared, CompareIndex, FillRebuild, KeepUp, Reindex

STEP = FollowCatalogue(consumer=Consumer.SEARCH, seconds=0)


@dataclass(frozen=True, kw_only=True)
class Library:
    """A catalogue with its index and those who keep it."""

    database: Database
    shop: Shop
    index: SearchIndex
    follower: OutboxSyncActivities
    keeper: SearchIndexActivities

    async def product(self, name: str) -> str:
        """Put a product of this name on sale."""
        shelf = await self.shop.stock_up(1)
        rows = await self.database.statement(
            text("""UPDATE products SET name = :name
                WHERE id = (SELECT product_id FROM variants WHERE sku = :sku) RETURNING id"""),
            {"name": name, "sku": shelf.sku},
        )
        return str(rows[0]["id"])

    async def found(self, words: str) -> list[str]:
        return list((await self.index.search(SearchQuery(text=words))).product_ids)

    async def follow(self) -> None:
        await ActivityEnvironment().run(self.follower.follow_catalogue, STEP)

    async def finds(self, words: str, expected: list[str]) -> None:
        """Follow until the words find exactly these."""

        async def look() -> list[str]:
            await self.follow()
            return sorted(await self.found(words))

        await eventually(look, lambda found: found == sorted(expected))


@pytest.fixture
async def resources(settings: Settings, database_url: str) -> AsyncIterator[Resources]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    private = settings.model_copy(update={"postgres": postgres})
    async with open_resources(private) as resources:
        yield resources


@pytest.fixture
async def library(resources: Resources) -> AsyncIterator[Library]:
    database = resources.database
    index = open_index(resources.settings, database)
    await index.apply_settings()
    changes = IndexChanges(database, index, resources.reads)
    yield Library(
        database=database,
        shop=Shop(database, resources.temporal),
        index=index,
        follower=OutboxSyncActivities(database, {Consumer.SEARCH: changes}),
        keeper=SearchIndexActivities(database, resources.temporal, index, changes),
    )
    await index.close()


async def test_changes_of_products_and_their_vendors_are_found(library: Library) -> None:
    lamp, rug = await library.product("Zinnober"), await library.product("Zinnober rug")
    await library.finds("zinnober", [lamp, rug])

    await library.database.statement(
        text("UPDATE products SET status = 'archived' WHERE id = :id"), {"id": rug}
    )
    await library.finds("zinnober", [lamp])
    await library.database.statement(
        text("""UPDATE vendors SET status = 'suspended'
            WHERE id = (SELECT vendor_id FROM products WHERE id = :id)"""),
        {"id": lamp},
    )
    await library.finds("zinnober", [])


async def test_searches_are_forgotten_when_the_index_has_the_change(
    library: Library, resources: Resources
) -> None:
    lamp = await library.product("Zinnober")
    made: list[list[str]] = []

    async def load() -> bytes:
        made.append(await library.found("zinnober"))
        return b"{}"

    async def search() -> list[str]:
        await library.follow()
        await resources.reads.read(lamp, tags=[read_tags.SEARCH], ttl_seconds=60, load=load)
        return made[-1]

    await eventually(search, lambda found: found == [lamp])
    number = len(made)
    await search()
    assert len(made) == number


async def test_following_twice_changes_nothing(library: Library) -> None:
    lamp = await library.product("Zinnober")
    await library.finds("zinnober", [lamp])
    twice = RunTwice(library.database)

    await twice(library.follower.follow_catalogue, STEP)

    assert await library.found("zinnober") == [lamp]


async def test_rebuild_finds_everything_and_what_changed_meanwhile(library: Library) -> None:
    lamp, gone = await library.product("Zinnober"), await library.product("Zinnober rug")
    await library.index.upsert(await read_documents(library.database, [gone]))
    environment, keeper = ActivityEnvironment(), library.keeper
    twice = RunTwice(library.database)

    plan = await environment.run(keeper.begin_rebuild, Reindex(reason="test"))
    filled = await twice(keeper.fill_rebuild, FillRebuild(rebuild=plan.rebuild))
    assert await library.found("zinnober") == [gone]
    late = await library.product("Zinnober chair")
    await library.database.statement(
        text("UPDATE products SET deleted_at = now() WHERE id = :id"), {"id": gone}
    )
    await eventually(
        lambda: outbox_reader.read(library.database, "reindex", 100),
        lambda batch: len(batch.changes) >= 4,
    )
    swapped = await twice(keeper.swap_rebuild, plan.rebuild)

    assert (plan.total, filled.filled, filled.after, swapped.products) == (2, 2, None, 2)
    assert sorted(await library.found("zinnober")) == sorted([lamp, late])
    rows = await library.database.statement(text("SELECT name FROM outbox_consumers"), {})
    assert [row["name"] for row in rows] == []


async def test_abandoned_rebuild_is_gone_and_leaves_the_old_index(library: Library) -> None:
    lamp = await library.product("Zinnober")
    await library.finds("zinnober", [lamp])
    environment, keeper = ActivityEnvironment(), library.keeper
    plan = await environment.run(keeper.begin_rebuild, Reindex())
    twice = RunTwice(library.database)

    await twice(keeper.abandon_rebuild, plan.rebuild)

    with pytest.raises(InvalidStateError):
        await environment.run(keeper.fill_rebuild, FillRebuild(rebuild=plan.rebuild))
    assert await library.found("zinnober") == [lamp]


async def test_what_differs_is_counted_and_mended(library: Library) -> None:
    right, missing, stale, surplus = [
        await library.product(f"Zinnober {name}") for name in ("right", "missing", "stale", "over")
    ]
    await library.finds("zinnober", [right, missing, stale, surplus])
    await library.index.delete([missing])
    # As if their events had been lost.
    for column, product_id in (("name = 'Zinnober new'", stale), ("deleted_at = now()", surplus)):
        await library.database.statement(
            text(f"UPDATE products SET {column} WHERE id = :id"),  # noqa: S608  # of this test
            {"id": product_id},
        )
    environment, keeper = ActivityEnvironment(), library.keeper
    twice = RunTwice(library.database)

    counted = await environment.run(keeper.compare_index, CompareIndex(mend=False))
    again = await environment.run(keeper.compare_index, CompareIndex())
    mended = await twice(keeper.compare_index, CompareIndex())

    assert counted == again == Compared(products=3, missing=1, stale=1, surplus=1)
    assert mended == Compared(products=3, missing=0, stale=0, surplus=0)
    assert await library.found("zinnober new") == [stale]
    assert sorted(await library.found("zinnober")) == sorted([right, missing, stale])


async def test_differences_are_found_across_pages(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.index_drift.PAGE", 2)
    monkeypatch.setattr("activities.index.PAGE", 2)
    ids = sorted([await library.product(f"Zinnober {n}") for n in range(5)])
    documents = await read_documents(library.database, ids)
    await library.index.upsert([one for one in documents if one.id != ids[2]])

    counted = await ActivityEnvironment().run(
        library.keeper.compare_index, CompareIndex(mend=False)
    )

    assert counted == Compared(products=5, missing=1, stale=0, surplus=0)
    plan = await ActivityEnvironment().run(library.keeper.begin_rebuild, Reindex())
    step = FillRebuild(rebuild=plan.rebuild)
    assert (await ActivityEnvironment().run(library.keeper.fill_rebuild, step)).filled == 5
    assert await count_on_sale(library.database) == 5


async def test_upkeep_deletes_what_everybody_has_seen(library: Library) -> None:
    lamp = await library.product("Zinnober")
    await library.finds("zinnober", [lamp])
    place = await outbox_reader.place_of(library.database, Consumer.SEARCH)
    await outbox_reader.advance(library.database, Consumer.CACHE, place)
    keep_up = library.keeper.keep_up

    first = await ActivityEnvironment().run(keep_up, KeepUp(prune_at_once=1))
    second = await ActivityEnvironment().run(keep_up, KeepUp())

    for consumer in Consumer:
        workflow_id = workflow_ids.catalogue_sync(consumer)
        await library.shop.temporal.get_workflow_handle(workflow_id).terminate()
    # The event of its first name; that of its present one stays.
    assert (first.pruned, first.restarted) == (1, 2)
    assert (second.pruned, second.restarted) == (0, 0)
