from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.settings import PostgresSettings
from models import (
    Category,
    PricePeriod,
    Product,
    ProductCategory,
    Stock,
    Variant,
    VariantPrice,
    Vendor,
    Warehouse,
)
from search.documents import ProductDocument, product_ids_on_sale, read_documents

NOW = datetime.now(UTC)
CREATED_AT = datetime(2026, 3, 1, 12, 0, 0, 900_000, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield opened
    await opened.close()


@pytest.fixture
async def expected(database: Database) -> ProductDocument:
    """The document of a product with all that a document may have, and with what it must not."""
    vendor, product = new_id(Prefix.VENDOR), new_id(Prefix.PRODUCT)
    clothes, shirts = sorted(new_id(Prefix.CATEGORY) for _ in range(2))
    async with database.transaction() as session:
        for batch in (*page(vendor, product, clothes, shirts), *shelves(product)):
            session.add_all(batch)
            await session.flush()
    return ProductDocument(
        id=product,
        name="Linen shirt",
        slug="linen-shirt",
        description="Cut straight.",
        vendor_id=vendor,
        vendor_name="Loom & Sons",
        category_ids=(clothes, shirts),
        category_names=("Clothes", "Shirts"),
        skus=("LIN-BLK", "LIN-WHT"),
        variant_titles=("Black", "White"),
        attribute_values=("30", "black", "cold", "linen", "white"),
        prices={"USD": (2500, 3000), "EUR": (2900,)},
        in_stock=True,
        created_at=int(CREATED_AT.timestamp()),
    )


def page(vendor: str, product: str, clothes: str, shirts: str) -> list[list[Any]]:
    gone = new_id(Prefix.CATEGORY)
    return [
        [Vendor(id=vendor, name="Loom & Sons", slug="loom")],
        [
            Category(id=clothes, name="Clothes", slug="clothes"),
            Category(id=gone, name="Gone", slug="gone", deleted_at=NOW),
        ],
        [Category(id=shirts, name="Shirts", slug="shirts", parent_id=clothes)],
        [
            Product(
                id=product,
                vendor_id=vendor,
                name="Linen shirt",
                slug="linen-shirt",
                description="Cut straight.",
                status="published",
                attributes={"material": "linen", "care": {"wash": [30, "cold"]}, "organic": True},
                created_at=CREATED_AT,
            )
        ],
        [ProductCategory(product_id=product, category_id=each) for each in (shirts, gone)],
    ]


def shelves(product: str) -> list[list[Any]]:
    black, white, old = (new_id(Prefix.VARIANT) for _ in range(3))
    warehouse = new_id(Prefix.WAREHOUSE)
    day = timedelta(days=1)
    return [
        [Warehouse(id=warehouse, name="Main", country="US")],
        [
            variant(black, product, "LIN-BLK", "Black", "active", 0),
            variant(white, product, "LIN-WHT", "White", "active", 1),
            variant(old, product, "LIN-OLD", "Old", "withdrawn", 2),
        ],
        [
            VariantPrice(variant_id=black, currency="USD", amount=4000),
            VariantPrice(variant_id=black, currency="EUR", amount=3900),
            VariantPrice(variant_id=white, currency="USD", amount=2500),
            VariantPrice(variant_id=old, currency="USD", amount=1),
            period(black, "USD", 3000, NOW - day, NOW + day),
            period(black, "EUR", 2900, NOW - day, None),
            period(white, "USD", 1, NOW - 3 * day, NOW - day),
            period(white, "USD", 2, NOW + day, None),
        ],
        [
            Stock(warehouse_id=warehouse, sku="LIN-BLK", on_hand=3, reserved=3),
            Stock(warehouse_id=warehouse, sku="LIN-WHT", on_hand=1),
            Stock(warehouse_id=warehouse, sku="LIN-OLD", on_hand=9),
        ],
    ]


def variant(  # noqa: PLR0917  # what tells the three apart, in columns
    id_: str, product: str, sku: str, title: str, status: str, position: int
) -> Variant:
    return Variant(
        id=id_,
        product_id=product,
        sku=sku,
        title=title,
        attributes={"color": title.lower()},
        status=status,
        position=position,
    )


def period(
    variant_id: str, currency: str, amount: int, starts: datetime, ends: datetime | None
) -> PricePeriod:
    return PricePeriod(
        id=new_id(Prefix.PRICE),
        variant_id=variant_id,
        currency=currency,
        amount=amount,
        starts_at=starts,
        ends_at=ends,
    )


async def test_a_product_on_sale_is_read_with_all_that_it_is_found_by(
    database: Database, expected: ProductDocument
) -> None:
    assert await read_documents(database, [expected.id, new_id(Prefix.PRODUCT)]) == [expected]
    assert expected.price_from == {"USD": 2500, "EUR": 2900}


async def test_without_a_free_unit_of_what_is_sold_it_is_not_in_stock(
    database: Database, expected: ProductDocument
) -> None:
    await database.statement(text("UPDATE stock SET reserved = 1 WHERE sku = 'LIN-WHT'"), {})

    [found] = await read_documents(database, [expected.id])

    assert found == replace(expected, in_stock=False)
    assert found.checksum != expected.checksum


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE products SET status = 'archived'",
        "UPDATE products SET deleted_at = now()",
        "UPDATE vendors SET status = 'suspended'",
    ],
)
async def test_a_product_that_is_not_on_sale_has_no_document(
    database: Database, expected: ProductDocument, change: str
) -> None:
    assert await product_ids_on_sale(database, after=None, limit=5) == [expected.id]
    assert await product_ids_on_sale(database, after=expected.id, limit=5) == []

    await database.statement(text(change), {})

    assert await read_documents(database, [expected.id]) == []
    assert await product_ids_on_sale(database, after=None, limit=5) == []
