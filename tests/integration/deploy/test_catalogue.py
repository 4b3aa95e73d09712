from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pwdlib import PasswordHash
from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from core.domain.money import Money
from core.domain.pricing import Line, shipping_fee
from core.settings import PostgresSettings
from deploy.demo.scenarios import KEPT_FOR_REHEARSALS
from deploy.local.catalogue import DEMO_ACCOUNTS, seed
from models import Role
from models.repositories.catalogue import OfferedVariant, cart_snapshot

COUNTS = """
SELECT (SELECT count(*) FROM vendors) AS vendors,
       (SELECT count(*) FROM warehouses) AS warehouses,
       (SELECT count(*) FROM products) AS products,
       (SELECT count(*) FROM variants) AS variants,
       (SELECT count(*) FROM tax_rules) AS tax_rules,
       (SELECT count(*) FROM shipping_options) AS shipping_options,
       (SELECT count(*) FROM promotions) AS promotions,
       (SELECT count(*) FROM stock_movements) AS stock_movements,
       (SELECT count(*) FROM users) AS users
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield database
    await database.close()


async def rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await database.statement(text(sql), {})]


def _units_of(variant: OfferedVariant) -> Line:
    return Line(
        sku=variant.sku,
        quantity=3,
        unit_price=Money(amount=variant.price or 0, currency="USD"),
        product_id=variant.product_id,
        category_ids=variant.category_ids,
    )


async def test_empty_database_gets_the_demo_shop(database: Database) -> None:
    await seed(database)

    assert await rows(database, COUNTS) == [(4, 2, 28, 55, 54, 32, 4, 62, 5)]
    assert await rows(
        database,
        "SELECT p.currency, p.amount FROM variants v JOIN variant_prices p ON p.variant_id = v.id"
        " WHERE v.sku = 'TEE-BLK-M' ORDER BY 1",
    ) == [("EUR", 1899), ("JPY", 2980), ("KWD", 6150), ("NGN", 3_000_000), ("USD", 1999)]
    assert await rows(
        database,
        "SELECT sku, sum(on_hand)::int FROM stock"
        " WHERE sku IN ('TEE-BLK-M', 'DROP-50', 'MUG-SOLD-OUT') GROUP BY 1 ORDER BY 1",
    ) == [("DROP-50", 50), ("MUG-SOLD-OUT", 0), ("TEE-BLK-M", 100_000)]
    assert await rows(database, "SELECT sku FROM variants WHERE status = 'withdrawn'") == [
        ("TEE-RED-M",)
    ]
    assert await rows(database, "SELECT slug FROM products WHERE status = 'draft'") == [
        ("second-firing",)
    ]


async def test_carts_are_priced_on_the_terms_of_where_they_go(database: Database) -> None:
    await seed(database)

    async def terms(country: str, region: str | None = None) -> tuple[int, bool, int]:
        snapshot = await cart_snapshot(
            database,
            skus=["TEE-BLK-M"],
            currency="USD",
            country=country,
            region=region,
            shipping_method="standard",
        )
        assert snapshot.tax is not None
        fee = shipping_fee(snapshot.shipping, currency="USD", grams=400)
        assert fee is not None
        return snapshot.tax.basis_points, snapshot.tax.included, fee

    assert await terms("US", "OR") == (0, False, 500)
    assert await terms("US", " ca") == (725, False, 500)
    assert await terms("US", "HI") == (0, False, 1200)
    assert await terms("DE", "CA") == (1900, False, 500)
    assert await terms("TW") == (500, True, 900)
    assert await terms("IL") == (1800, True, 500)


async def test_demo_codes_apply_to_the_demo_shop(database: Database) -> None:
    await seed(database)

    async def offered(code: str) -> list[str]:
        snapshot = await cart_snapshot(
            database,
            skus=["TEE-BLK-M"],
            currency="USD",
            country="US",
            shipping_method="standard",
            promotion_code=code,
        )
        tee = snapshot.variants["TEE-BLK-M"]
        return [
            offer.promotion.label
            for offer in snapshot.promotions
            if offer.promotion.covers(_units_of(tee))
        ]

    assert await offered("NOT-THERE") == ["Free shipping for large orders"]
    for code in ("WELCOME10", "TEES3FOR2", "first100"):
        assert code.upper() in await offered(code)


async def test_stock_on_hand_is_the_sum_of_its_movements(database: Database) -> None:
    await seed(database)

    assert (
        await rows(
            database,
            "SELECT s.sku FROM stock s LEFT JOIN stock_movements m USING (warehouse_id, sku)"
            " GROUP BY s.warehouse_id, s.sku HAVING s.on_hand <> coalesce(sum(m.delta), 0)",
        )
        == []
    )


async def test_second_run_changes_nothing_and_restores_no_sold_unit(database: Database) -> None:
    await seed(database)
    before = await rows(database, COUNTS)
    hashes = await rows(database, "SELECT id, password_hash FROM users ORDER BY id")
    sold = text("UPDATE stock SET on_hand = on_hand - 1 WHERE sku = 'DROP-50'")
    await database.statement(sold, {})

    await seed(database)

    assert await rows(database, COUNTS) == before
    assert await rows(database, "SELECT id, password_hash FROM users ORDER BY id") == hashes
    assert await rows(database, "SELECT on_hand FROM stock WHERE sku = 'DROP-50'") == [(49,)]


async def test_demo_accounts_sign_in_with_their_passwords(database: Database) -> None:
    await seed(database)

    accounts = {
        email: (role, password_hash, vendor)
        for email, role, password_hash, vendor in await rows(
            database,
            "SELECT email, role, password_hash, v.slug FROM users u"
            " LEFT JOIN vendors v ON v.id = u.vendor_id",
        )
    }
    assert {
        name: (accounts[email][0], accounts[email][2]) for name, (email, _) in DEMO_ACCOUNTS.items()
    } == {
        "customer": (Role.CUSTOMER, None),
        "vendor": (Role.VENDOR, "harbor-apparel"),
        "staff": (Role.STAFF, None),
        "maker": (Role.VENDOR, "slow-loom"),
        "approver": (Role.STAFF, None),
    }
    for email, password in DEMO_ACCOUNTS.values():
        assert PasswordHash.recommended().verify(password, accounts[email][1])


async def test_goods_that_people_send_are_last_in_the_list(database: Database) -> None:
    await seed(database)

    listed = await rows(
        database,
        "SELECT p.slug, v.fulfillment FROM products p JOIN vendors v ON v.id = p.vendor_id"
        " WHERE p.status = 'published' ORDER BY p.id",
    )
    assert [slug for slug, fulfillment in listed if fulfillment == "manual"] == [
        slug for slug, _ in listed[-2:]
    ]
    by_hand = await rows(
        database,
        "SELECT v.sku FROM variants v JOIN products p ON p.id = v.product_id"
        " JOIN vendors ven ON ven.id = p.vendor_id WHERE ven.fulfillment = 'manual'",
    )
    assert {sku for (sku,) in by_hand} < KEPT_FOR_REHEARSALS
