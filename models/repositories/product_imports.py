"""A part of a list of products: what there is of it, and writing what is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.catalogue_plan import (
    Known,
    KnownProduct,
    KnownVariant,
    KnownVendor,
    PlannedProduct,
    PlannedVariant,
)
from core.domain.catalogue_rows import CatalogueRow
from core.domain.errors import UnavailableError
from core.domain.ids import Prefix, new_id
from models.repositories import product_changes, product_rows, variant_rows
from models.repositories.catalogue_rows import Outcome, Written
from models.repositories.product_rows import ProductRow
from models.repositories.variant_rows import PriceRow, VariantRow

_LOCK = text("""
SELECT p.id FROM products p
WHERE p.slug = ANY(CAST(:slugs AS text[])) ORDER BY p.id FOR NO KEY UPDATE OF p
""")
_KNOWN = text(f"""
SELECT
    (SELECT json_object_agg(p.slug, json_build_object(
        'id', p.id, 'vendor_id', p.vendor_id, 'deleted', p.deleted_at IS NOT NULL,
        'status', p.status,
        'unapproved', {product_changes.WAITS_FOR_STAFF},
        'options', p.options, 'attributes', p.attributes,
        'variants', (SELECT coalesce(json_agg(json_build_object('sku', v.sku,
                'attributes', v.attributes, 'active', v.status = 'active')
                ORDER BY v.position, v.id), '[]'::json)
            FROM variants v WHERE v.product_id = p.id)))
     FROM products p JOIN vendors d ON d.id = p.vendor_id
     WHERE p.slug = ANY(CAST(:slugs AS text[])))::text AS products,
    (SELECT json_object_agg(v.sku, p.slug) FROM variants v JOIN products p ON p.id = v.product_id
     WHERE v.sku = ANY(CAST(:skus AS text[])))::text AS skus,
    (SELECT json_object_agg(slug, id) FROM categories
     WHERE slug = ANY(CAST(:categories AS text[])) AND deleted_at IS NULL)::text AS categories,
    (SELECT json_object_agg(slug, json_build_object(
        'id', id, 'needs_approval', products_need_approval))
     FROM vendors WHERE slug = ANY(CAST(:vendors AS text[])))::text AS vendors
