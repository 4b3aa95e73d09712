"""The prices of a variant, and those that hold for a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from api.carts import refuse
from api.preconditions import require_match
from api.product_changes import written
from api.schemas.prices import PricesChange, WrittenPeriod
from api.sellers import Document, vendor_of
from core.domain.errors import FieldError
from core.resources import Resources
from core.security import Principal
from models.repositories import price_periods, products
from models.repositories.price_periods import WantedPeriod


async def read(resources: Resources, variant_id: str, *, who: Principal) -> Document:
    """Return the prices of a variant.

    Raises:
        NotFoundError: there is no such variant, or not the caller's.
    """
    async with resources.database.transaction() as session:
        await products.lock_of_variant(session, variant_id, vendor_id=vendor_of(who))
        return await price_periods.read(session, variant_id)


async def put(
    resources: Resources,
    variant_id: str,
    wanted: PricesChange,
    *,
    who: Principal,
    if_match: str | None,
) -> Document:
    """Let these be all prices of a variant.

    Raises:
        NotFoundError: there is no such variant, or not the caller's.
        PreconditionFailedError: its product is not the version that the caller saw.
        InvalidRequestError: names every field at fault.
    """
    async with resources.database.transaction() as session:
        product, _ = await products.lock_of_variant(session, variant_id, vendor_id=vendor_of(who))
        require_match(if_match, product.version)
        refuse(_faults(wanted, await price_periods.now(session)))
        before = await price_periods.read(session, variant_id)
        await price_periods.put(
            session,
            variant_id,
            prices=[(price.currency, price.amount) for price in wanted.prices],
            periods=[WantedPeriod(**period.model_dump()) for period in wanted.periods],
        )
        after = await price_periods.read(session, variant_id)
        if after != before:
            await written(
                session,
                product,
                {},
                action="variant.prices_changed",
                actor=who.actor,
                reason=wanted.reason,
                target=variant_id,
                before=_told(before),
                after=_told(after),
            )
        return {**after, "version": product.version}


def _told(document: Document) -> Document:
    return {name: document[name] for name in ("prices", "periods")}


def _faults(wanted: PricesChange, now: datetime) -> list[FieldError]:
    currencies = [price.currency for price in wanted.prices]
    faults = [
        FieldError(pointer=f"/prices/{number}/currency", detail="this currency is there already")
        for number, currency in enumerate(currencies)
        if currency in currencies[:number]
    ]
    for number, period in enumerate(wanted.periods):
        pointer = f"/periods/{number}"
        if period.currency not in currencies:
            detail = "there is no price in this currency to go back to"
            faults.append(FieldError(pointer=f"{pointer}/currency", detail=detail))
        if period.ends_at is not None and period.ends_at <= _start(period, now):
            detail = "it ends before it starts, or is over"
            faults.append(FieldError(pointer=f"{pointer}/ends_at", detail=detail))
        elif _meets_another(period, wanted.periods[:number], now):
            detail = "another price holds in this currency then"
            faults.append(FieldError(pointer=f"{pointer}/starts_at", detail=detail))
    return faults


def _meets_another(period: WrittenPeriod, others: Sequence[WrittenPeriod], now: datetime) -> bool:
    return any(
        other.currency == period.currency
        and _start(period, now) < _end(other)
        and _start(other, now) < _end(period)
        for other in others
    )


def _start(period: WrittenPeriod, now: datetime) -> datetime:
    return max(period.starts_at or now, now)


def _end(period: WrittenPeriod) -> datetime:
    return period.ends_at or datetime.max.replace(tzinfo=UTC)
