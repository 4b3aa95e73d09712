"""The demo shop: what `perdure up` fills an empty database with."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from pwdlib import PasswordHash
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel, col, select

from core.database import Database
from core.domain.ids import Prefix, derived_id
from core.domain.permissions import EVERYTHING, VendorRank
from deploy.local import terms
from models import (
    Category,
    Product,
    ProductCategory,
    ProductMedia,
    ProductStatus,
    Role,
    Stock,
    StockMovement,
    User,
    Variant,
    VariantPrice,
    VariantStatus,
    Vendor,
    Warehouse,
)
from models.vendors import FulfillmentMode

MAKER = "maker"
"""Who works for the vendor that moves its parcels by hand."""
APPROVER = "approver"
"""A second person of staff: nobody approves alone what they have drawn up."""

DEMO_ACCOUNTS: Mapping[str, tuple[str, str]] = {
    name: (f"{name}@demo.perdure.dev", f"{name}-endures-the-demo")
    for name in (Role.CUSTOMER.value, Role.VENDOR.value, Role.STAFF.value, MAKER, APPROVER)
}
"""Email and password of one person of each role, of one more vendor's and one more of staff; for
the embedded stack only."""

_WORKS_FOR: Mapping[str, str] = {Role.VENDOR.value: "harbor-apparel", MAKER: "slow-loom"}
"""The vendor's slug by the account's name."""

_SHOP = Path(__file__).with_name("demo_shop.toml")
_ROOT = "usr_01jgfjjz00e008000000000000"
"""The shop's ids are derived from this one, so that a second run finds the rows of the first."""

_VERIFIED = datetime(2025, 1, 1, tzinfo=UTC)
_DEFAULT_STOCK = 5_000
_DEFAULT_GRAMS = 300

Row = dict[str, Any]
Shop = Mapping[str, Any]


async def seed(database: Database) -> None:
    """Write the demo shop and its accounts; rows that exist stay as they are."""
    shop = tomllib.loads(_SHOP.read_text(encoding="utf-8"))
    async with database.transaction() as session:
        connection = await session.connection()
        for table, rows in _tables(shop):
            await _insert(connection, table, rows)
        await _seed_stock(connection, shop)
        await _seed_accounts(connection)


async def _insert(connection: AsyncConnection, table: type[SQLModel], rows: Sequence[Row]) -> None:
    await connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _tables(shop: Shop) -> Iterator[tuple[type[SQLModel], list[Row]]]:
    """Rows of each table, parents before children."""
    yield Vendor, [_vendor(vendor) for vendor in shop["vendors"]]
    yield Warehouse, [_warehouse(warehouse) for warehouse in shop["warehouses"]]
    yield Category, [_category(category) for category in shop["categories"]]
    yield Product, [_product(product) for product in shop["products"]]
    yield ProductCategory, list(chain.from_iterable(map(_memberships, shop["products"])))
    yield ProductMedia, [_media(product) for product in shop["products"]]
    yield Variant, list(chain.from_iterable(map(_variants, shop["products"])))
    yield VariantPrice, list(chain.from_iterable(map(_prices, shop["products"])))
    yield from terms.tables(shop, root=_ROOT)


def _id(prefix: Prefix, entry: Mapping[str, Any]) -> str:
    return derived_id(prefix, _ROOT, entry["slug"])


def _vendor(vendor: Shop) -> Row:
    return {
        "id": _id(Prefix.VENDOR, vendor),
        "name": vendor["name"],
        "slug": vendor["slug"],
        "fulfillment": vendor.get("fulfillment", FulfillmentMode.AUTOMATIC),
        "payout_provider": "stripe",
        "payout_account": f"acct_{vendor['slug'].replace('-', '_')}",
    }


def _warehouse(warehouse: Shop) -> Row:
    return {
        "id": _id(Prefix.WAREHOUSE, warehouse),
        "name": warehouse["name"],
        "country": warehouse["country"],
        "priority": warehouse["priority"],
    }


def _category(category: Shop) -> Row:
    parent = category.get("parent")
    return {
        "id": _id(Prefix.CATEGORY, category),
        "parent_id": parent and derived_id(Prefix.CATEGORY, _ROOT, parent),
        "name": category["name"],
        "slug": category["slug"],
    }


