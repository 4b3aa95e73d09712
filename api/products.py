"""Products by those who sell them: every fault is named, every change is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api import variants
from api.carts import refuse
from api.preconditions import require_match
from api.product_changes import look_again, moved, written
from api.schemas.products import NewProduct, ProductChange
from api.sellers import Document, plain, refuse_nulls, vendor_of
from core.domain.errors import FieldError, InvalidRequestError
from core.domain.products import (
    ProductStatus,
    attribute_faults,
    option_faults,
    slug_of,
)
from core.resources import Resources
from core.security import Principal
from models.catalogue import Product, Variant
from models.repositories import audit, product_rows, products
from models.vendors import Vendor

_LOOKED_AT = frozenset({"name", "slug", "description", "options", "attributes", "category_ids"})
"""What staff look at before they approve."""
_NOT_COLUMNS = frozenset({"category_ids", "variants", "reason"})


async def create(
    resources: Resources, product_id: str, wanted: NewProduct, *, who: Principal
) -> Document:
    """Write a product with its variants once, however often it is asked for.

    Raises:
        InvalidRequestError: names every field at fault.
        ConflictError: a slug or a SKU is another's.
        InvalidStateError: it would be published, and staff have to approve it first.
    """
    async with resources.database.transaction() as session:
        if await products.is_written(session, product_id):
            return await products.read(session, product_id)
        vendor = await _vendor(session, wanted, who)
        options = [option.model_dump() for option in wanted.options]
        refuse(option_faults(options) + await _unknown_categories(session, wanted.category_ids))
        product = Product(
            **wanted.model_dump(exclude={*_NOT_COLUMNS, "slug", "vendor_id", "status", "options"}),
            id=product_id,
            vendor_id=vendor.id,
            slug=wanted.slug or await _free_slug(session, wanted.name, product_id),
            options=options,
            status=ProductStatus.DRAFT,
        )
        session.add(product)
        changes = moved(product, vendor, ProductStatus(wanted.status), who)
        await products.save(session, product, changes)
        if wanted.category_ids:
            await product_rows.write_memberships(session, {product_id: wanted.category_ids})
        for number, variant in enumerate(wanted.variants):
            await variants.add(session, product, variant, within=f"/variants/{number}")
        await audit.record(
            session,
            actor=who.actor,
            action="product.created",
            target=product_id,
            reason=wanted.reason,
            after=plain(wanted.model_dump(exclude={"reason"})),
        )
        return await products.read(session, product_id)


async def change(
    resources: Resources,
    product_id: str,
    wanted: ProductChange,
    *,
    who: Principal,
    if_match: str | None,
) -> Document:
    """Change what is sent.

    Raises:
        NotFoundError: there is no such product, or not the caller's.
        PreconditionFailedError: it is not the version that the caller saw.
        InvalidRequestError: names every field at fault.
        ConflictError: another product has the slug.
        InvalidStateError: the state has no such move, or staff have to approve it first.
    """
    sent = wanted.model_dump(exclude_unset=True, exclude={"reason"})
    refuse_nulls(sent)
    async with resources.database.transaction() as session:
        product = await products.lock(session, product_id, vendor_id=vendor_of(who))
        require_match(if_match, product.version)
        vendor = await session.get_one(Vendor, product.vendor_id)
        before = product.model_dump() | {"category_ids": await _categories(session, product_id)}
        if "category_ids" in sent:
            sent["category_ids"] = sorted(set(sent["category_ids"]))
        changed = {name: value for name, value in sent.items() if value != before[name]}
        await _check(session, product, changed)
        status = ProductStatus(changed.pop("status", product.status))
        if _LOOKED_AT & changed.keys():
            changed |= look_again(product, vendor, who)
        changed |= moved(product, vendor, status, who, changed)
        if not changed:
            return await products.read(session, product_id)
        ids = changed.get("category_ids")
        if ids is not None:
            await product_rows.write_memberships(session, {product_id: ids})
        columns = {name: value for name, value in changed.items() if name not in _NOT_COLUMNS}
        await written(
            session,
            product,
            columns,
            action="product.changed",
            actor=who.actor,
            reason=wanted.reason,
            before={name: before[name] for name in changed},
            after=changed,
        )
        return await products.read(session, product_id)


async def delete(
    resources: Resources, product_id: str, *, who: Principal, if_match: str | None
) -> None:
    """Take a product away: its row, its slug and its SKUs stay, and orders go on.

    Raises:
        NotFoundError: there is no such product, or not the caller's.
        PreconditionFailedError: it is not the version that the caller saw.
    """
    async with resources.database.transaction() as session:
        product = await products.lock(session, product_id, vendor_id=vendor_of(who))
        require_match(if_match, product.version)
        await written(
            session,
            product,
            {"deleted_at": datetime.now(UTC)},
            action="product.deleted",
            actor=who.actor,
        )


async def restore(resources: Resources, product_id: str, *, who: Principal) -> Document:
    """Bring a deleted product back, as a draft if it was on sale.

    Raises:
        NotFoundError: there is no such deleted product, or not the caller's.
    """
    async with resources.database.transaction() as session:
        product = await products.lock(session, product_id, vendor_id=vendor_of(who), deleted=True)
        published = product.status == ProductStatus.PUBLISHED
        changes = {"deleted_at": None} | ({"status": ProductStatus.DRAFT} if published else {})
        await written(session, product, changes, action="product.restored", actor=who.actor)
        return await products.read(session, product_id)


async def _vendor(session: AsyncSession, wanted: NewProduct, who: Principal) -> Vendor:
    own = vendor_of(who)
    vendor_id = wanted.vendor_id or own
    pointer = "/vendor_id"
    if vendor_id is None:
        raise InvalidRequestError([FieldError(pointer=pointer, detail="staff name the vendor")])
    vendor = await session.get(Vendor, vendor_id) if own in {None, vendor_id} else None
    if vendor is None:
        detail = "there is no such vendor, or it is not yours"
        raise InvalidRequestError([FieldError(pointer=pointer, detail=detail)])
    return vendor


async def _check(session: AsyncSession, product: Product, changed: Mapping[str, Any]) -> None:
    faults: list[FieldError] = []
    if "options" in changed:
        faults += option_faults(changed["options"])
        if not faults:
            faults += _misfits(
                changed["options"], await products.active_variants(session, product.id)
            )
    faults += await _unknown_categories(session, changed.get("category_ids", []))
    refuse(faults)


def _misfits(options: Sequence[Mapping[str, Any]], active: Sequence[Variant]) -> list[FieldError]:
    return [
        FieldError(pointer="/options", detail=f"variant {variant.sku}: {fault.detail}")
        for variant in active
        for fault in attribute_faults(options, variant.attributes)
    ]


async def _unknown_categories(session: AsyncSession, ids: Sequence[str]) -> list[FieldError]:
    unknown = await products.unknown_categories(session, ids) if ids else set()
    return [
        FieldError(pointer=f"/category_ids/{number}", detail="there is no such category")
        for number, id_ in enumerate(ids)
        if id_ in unknown
    ]


async def _categories(session: AsyncSession, product_id: str) -> list[str]:
    return await product_rows.memberships_of(session, product_id)


async def _free_slug(session: AsyncSession, name: str, product_id: str) -> str:
    slug = slug_of(name)
    if slug and not await products.slug_taken(session, slug):
        return slug
    return f"{slug}-{product_id[-8:]}".lstrip("-")
