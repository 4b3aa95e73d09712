"""Promotions as staff see and change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.errors import ConflictError
from core.domain.promotions import PromotionScope
from models.promotions import Promotion

_EXISTING: Mapping[str, str] = {
    PromotionScope.PRODUCT: "SELECT id FROM products WHERE id = ANY(CAST(:ids AS text[]))",
    PromotionScope.CATEGORY: "SELECT id FROM categories WHERE id = ANY(CAST(:ids AS text[]))",
}


async def list_promotions(
    database: Database, *, limit: int, before_id: str | None = None
) -> list[Promotion]:
    """Return promotions, the newest first, those older than ``before_id``."""
    query = select(Promotion).order_by(col(Promotion.id).desc()).limit(limit)
    if before_id is not None:
        query = query.where(col(Promotion.id) < before_id)
    async with database.transaction() as session:
        return list((await session.execute(query)).scalars())


async def find_promotion(database: Database, promotion_id: str) -> Promotion | None:
    async with database.transaction() as session:
        return await session.get(Promotion, promotion_id)


async def lock_promotion(session: AsyncSession, promotion_id: str) -> Promotion | None:
    return await session.get(Promotion, promotion_id, with_for_update={"key_share": True})


async def unknown_targets(session: AsyncSession, scope: str, ids: Sequence[str]) -> set[str]:
    """Return those of ``ids`` that are no product, or no category, by the scope."""
    if scope not in _EXISTING:
        return set()
    known = await session.execute(text(_EXISTING[scope]), {"ids": list(ids)})
    return set(ids) - set(known.scalars())


async def write(session: AsyncSession, promotion: Promotion) -> None:
    """Write a new or changed promotion.

    Raises:
        ConflictError: another one has its code, in whatever case.
    """
    session.add(promotion)
    code = promotion.code  # a failed flush takes it away
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_promotions_code" not in str(error.orig):
            raise
        raise ConflictError(f"another promotion has the code {code}") from error


def terms_of(promotion: Promotion) -> dict[str, Any]:
    """Return what staff decide about a promotion, by the names of its columns."""
    return promotion.model_dump(exclude={"id", "used", "version", "created_at", "updated_at"})