def _product(product: Shop) -> Row:
    return {
        "id": _id(Prefix.PRODUCT, product),
        "vendor_id": derived_id(Prefix.VENDOR, _ROOT, product["vendor"]),
        "name": product["name"],
        "slug": product["slug"],
        "description": product["description"],
        "status": product.get("status", ProductStatus.PUBLISHED),
    }


def _memberships(product: Shop) -> Iterator[Row]:
    for category in product["categories"]:
        yield {
            "product_id": _id(Prefix.PRODUCT, product),
            "category_id": derived_id(Prefix.CATEGORY, _ROOT, category),
        }


def _media(product: Shop) -> Row:
    return {
        "id": _id(Prefix.MEDIA, product),
        "product_id": _id(Prefix.PRODUCT, product),
        "url": f"https://media.demo.perdure.dev/products/{product['slug']}.jpg",
        "alt": product["name"],
        "position": 0,
    }


def _variants(product: Shop) -> Iterator[Row]:
    for position, variant in enumerate(product["variants"]):
        yield {
            "id": derived_id(Prefix.VARIANT, _ROOT, variant["sku"]),
            "product_id": _id(Prefix.PRODUCT, product),
            "sku": variant["sku"],
            "title": variant["title"],
            "attributes": variant["attributes"],
            "status": variant.get("status", VariantStatus.ACTIVE),
            "position": position,
            "weight_grams": product.get("weight_grams", _DEFAULT_GRAMS),
        }


def _prices(product: Shop) -> Iterator[Row]:
    for variant in product["variants"]:
        for currency, amount in variant.get("prices", product["prices"]).items():
            yield {
                "variant_id": derived_id(Prefix.VARIANT, _ROOT, variant["sku"]),
                "currency": currency,
                "amount": amount,
            }


async def _seed_stock(connection: AsyncConnection, shop: Shop) -> None:
    """Only new stock rows get their first movement: the ledger adds up on a shop in use too."""
    added = await connection.execute(
        insert(Stock)
        .on_conflict_do_nothing()
        .returning(col(Stock.warehouse_id), col(Stock.sku), col(Stock.on_hand)),
        _stock(shop),
    )
    movements = [
        {
            "warehouse_id": warehouse_id,
            "sku": sku,
            "delta": on_hand,
            "reason": "initial",
            "reference": f"initial:{warehouse_id}:{sku}",
            "actor": "system",
        }
        for warehouse_id, sku, on_hand in added
        if on_hand
    ]
    if movements:
        await _insert(connection, StockMovement, movements)


def _stock(shop: Shop) -> list[Row]:
    first, second = (_id(Prefix.WAREHOUSE, warehouse) for warehouse in shop["warehouses"])
    rows: list[Row] = []
    for variant in chain.from_iterable(product["variants"] for product in shop["products"]):
        on_hand = variant.get("stock", _DEFAULT_STOCK)
        rows.append({"warehouse_id": first, "sku": variant["sku"], "on_hand": on_hand})
        if "second" in variant:
            rows.append(
                {"warehouse_id": second, "sku": variant["sku"], "on_hand": variant["second"]}
            )
    return rows


async def _seed_accounts(connection: AsyncConnection) -> None:
    emails = [email for email, _ in DEMO_ACCOUNTS.values()]
    known = set(await connection.scalars(select(User.email).where(col(User.email).in_(emails))))
    missing = {name: account for name, account in DEMO_ACCOUNTS.items() if account[0] not in known}
    if not missing:
        return
    hasher = PasswordHash.recommended()
    hashes = await asyncio.gather(
        *(asyncio.to_thread(hasher.hash, password) for _, password in missing.values())
    )
    rows = [
        {
            "id": derived_id(Prefix.USER, _ROOT, name),
            "email": email,
            "name": f"Demo {name}",
            "role": _role_of(name),
            "permissions": sorted(EVERYTHING) if _role_of(name) == Role.STAFF else [],
            "vendor_rank": VendorRank.OWNER if name in _WORKS_FOR else None,
            "email_verified_at": _VERIFIED,
            "password_hash": password_hash,
            "vendor_id": derived_id(Prefix.VENDOR, _ROOT, _WORKS_FOR[name])
            if name in _WORKS_FOR
            else None,
        }
        for (name, (email, _)), password_hash in zip(missing.items(), hashes, strict=True)
    ]
    await _insert(connection, User, rows)


def _role_of(name: str) -> str:
    if name in _WORKS_FOR:
        return Role.VENDOR
    return Role.STAFF if name == APPROVER else name