""")
_VENDOR = text("SELECT id, products_need_approval FROM vendors WHERE id = :id")
_AUDIT = text("""
INSERT INTO audit_log (id, actor, action, target, reason, after)
SELECT id, :actor, :action, target, :reason, CAST(:after AS jsonb)
FROM unnest(CAST(:ids AS text[]), CAST(:targets AS text[])) AS entry (id, target)
""")


async def known_of(session: AsyncSession, rows: Sequence[CatalogueRow]) -> Known:
    """Return what there is of all that some rows name; the products stay locked."""
    products = [row.product for row in rows]
    slugs = sorted({product.slug for product in products})
    await session.execute(_LOCK, {"slugs": slugs})
    categories = {slug for product in products for slug in product.categories or ()}
    found = (
        await session.execute(
            _KNOWN,
            {
                "slugs": slugs,
                "skus": [row.variant.sku for row in rows],
                "categories": sorted(categories),
                "vendors": sorted({product.vendor for product in products if product.vendor}),
            },
        )
    ).one()
    return Known(
        products={slug: _product(one) for slug, one in _document(found.products).items()},
        products_of_skus=_document(found.skus),
        categories=_document(found.categories),
        vendors={slug: KnownVendor(**one) for slug, one in _document(found.vendors).items()},
    )


async def vendor_of(session: AsyncSession, vendor_id: str) -> KnownVendor:
    """Return whose import it is."""
    found = (await session.execute(_VENDOR, {"id": vendor_id})).one()
    return KnownVendor(id=found.id, needs_approval=found.products_need_approval)


async def write(
    session: AsyncSession,
    planned: Sequence[PlannedProduct],
    *,
    by_vendor: bool,
    actor: str,
    job_id: str,
) -> None:
    """Write what is planned; what is there already as it shall be is not touched.

    Raises:
        UnavailableError: somebody took a slug or a SKU since it was planned: plan again.
    """
    if not planned:
        return
    products = await product_rows.write_products(
        session, [_product_row(one) for one in planned], by_vendor=by_vendor
    )
    ids = {slug: _require(written) for slug, written in products.items()}
    changed = await product_rows.write_memberships(
        session,
        {ids[p.cells.slug]: p.category_ids for p in planned if p.category_ids is not None},
    )
    variants = await variant_rows.write_variants(session, _variant_rows(planned, ids))
    of_sku = {sku: _require(written) for sku, written in variants.items()}
    priced = await variant_rows.write_prices(session, _price_rows(planned, of_sku))
    looked_at = set(changed)
    for product in planned:
        for variant in product.variants:
            sku = variant.cells.sku
            if variants[sku].outcome is not Outcome.UNCHANGED:
                looked_at.add(ids[product.cells.slug])
            if of_sku[sku] in priced:
                changed.add(ids[product.cells.slug])
    changed |= looked_at
    waiting = await product_changes.look_again(session, looked_at) if by_vendor else set()
    told = {
        _require(written)
        for written in products.values()
        if written.outcome is not Outcome.UNCHANGED
    }
    await product_changes.touch(session, changed - told - waiting)
    await audit_each(
        session,
        sorted(changed | told),
        actor=actor,
        action="product.imported",
        after={"job_id": job_id},
    )


async def audit_each(
    session: AsyncSession,
    targets: Sequence[str],
    *,
    actor: str,
    action: str,
    after: Mapping[str, Any],
    reason: str = "",
) -> None:
    """Write one entry of the audit log for each of many targets, in one statement."""
    if not targets:
        return
    await session.execute(
        _AUDIT,
        {
            "actor": actor,
            "action": action,
            "reason": reason,
            "after": orjson.dumps(after).decode(),
            "ids": [new_id(Prefix.AUDIT) for _ in targets],
            "targets": list(targets),
        },
    )


def _product_row(planned: PlannedProduct) -> ProductRow:
    cells = planned.cells
    return ProductRow(
        slug=cells.slug,
        vendor_id=planned.vendor_id,
        name=cells.name,
        description=cells.description,
        status=cells.status,
        options=planned.options,
        attributes=planned.attributes,
    )


def _variant_rows(planned: Sequence[PlannedProduct], ids: Mapping[str, str]) -> list[VariantRow]:
    return [
        VariantRow(
            sku=one.cells.sku,
            product_id=ids[product.cells.slug],
            title=one.cells.title or _title(product, one),
            attributes=one.attributes,
            status=one.cells.status,
            position=one.position,
            weight_grams=one.cells.weight_grams,
            backorder_policy=one.cells.backorder_policy,
        )
        for product in planned
        for one in product.variants
    ]


def _title(product: PlannedProduct, one: PlannedVariant) -> str | None:
    """A new variant without a title has the values of its options, or its product's name."""
    if one.position is None:
        return None
    return ", ".join(one.cells.options.values()) or product.cells.name


def _price_rows(planned: Sequence[PlannedProduct], of_sku: Mapping[str, str]) -> list[PriceRow]:
    return [
        PriceRow(variant_id=of_sku[one.cells.sku], currency=currency, amount=amount)
        for product in planned
        for one in product.variants
        for currency, amount in one.cells.prices.items()
    ]


def _require(written: Written) -> str:
    if written.id is None or not written.outcome.is_written:
        raise UnavailableError("somebody changed the catalogue at the same moment")
    return written.id


def _product(document: Mapping[str, Any]) -> KnownProduct:
    variants = [KnownVariant(**one) for one in document["variants"]]
    return KnownProduct(**{**document, "variants": variants})


def _document(value: str | None) -> dict[str, Any]:
    return dict(orjson.loads(value)) if value else {}
