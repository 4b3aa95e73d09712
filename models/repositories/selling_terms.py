"""Taxes and shipping fees as staff see and set them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, select

from core.database import Database
from models.catalogue import ShippingOption, ShippingZone, TaxRule

_Row = TypeVar("_Row", bound=SQLModel)


async def list_tax_rules(
    database: Database, *, limit: int, after: Sequence[str] | None = None
) -> list[TaxRule]:
    """Return rules by country and region, those after a key first."""
    return await _list(database, TaxRule, limit=limit, after=after)


async def list_shipping_options(
    database: Database, *, limit: int, after: Sequence[Any] | None = None
) -> list[ShippingOption]:
    """Return fees by method, zone, currency and weight, those after a key first."""
    return await _list(database, ShippingOption, limit=limit, after=after)


async def zone_exists(session: AsyncSession, zone_id: str) -> bool:
    return await session.get(ShippingZone, zone_id) is not None


async def lock(session: AsyncSession, row: SQLModel) -> dict[str, Any] | None:
    """Return what is there under the row's key, locked; None for nothing."""
    table = type(row)
    key = tuple(getattr(row, name) for name in key_of(table))
    known = await session.get(table, key, with_for_update=True)
    return None if known is None else known.model_dump()


async def put(session: AsyncSession, row: SQLModel) -> None:
    """Write a row under its key."""
    await session.merge(row)
    await session.flush()


def key_of(table: type[SQLModel]) -> list[str]:
    """Return the names of the columns that identify a row."""
    return [column.name for column in table.metadata.tables[str(table.__tablename__)].primary_key]


async def _list(
    database: Database, table: type[_Row], *, limit: int, after: Sequence[Any] | None
) -> list[_Row]:
    key = [getattr(table, name) for name in key_of(table)]
    query = select(table).order_by(*key).limit(limit)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    async with database.transaction() as session:
        return list((await session.execute(query)).scalars())
