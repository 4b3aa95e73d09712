"""The tree of categories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from core.database import Database
from core.domain.errors import ConflictError, NotFoundError
from models.catalogue import Category

MAX_DEPTH = 20
"""Levels of the tree."""

PATH = f"""
(WITH RECURSIVE up AS (
    SELECT c.parent_id, c.slug, 1 AS level
    UNION ALL
    SELECT parent.parent_id, parent.slug, up.level + 1
    FROM up JOIN categories parent ON parent.id = up.parent_id WHERE up.level < {MAX_DEPTH}
) SELECT string_agg(slug, '/' ORDER BY level DESC) FROM up)
"""
"""Of ``categories c``: the slugs from the top of the tree down to it."""

# Whoever changes the shape of the tree waits for whoever else does: two moves make no circle.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('categories', 0))")
_COLUMNS = f"""
c.id, c.name, c.slug, c.parent_id, c.description, c.position, {PATH} AS path, c.version,
c.created_at, c.updated_at, c.deleted_at
"""
_ONE = text(f"SELECT {_COLUMNS} FROM categories c WHERE c.id = :id")
_PAGE = text(f"""
SELECT {_COLUMNS} FROM categories c
WHERE (CAST(:after AS text) IS NULL OR c.id > :after)
    AND (c.deleted_at IS NOT NULL) = :deleted
ORDER BY c.id LIMIT :limit
""")
_ABOVE = text("""
WITH RECURSIVE up AS (
    SELECT id, parent_id, 1 AS level FROM categories WHERE id = :id
    UNION ALL
    SELECT parent.id, parent.parent_id, up.level + 1
    FROM up JOIN categories parent ON parent.id = up.parent_id WHERE up.level <= :most
) SELECT id FROM up
""")
_LEVELS = text("""
WITH RECURSIVE down AS (
    SELECT id, 1 AS level FROM categories WHERE id = :id
    UNION ALL
    SELECT child.id, down.level + 1
    FROM down JOIN categories child ON child.parent_id = down.id WHERE down.level <= :most
) SELECT max(level) FROM down
""")
_HAS_CHILDREN = text("""
SELECT EXISTS (SELECT FROM categories WHERE parent_id = :id AND deleted_at IS NULL)
""")


async def page_of(
    database: Database, *, limit: int, after: str | None, deleted: bool
) -> list[dict[str, Any]]:
    """Return categories by id, those after one first: the deleted ones, or all others."""
    parameters = {"limit": limit, "after": after, "deleted": deleted}
    return [dict(row) for row in await database.statement(_PAGE, parameters)]


async def find(database: Database, category_id: str) -> dict[str, Any] | None:
    rows = await database.statement(_ONE, {"id": category_id})
    return dict(rows[0]) if rows else None


async def read(session: AsyncSession, category_id: str) -> dict[str, Any]:
    """Return a category that is there, with what this transaction has changed."""
    return dict((await session.execute(_ONE, {"id": category_id})).mappings().one())


async def lock(session: AsyncSession, category_id: str, *, deleted: bool = False) -> Category:
    """Return a category whose row is locked, with the shape of the whole tree.

    Raises:
        NotFoundError: there is none, or it is deleted (is not, when it should be).
    """
    await lock_tree(session)
    category = await session.get(Category, category_id, with_for_update={"key_share": True})
    if category is None or (category.deleted_at is not None) != deleted:
        raise NotFoundError("there is no such category")
    return category


async def lock_tree(session: AsyncSession) -> None:
    """Let nobody else change the shape of the tree until this transaction ends."""
    await session.execute(_ONE_AT_A_TIME)


async def misplaced(session: AsyncSession, category_id: str, parent_id: str) -> str | None:
    """Say in words why a category cannot be below ``parent_id``; None when it can.

    The tree is locked by the caller; the category may be one that is not written yet.
    """
    parent = await session.get(Category, parent_id)
    if parent is None or parent.deleted_at is not None:
        return "there is no such category"
    limits = {"most": MAX_DEPTH}
    above = (await session.execute(_ABOVE, {"id": parent_id, **limits})).scalars().all()
    if category_id in above:
        return "it would be below itself"
    levels = (await session.execute(_LEVELS, {"id": category_id, **limits})).scalar_one() or 1
    return f"at most {MAX_DEPTH} levels" if len(above) + levels > MAX_DEPTH else None


async def has_children(session: AsyncSession, category_id: str) -> bool:
    """Tell whether there are categories below it that are not deleted."""
    return bool((await session.execute(_HAS_CHILDREN, {"id": category_id})).scalar_one())


async def slug_taken(session: AsyncSession, slug: str) -> bool:
    return await session.scalar(select(Category.id).where(Category.slug == slug)) is not None


async def save(session: AsyncSession, category: Category, changes: Mapping[str, Any]) -> None:
    """Write a new or changed category; this counts its version and tells of it.

    Raises:
        ConflictError: another category has its slug.
    """
    for name, value in changes.items():
        setattr(category, name, value)
    category.updated_at = datetime.now(UTC)
    session.add(category)
    slug = category.slug  # a failed flush takes it away
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_categories_slug" not in str(error.orig):
            raise
        raise ConflictError(f"another category has the slug {slug}") from error
    await session.refresh(category, ["version"])
