"""Consumers read the catalogue's events in order, each once, and none is passed over."""

from __future__ import annotations

from sqlalchemy import text

from core.database import Database
from core.domain.catalogue_events import CatalogueEvent
from core.domain.ids import Prefix, new_id
from models.repositories import outbox_reader
from models.repositories.concerned_products import concerned_products
from models.repositories.outbox_reader import Batch, CatalogueChange, Place
from tests.eventually import eventually
from tests.integration.models.counter import Counter

_VENDOR = text("INSERT INTO vendors (id, name, slug) VALUES (:id, 'Vendor', :id)")
_TOUCH = text("UPDATE vendors SET name = name WHERE id = :id")
READER = "reader"


async def unread(database: Database, consumer: str = READER) -> list[str]:
    return [one.subject for one in (await outbox_reader.read(database, consumer, 100)).changes]


async def all_of(database: Database, number: int, consumer: str = READER) -> Batch:
    """Everything, once no older transaction of this server runs any more."""
    return await eventually(
        lambda: outbox_reader.read(database, consumer, 100),
        lambda batch: len(batch.changes) == number,
    )


async def test_event_that_is_committed_late_is_read_before_what_came_after_it(
    counter: Counter,
) -> None:
    database = counter.shop.database
    late, early = new_id(Prefix.VENDOR), new_id(Prefix.VENDOR)
    async with database.transaction() as session:
        await session.execute(_VENDOR, {"id": late})
        await database.statement(_VENDOR, {"id": early})
        assert await unread(database) == []

    batch = await all_of(database, 2)

    assert [one.subject for one in batch.changes] == [late, early]
    assert {one.type for one in batch.changes} == {CatalogueEvent.VENDOR_CHANGED}


async def test_consumer_goes_on_where_it_was_and_never_back(counter: Counter) -> None:
    database = counter.shop.database
    ids = [new_id(Prefix.VENDOR) for _ in range(3)]
    for vendor_id in ids:
        await database.statement(_VENDOR, {"id": vendor_id})
    batch = await all_of(database, 3)
    assert batch.until is not None
    first = (await outbox_reader.read(database, READER, 1)).until
    assert first is not None

    await outbox_reader.advance(database, READER, first)
    assert await unread(database) == ids[1:]
    assert await outbox_reader.seconds_behind(database, READER) > 0
    await outbox_reader.advance(database, READER, batch.until)
    await outbox_reader.advance(database, READER, first)

    assert await unread(database) == []
    assert await outbox_reader.place_of(database, READER) == batch.until
    assert await outbox_reader.head(database) == batch.until
    assert await outbox_reader.seconds_behind(database, READER) == 0
    assert await unread(database, "somebody else") == ids


async def test_only_old_news_that_everybody_has_seen_is_deleted(counter: Counter) -> None:
    database = counter.shop.database
    vendor_id, other = new_id(Prefix.VENDOR), new_id(Prefix.VENDOR)
    await database.statement(_VENDOR, {"id": vendor_id})
    await database.statement(_VENDOR, {"id": other})
    await database.statement(_TOUCH, {"id": vendor_id})
    seen = (await all_of(database, 3)).until
    assert seen is not None
    await database.statement(_TOUCH, {"id": vendor_id})
    everybody = ["one", "two"]

    await outbox_reader.advance(database, "one", seen)
    assert await outbox_reader.prune(database, everybody) == 0
    await outbox_reader.advance(database, "two", Place(transaction_id=0, position=0))
    assert await outbox_reader.prune(database, everybody) == 0
    await outbox_reader.advance(database, "two", seen)
    assert await outbox_reader.prune(database, everybody) == 2
    assert await outbox_reader.prune(database, everybody) == 0

    left = (await all_of(database, 2)).changes
    assert [one.subject for one in left] == [other, vendor_id]


async def test_change_concerns_the_products_that_show_it(counter: Counter) -> None:
    database = counter.shop.database
    shelf, other = await counter.shop.stock_up(1), await counter.shop.stock_up(1)
    ids = {
        row["sku"]: row["product_id"]
        for row in await database.statement(text("SELECT sku, product_id FROM variants"), {})
    }
    above, below = new_id(Prefix.CATEGORY), new_id(Prefix.CATEGORY)
    insert = text("INSERT INTO categories (id, name, slug, parent_id) VALUES (:id, 'C', :id, :up)")
    await database.statement(insert, {"id": above, "up": None})
    await database.statement(insert, {"id": below, "up": above})
    await database.statement(
        text("INSERT INTO product_categories (product_id, category_id) VALUES (:product, :id)"),
        {"product": ids[other.sku], "id": below},
    )

    async def concerned(type_: CatalogueEvent, subject: str) -> list[str]:
        change = CatalogueChange(type=type_, subject=subject)
        return list(await concerned_products(database, [change]))

    mine = [ids[shelf.sku]]
    assert await concerned(CatalogueEvent.PRODUCT_CHANGED, mine[0]) == mine
    assert await concerned(CatalogueEvent.AVAILABILITY_CHANGED, shelf.sku) == mine
    assert await concerned(CatalogueEvent.VENDOR_CHANGED, shelf.vendor_id) == mine
    assert await concerned(CatalogueEvent.CATEGORY_CHANGED, above) == [ids[other.sku]]
    assert await concerned(CatalogueEvent.CATEGORY_CHANGED, new_id(Prefix.CATEGORY)) == []
