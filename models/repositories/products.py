"""Products as those who sell them see them, and the row that is locked for every change of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.errors import ConflictError, NotFoundError
from models.catalogue import Category, Product, Variant, VariantStatus
from models.repositories import offers

_MONEY = "json_build_object('amount', {amount}, 'currency', base.currency)"
_VARIANT = f"""
json_build_object(
    'id', v.id, 'product_id', v.product_id, 'sku', v.sku, 'title', v.title,
    'attributes', v.attributes, 'status', v.status, 'position', v.position,
    'weight_grams', v.weight_grams, 'backorder_policy', v.backorder_policy,
    'promised_at', to_char(v.promised_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'price', (SELECT {_MONEY.format(amount=offers.AMOUNT)} FROM variant_prices base
              WHERE base.variant_id = v.id
              ORDER BY base.currency <> :currency, base.currency LIMIT 1),
    'prices', (SELECT coalesce(json_agg({_MONEY.format(amount="base.amount")}
                                        ORDER BY base.currency), '[]'::json)
               FROM variant_prices base WHERE base.variant_id = v.id),
    'available', (SELECT coalesce(sum(on_hand - reserved), 0) FROM stock WHERE sku = v.sku),
    'version', p.version)
"""
_PRODUCTS = f"""
SELECT p.id, p.name, p.slug, p.description, p.vendor_id, p.status, {offers.SHOWN} AS on_sale,
    p.approval, p.approval_reason, p.version, p.created_at, p.updated_at, p.deleted_at,
    p.options::text AS options, p.attributes::text AS attributes,
    (SELECT coalesce(json_agg(c.category_id ORDER BY c.category_id), '[]'::json)
     FROM product_categories c WHERE c.product_id = p.id)::text AS category_ids,
    (SELECT coalesce(json_agg(json_build_object(
        'id', m.id, 'url', m.url, 'alt', m.alt, 'status', m.status, 'position', m.position,
        'width', m.width, 'height', m.height, 'thumbnails', m.thumbnails,
        'reason', m.reason) ORDER BY m.position, m.id), '[]'::json)
     FROM product_media m WHERE m.product_id = p.id AND m.status <> 'removed')::text AS media,
    (SELECT coalesce(json_agg({_VARIANT} ORDER BY v.position, v.id), '[]'::json)
     FROM variants v WHERE v.product_id = p.id)::text AS variants
FROM products p
"""
_JSON = ("options", "attributes", "category_ids", "media", "variants")
_ONE = text(f"""{_PRODUCTS}
WHERE p.id = :id AND p.deleted_at IS NULL
    AND (CAST(:vendor_id AS text) IS NULL OR p.vendor_id = :vendor_id)""")
_PAGE = text(f"""{_PRODUCTS}
WHERE (CAST(:after AS text) IS NULL OR p.id > :after)
    AND (CAST(:vendor_id AS text) IS NULL OR p.vendor_id = :vendor_id)
    AND (CAST(:approval AS text) IS NULL OR p.approval = :approval)
    AND (CAST(:status AS text) IS NULL OR :status = 'deleted' OR p.status = :status)
    AND (p.deleted_at IS NOT NULL) = coalesce(:status = 'deleted', false)
    AND (CAST(:category_id AS text) IS NULL OR EXISTS (
        SELECT FROM product_categories c
        WHERE c.product_id = p.id AND c.category_id = :category_id))
ORDER BY p.id LIMIT :limit""")
_ONE_WRITER = text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))")
_ONE_VARIANT = text(f"""
SELECT {_VARIANT}::text AS document
FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = :id
""")


async def is_written(session: AsyncSession, product_id: str) -> bool:
    """Tell whether there is a product; who writes it under this id at the moment is waited for."""
    await session.execute(_ONE_WRITER, {"id": product_id})
    return await session.get(Product, product_id) is not None


async def find(
    database: Database, product_id: str, *, vendor_id: str | None, currency: str
) -> dict[str, Any] | None:
    """Return a product in whatever state, unless it is deleted or another vendor's."""
    parameters = {"id": product_id, "vendor_id": vendor_id, "currency": currency}
    rows = await database.statement(_ONE, parameters)
    return _document(rows[0]) if rows else None


async def read(session: AsyncSession, product_id: str) -> dict[str, Any]:
    """Return a product that is there, with what this transaction has changed."""
    parameters = {"id": product_id, "vendor_id": None, "currency": "USD"}
    return _document((await session.execute(_ONE, parameters)).mappings().one())


async def read_variant(session: AsyncSession, variant_id: str) -> dict[str, Any]:
    """Return a variant that is there, with what this transaction has changed."""
    parameters = {"id": variant_id, "currency": "USD"}
    document: dict[str, Any] = orjson.loads(
        (await session.execute(_ONE_VARIANT, parameters)).scalar_one()
    )
    return document


async def page_of(
    database: Database,
    *,
    limit: int,
    after: str | None,
    currency: str,
    vendor_id: str | None,
    category_id: str | None,
    status: str | None,
    approval: str | None,
) -> list[dict[str, Any]]:
    """Return products by id, those after one first; deleted ones for the status ``deleted``."""
    parameters = {
        "limit": limit,
        "after": after,
        "currency": currency,
        "vendor_id": vendor_id,
        "category_id": category_id,
        "status": status,
        "approval": approval,
    }
    return [_document(row) for row in await database.statement(_PAGE, parameters)]


async def lock(
    session: AsyncSession, product_id: str, *, vendor_id: str | None, deleted: bool = False
) -> Product:
    """Return a product whose row is locked: who changes any part of it holds this lock.

    Args:
        session: the caller's transaction.
        product_id: the product.
        vendor_id: whose it must be; None for anybody's.
        deleted: whether it must be deleted, or must not.

    Raises:
        NotFoundError: there is none, it is another vendor's, or it is deleted (is not).
    """
    product = await session.get(Product, product_id, with_for_update={"key_share": True})
    if product is None or vendor_id not in {None, product.vendor_id}:
        raise NotFoundError("there is no such product")
    if (product.deleted_at is not None) != deleted:
        raise NotFoundError("the product is not deleted" if deleted else "the product is deleted")
    return product


async def lock_of_variant(
    session: AsyncSession, variant_id: str, *, vendor_id: str | None
) -> tuple[Product, Variant]:
    """Return a variant and its product, whose row is locked.

    Raises:
        NotFoundError: there is no such variant, its product is deleted, or another vendor's.
    """
    found = await session.scalar(select(Variant.product_id).where(Variant.id == variant_id))
    if found is None:
        raise NotFoundError("there is no such variant")
    product = await lock(session, found, vendor_id=vendor_id)
    variant = await session.get_one(Variant, variant_id)
    return product, variant


async def active_variants(session: AsyncSession, product_id: str) -> Sequence[Variant]:
    query = select(Variant).where(
        Variant.product_id == product_id, Variant.status == VariantStatus.ACTIVE
    )
    return (await session.scalars(query.order_by(Variant.id))).all()


async def save(session: AsyncSession, product: Product, changes: Mapping[str, Any]) -> None:
    """Write what has changed of a product that is locked; this counts its version and tells of it.

    Without ``changes`` something that belongs to it has changed.

    Raises:
        ConflictError: another product has its slug.
    """
    for name, value in changes.items():
        setattr(product, name, value)
    product.updated_at = datetime.now(UTC)
    slug = product.slug  # a failed flush takes it away
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_products_slug" not in str(error.orig):
            raise
        raise ConflictError(f"another product has the slug {slug}") from error
    await session.refresh(product, ["version"])


async def unknown_categories(session: AsyncSession, ids: Sequence[str]) -> set[str]:
    """Return those of ``ids`` that are no category, or a deleted one."""
    query = select(Category.id).where(col(Category.id).in_(ids), col(Category.deleted_at).is_(None))
    return set(ids) - set((await session.scalars(query)).all())


async def slug_taken(session: AsyncSession, slug: str) -> bool:
    query = select(Product.id).where(Product.slug == slug)
    return await session.scalar(query) is not None


def _document(row: RowMapping) -> dict[str, Any]:
    return {**row, **{name: orjson.loads(row[name]) for name in _JSON}}
