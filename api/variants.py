"""Variants by those who sell them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.carts import refuse
from api.preconditions import require_match
from api.product_changes import look_again, written
from api.schemas.prices import WrittenPrice
from api.schemas.products import NewVariant, VariantChange
from api.sellers import Document, refuse_nulls, vendor_of
from core.domain.errors import ConflictError, FieldError
from core.domain.ids import Prefix, new_id
from core.domain.products import attribute_faults, choice
from core.resources import Resources
from core.security import Principal
from models.catalogue import Product, Variant, VariantStatus
from models.repositories import products, variant_rows
from models.repositories.variant_rows import PriceRow
from models.vendors import Vendor

_COLUMNS = frozenset({"title", "attributes", "position", "weight_grams", "status"})
_LOOKED_AT = frozenset({"title", "attributes"})


async def create(
    resources: Resources,
    product_id: str,
    variant_id: str,
    wanted: NewVariant,
    *,
    who: Principal,
    if_match: str | None,
) -> Document:
    """Add a variant once, however often it is asked for.

    Raises:
        NotFoundError: there is no such product, or not the caller's.
        PreconditionFailedError: it is not the version that the caller saw.
        InvalidRequestError: names every field at fault.
        ConflictError: another variant has the SKU.
    """
    async with resources.database.transaction() as session:
        product = await products.lock(session, product_id, vendor_id=vendor_of(who))
        if await session.get(Variant, variant_id) is None:
            require_match(if_match, product.version)
            vendor = await session.get_one(Vendor, product.vendor_id)
            await add(session, product, wanted, variant_id=variant_id)
            await written(
                session,
                product,
                look_again(product, vendor, who),
                action="variant.created",
                actor=who.actor,
                reason=wanted.reason,
                target=variant_id,
                before={},
                after=wanted.model_dump(exclude={"reason"}),
            )
        return await products.read_variant(session, variant_id)


async def add(
    session: AsyncSession,
    product: Product,
    wanted: NewVariant,
    *,
    variant_id: str | None = None,
    within: str = "",
) -> None:
    """Write a new variant with its prices; the caller holds the product's lock, and tells of it.

    Args:
        session: the caller's transaction.
        product: whose variant it is.
        wanted: the variant.
        variant_id: its id; a new one without.
        within: the pointer of the variant in the request.

    Raises:
        InvalidRequestError: names every field at fault.
        ConflictError: another variant has the SKU.
    """
    refuse(_price_faults(wanted, within))
    await _check_attributes(session, product, wanted.attributes, within=within)
    variant = Variant(
        id=variant_id or new_id(Prefix.VARIANT),
        product_id=product.id,
        sku=wanted.sku,
        title=wanted.title or _title_of(product, wanted),
        attributes=wanted.attributes,
        status=VariantStatus.ACTIVE,
        position=wanted.position,
        weight_grams=wanted.weight_grams,
    )
    session.add(variant)
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_variants_sku" not in str(error.orig):
            raise
        raise ConflictError(f"another variant has the SKU {wanted.sku}") from error
    await variant_rows.write_prices(
        session, [_price_row(variant.id, price) for price in _prices(wanted)]
    )


async def read(resources: Resources, variant_id: str, *, who: Principal) -> Document:
    """Return a variant in whatever state.

    Raises:
        NotFoundError: there is no such variant, its product is deleted, or not the caller's.
    """
    async with resources.database.transaction() as session:
        await products.lock_of_variant(session, variant_id, vendor_id=vendor_of(who))
        return await products.read_variant(session, variant_id)


async def change(
    resources: Resources,
    variant_id: str,
    wanted: VariantChange,
    *,
    who: Principal,
    if_match: str | None,
) -> Document:
    """Change what is sent.

    Raises:
        NotFoundError: there is no such variant, or not the caller's.
        PreconditionFailedError: its product is not the version that the caller saw.
        InvalidRequestError: names every field at fault.
    """
    sent = wanted.model_dump(exclude_unset=True, exclude={"reason"})
    refuse_nulls(sent)
    async with resources.database.transaction() as session:
        product, variant = await products.lock_of_variant(
            session, variant_id, vendor_id=vendor_of(who)
        )
        require_match(if_match, product.version)
        present = await products.read_variant(session, variant_id)
        changed = {n: v for n, v in sent.items() if n in _COLUMNS and v != present[n]}
        await _check_change(session, product, variant, changed)
        for name, value in changed.items():
            setattr(variant, name, value)
        if changed:
            variant.updated_at = datetime.now(UTC)
            await session.flush()
        before = {name: present[name] for name in changed}
        if wanted.price is not None:
            row = _price_row(variant_id, wanted.price)
            if await variant_rows.write_prices(session, [row]):
                before["prices"] = present["prices"]
                changed["price"] = wanted.price.model_dump()
        if changed:
            vendor = await session.get_one(Vendor, product.vendor_id)
            again = look_again(product, vendor, who) if _LOOKED_AT & changed.keys() else {}
            await written(
                session,
                product,
                again,
                action="variant.changed",
                actor=who.actor,
                reason=wanted.reason,
                target=variant_id,
                before=before,
                after=changed,
            )
        return await products.read_variant(session, variant_id)


async def _check_change(
    session: AsyncSession, product: Product, variant: Variant, changed: Mapping[str, Any]
) -> None:
    """Check what tells it from others when that changes, or when it is to be sold again."""
    status = changed.get("status", variant.status)
    if status == VariantStatus.ACTIVE and {"attributes", "status"} & changed.keys():
        attributes = changed.get("attributes", variant.attributes)
        await _check_attributes(session, product, attributes, besides=variant.id)


async def _check_attributes(
    session: AsyncSession,
    product: Product,
    attributes: Mapping[str, Any],
    *,
    besides: str | None = None,
    within: str = "",
) -> None:
    if not product.options:
        return
    faults = attribute_faults(product.options, attributes)
    if not faults:
        wanted = choice(product.options, attributes)
        faults = [
            FieldError(pointer="/attributes", detail=f"variant {other.sku} has these values")
            for other in await products.active_variants(session, product.id)
            if other.id != besides and choice(product.options, other.attributes) == wanted
        ]
    refuse([FieldError(pointer=within + one.pointer, detail=one.detail) for one in faults])


def _prices(wanted: NewVariant) -> list[WrittenPrice]:
    return [*wanted.prices, *([wanted.price] if wanted.price else [])]


def _price_faults(wanted: NewVariant, within: str) -> list[FieldError]:
    currencies = [price.currency for price in _prices(wanted)]
    if len(set(currencies)) == len(currencies):
        return []
    return [FieldError(pointer=f"{within}/prices", detail="a currency is there twice")]


def _price_row(variant_id: str, price: WrittenPrice) -> PriceRow:
    return PriceRow(variant_id=variant_id, currency=price.currency, amount=price.amount)


def _title_of(product: Product, wanted: NewVariant) -> str:
    """The values of the options, or the name of the product that has none."""
    values = [str(value) for value in choice(product.options, wanted.attributes)]
    return ", ".join(values) or product.name
