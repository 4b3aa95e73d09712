"""Those who sell, as staff see and change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import ConflictError, NotFoundError
from models.repositories import audit, idempotency
from models.vendors import Vendor

FIELDS = ("name", "slug", "status", "fulfillment", "products_need_approval")


async def page_of(
    session: AsyncSession, *, status: str | None, before: str | None, limit: int
) -> Sequence[Vendor]:
    """Return vendors, the newest first."""
    statement = select(Vendor).order_by(col(Vendor.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(col(Vendor.id) < before)
    if status is not None:
        statement = statement.where(Vendor.status == status)
    return (await session.scalars(statement)).all()


async def find(session: AsyncSession, vendor_id: str, *, lock: bool = False) -> Vendor:
    """Return a vendor.

    Raises:
        NotFoundError: there is none.
    """
    statement = select(Vendor).where(Vendor.id == vendor_id)
    if lock:
        statement = statement.with_for_update(key_share=True)
    vendor = (await session.scalars(statement)).one_or_none()
    if vendor is None:
        raise NotFoundError("there is no such vendor")
    return vendor


async def add(
    session: AsyncSession, vendor_id: str, values: Mapping[str, Any], *, actor: str
) -> Vendor:
    """Add a vendor; a second run with the same id finds the first one's.

    Raises:
        ConflictError: another one has its slug.
    """
    await idempotency.one_at_a_time(session, vendor_id)
    known = await session.get(Vendor, vendor_id)
    if known is not None:
        return known
    await _require_free(session, values["slug"])
    vendor = Vendor(id=vendor_id, **values)
    session.add(vendor)
    await session.flush()
    await session.refresh(vendor)
    await audit.record(
        session,
        actor=actor,
        action="vendor.added",
        target=vendor_id,
        reason="",
        after=dict(values),
    )
    return vendor


async def change(
    session: AsyncSession, vendor: Vendor, values: Mapping[str, Any], *, actor: str, reason: str
) -> None:
    """Change fields of a locked vendor; its version and its event follow by themselves.

    Raises:
        ConflictError: another one has its slug.
    """
    changed = {name: value for name, value in values.items() if getattr(vendor, name) != value}
    if not changed:
        return
    if "slug" in changed:
        await _require_free(session, changed["slug"])
    before = {name: getattr(vendor, name) for name in changed}
    for name, value in changed.items():
        setattr(vendor, name, value)
    vendor.updated_at = func.now()  # type: ignore[assignment]  # the database's clock
    await session.flush()
    await session.refresh(vendor)
    await audit.record(
        session,
        actor=actor,
        action="vendor.changed",
        target=vendor.id,
        reason=reason,
        before=before,
        after=changed,
    )


async def _require_free(session: AsyncSession, slug: str) -> None:
    await idempotency.one_at_a_time(session, f"vendor:{slug}")
    if (await session.scalars(select(Vendor.id).where(Vendor.slug == slug))).first() is not None:
        raise ConflictError("another vendor has this slug")
