"""What changes in the catalogue is in the outbox: triggers write it with the change itself."""

from __future__ import annotations

from sqlalchemy import text

from core.database import Database
from tests.integration.models.counter import Counter


async def told(database: Database, aggregate_id: str) -> list[tuple[int, str]]:
    rows = await database.statement(
        text("SELECT sequence, type FROM outbox WHERE aggregate_id = :id ORDER BY sequence"),
        {"id": aggregate_id},
    )
    return [(row["sequence"], row["type"]) for row in rows]


async def execute(database: Database, statement: str, **values: object) -> None:
    await database.statement(text(statement), values)


async def test_each_change_of_a_product_is_told_once(counter: Counter) -> None:
    database = counter.shop.database
    shelf = await counter.shop.stock_up(3)
    rows = await database.statement(
        text("SELECT product_id FROM variants WHERE sku = :sku"), {"sku": shelf.sku}
    )
    product_id = rows[0]["product_id"]
    assert await told(database, product_id) == [(1, "product.changed")]

    await execute(database, "UPDATE products SET name = 'New' WHERE id = :id", id=product_id)

    assert await told(database, product_id) == [(1, "product.changed"), (2, "product.changed")]


async def test_only_the_last_free_unit_and_the_first_are_told(counter: Counter) -> None:
    database = counter.shop.database
    shelf = await counter.shop.stock_up(2)
    place = f"{shelf.warehouse_id}/{shelf.sku}"
    first = [(0, "stock.availability_changed")]
    assert await told(database, place) == first

    for reserved, turns in ((1, 0), (2, 1), (1, 2), (0, 2)):
        await execute(
            database,
            "UPDATE stock SET reserved = :reserved WHERE sku = :sku",
            reserved=reserved,
            sku=shelf.sku,
        )
        assert [number for number, _ in await told(database, place)] == list(range(turns + 1))
