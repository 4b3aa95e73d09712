"""Products, variants and prices that are written many at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from core.settings import PostgresSettings
from models import Category, Vendor
from models.repositories.catalogue_rows import Outcome, Written
from models.repositories.product_changes import look_again, touch
from models.repositories.product_rows import ProductRow, write_memberships, write_products
from models.repositories.variant_rows import PriceRow, VariantRow, write_prices, write_variants

MINE, OTHER, WATCHED = "ven_1", "ven_2", "ven_3"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url), pool_size=2))
    async with database.transaction() as session:
        session.add_all(
            Vendor(id=id_, name=id_, slug=id_, products_need_approval=id_ == WATCHED)
            for id_ in (MINE, OTHER, WATCHED)
        )
        session.add_all(Category(id=f"cat_{n}", name="C", slug=f"c{n}") for n in (1, 2))
    yield database
    await database.close()


async def products(
    database: Database, *rows: ProductRow, by_vendor: bool = False
) -> dict[str, Written]:
    async with database.transaction() as session:
        return dict(await write_products(session, rows, by_vendor=by_vendor))


async def read(database: Database, sql: str) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in await database.statement(text(sql), {})]


def tee(**changes: Any) -> ProductRow:
    return ProductRow(**{"slug": "tee", "vendor_id": MINE, "name": "Tee", **changes})


async def test_rows_written_twice_are_there_once_and_told_of_once(database: Database) -> None:
    row = tee(options=[{"name": "size", "values": ["M"]}], attributes={"fit": "slim"})

    first = (await products(database, row))["tee"]
    again = (await products(database, row))["tee"]
    changed = (await products(database, tee(name=None, description="Soft")))["tee"]

    assert first.outcome is Outcome.CREATED
    assert again == Written(id=first.id, outcome=Outcome.UNCHANGED)
    assert changed == Written(id=first.id, outcome=Outcome.CHANGED)
    assert await read(
        database, "SELECT name, description, status, version, attributes FROM products"
    ) == [
        {
            "name": "Tee",
            "description": "Soft",
            "status": "draft",
            "version": 2,
            "attributes": {"fit": "slim"},
        }
    ]
    assert await read(
        database, "SELECT sequence FROM outbox WHERE type = 'product.changed' ORDER BY sequence"
    ) == [{"sequence": 1}, {"sequence": 2}]


async def test_slugs_and_skus_of_others_are_left_alone(database: Database) -> None:
    mine = (await products(database, tee()))["tee"]
    assert mine.id is not None

    taken = await products(database, tee(vendor_id=OTHER, name="Stolen"))
    async with database.transaction() as session:
        ours = await write_variants(session, [VariantRow(sku="S", product_id=mine.id)])
        other = (await products(database, tee(slug="cap", vendor_id=OTHER)))["cap"]
        assert other.id is not None
    async with database.transaction() as session:
        theirs = await write_variants(session, [VariantRow(sku="S", product_id=other.id)])
    await database.statement(text("UPDATE products SET deleted_at = now() WHERE slug = 'tee'"), {})
    deleted = await products(database, tee(name="Back"))

    assert taken == {"tee": Written(id=None, outcome=Outcome.TAKEN)}
    assert ours["S"].outcome is Outcome.CREATED
    assert theirs == {"S": Written(id=None, outcome=Outcome.TAKEN)}
    assert deleted == {"tee": Written(id=mine.id, outcome=Outcome.DELETED)}
    assert await read(database, "SELECT name FROM products WHERE slug = 'tee'") == [{"name": "Tee"}]


async def test_vendors_neither_publish_nor_keep_published_what_staff_have_not_seen(
    database: Database,
) -> None:
    wanted = tee(vendor_id=WATCHED, status="published")
    state = "SELECT status, approval, name FROM products"

    refused = await products(database, wanted, by_vendor=True)
    assert await read(database, state) == []
    await products(database, wanted)
    await database.statement(text("UPDATE products SET approval = 'approved'"), {})
    same = await products(database, wanted, by_vendor=True)
    seen = await read(database, state)
    renamed = await products(database, tee(vendor_id=WATCHED, name="Rude"), by_vendor=True)

    assert refused == {"tee": Written(id=None, outcome=Outcome.NEEDS_APPROVAL)}
    assert same["tee"].outcome is Outcome.UNCHANGED
    assert seen == [{"status": "published", "approval": "approved", "name": "Tee"}]
    assert renamed["tee"].outcome is Outcome.CHANGED
    assert await read(database, state) == [
        {"status": "draft", "approval": "requested", "name": "Rude"}
    ]


async def test_staff_who_write_a_published_product_approve_it(database: Database) -> None:
    wanted = tee(vendor_id=WATCHED, status="published")
    state = "SELECT slug, status, approval FROM products ORDER BY slug"

    await products(database, wanted, tee(slug="cap", vendor_id=WATCHED))
    await products(database, tee(slug="cap", vendor_id=WATCHED, status="published"))
    seen = await read(database, state)
    async with database.transaction() as session:
        ids = [row["id"] for row in await read(database, "SELECT id FROM products")]
        waiting = await look_again(session, ids)
        again = await look_again(session, ids)

    assert seen == [
        {"slug": slug, "status": "published", "approval": "approved"} for slug in ("cap", "tee")
    ]
    assert (waiting, again) == (set(ids), set())
    assert await read(database, state) == [
        {"slug": slug, "status": "draft", "approval": "requested"} for slug in ("cap", "tee")
    ]


async def test_variants_prices_and_memberships_change_only_what_is_sent(
    database: Database,
) -> None:
    product_id = (await products(database, tee()))["tee"].id
    assert product_id is not None
    async with database.transaction() as session:
        made = await write_variants(
            session, [VariantRow(sku="M", product_id=product_id, title="M", weight_grams=120)]
        )
        id_ = str(made["M"].id)
        prices = [PriceRow(variant_id=id_, currency=code, amount=5) for code in ("EUR", "USD")]
        written = [
            await write_prices(session, prices),
            await write_prices(session, prices),
            await write_prices(session, [PriceRow(variant_id=id_, currency="USD", amount=6)]),
            await write_memberships(session, {product_id: ["cat_1", "cat_2"]}),
            await write_memberships(session, {product_id: ["cat_2"]}),
            await write_memberships(session, {product_id: ["cat_2"]}),
        ]
        retitled = await write_variants(
            session, [VariantRow(sku="M", product_id=product_id, title="Medium")]
        )
        versions = await touch(session, [product_id, product_id])

    assert written == [{id_}, set(), {id_}, {product_id}, {product_id}, set()]
    assert retitled == {"M": Written(id=id_, outcome=Outcome.CHANGED)}
    assert versions == {product_id: 2}
    assert await read(database, "SELECT title, weight_grams FROM variants") == [
        {"title": "Medium", "weight_grams": 120}
    ]
    assert await read(database, "SELECT currency, amount FROM variant_prices ORDER BY 1") == [
        {"currency": "EUR", "amount": 5},
        {"currency": "USD", "amount": 6},
    ]
    assert await read(database, "SELECT category_id FROM product_categories") == [
        {"category_id": "cat_2"}
    ]
