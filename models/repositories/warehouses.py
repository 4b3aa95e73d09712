"""Where stock lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import NotFoundError
from models.repositories import audit, idempotency
from models.stock import Warehouse

FIELDS = ("name", "country", "region", "priority", "latitude", "longitude")


async def page_of(session: AsyncSession, *, after: str | None, limit: int) -> Sequence[Warehouse]:
    """Return warehouses by id, those after a warehouse first."""
    statement = select(Warehouse).order_by(col(Warehouse.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(Warehouse.id) > after)
    return (await session.scalars(statement)).all()


async def find(session: AsyncSession, warehouse_id: str, *, lock: bool = False) -> Warehouse:
    """Return a warehouse.

    Raises:
        NotFoundError: there is none.
    """
    statement = select(Warehouse).where(Warehouse.id == warehouse_id)
    if lock:
        statement = statement.with_for_update(key_share=True)
    warehouse = (await session.scalars(statement)).one_or_none()
    if warehouse is None:
        raise NotFoundError("there is no such warehouse")
    return warehouse


async def add(
    session: AsyncSession, warehouse_id: str, values: Mapping[str, Any], *, actor: str
) -> Warehouse:
    """Add a warehouse; a second call with the same id finds the first one's."""
    await idempotency.one_at_a_time(session, warehouse_id)
    existing = await session.get(Warehouse, warehouse_id)
    if existing is not None:
        return existing
    warehouse = Warehouse(id=warehouse_id, **values)
    session.add(warehouse)
    await session.flush()
    await session.refresh(warehouse)
    await audit.record(
        session,
        actor=actor,
        action="warehouse.added",
        target=warehouse_id,
        reason="",
        after=dict(values),
    )
    return warehouse


async def change(
    session: AsyncSession, warehouse: Warehouse, values: Mapping[str, Any], *, actor: str
) -> None:
    """Change fields of a locked warehouse; what stays the same is not told."""
    changed = {name: value for name, value in values.items() if getattr(warehouse, name) != value}
    if not changed:
        return
    before = {name: getattr(warehouse, name) for name in changed}
    for name, value in changed.items():
        setattr(warehouse, name, value)
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="warehouse.changed",
        target=warehouse.id,
        reason="",
        before=before,
        after=changed,
    )
