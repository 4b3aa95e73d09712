"""Categories by staff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.carts import refuse
from api.preconditions import require_match
from api.schemas.categories import CategoryChange, NewCategory
from api.sellers import Document, plain, refuse_nulls
from core.domain.errors import ConflictError, FieldError
from core.domain.products import slug_of
from core.resources import Resources
from core.security import Principal
from models.catalogue import Category
from models.repositories import audit, categories


async def create(
    resources: Resources, category_id: str, wanted: NewCategory, *, who: Principal
) -> Document:
    """Write a category once, however often it is asked for.

    Raises:
        InvalidRequestError: it cannot be where it is wanted.
        ConflictError: another category has the slug.
    """
    async with resources.database.transaction() as session:
        await categories.lock_tree(session)
        if await session.get(Category, category_id) is not None:
            return await categories.read(session, category_id)
        await _check_place(session, category_id, wanted.parent_id)
        columns = wanted.model_dump(exclude={"reason"})
        columns["slug"] = wanted.slug or await _free_slug(session, wanted.name, category_id)
        category = Category(id=category_id, **columns)
        await categories.save(session, category, {})
        await _record(
            session, category, "category.created", who, reason=wanted.reason, after=columns
        )
        return await categories.read(session, category_id)


async def change(
    resources: Resources,
    category_id: str,
    wanted: CategoryChange,
    *,
    who: Principal,
    if_match: str | None,
) -> Document:
    """Change what is sent; another parent moves it with all that is below it.

    Raises:
        NotFoundError: there is no such category.
        PreconditionFailedError: it is not the version that the caller saw.
        InvalidRequestError: it cannot be where it is wanted.
        ConflictError: another category has the slug.
    """
    sent = wanted.model_dump(exclude_unset=True, exclude={"reason"})
    refuse_nulls(sent, besides=frozenset({"parent_id"}))
    async with resources.database.transaction() as session:
        category = await categories.lock(session, category_id)
        require_match(if_match, category.version)
        before = category.model_dump()
        changed = {name: value for name, value in sent.items() if value != before[name]}
        if "parent_id" in changed:
            await _check_place(session, category_id, changed["parent_id"])
        if changed:
            await categories.save(session, category, changed)
            await _record(
                session,
                category,
                "category.changed",
                who,
                reason=wanted.reason,
                before={name: before[name] for name in changed},
                after=changed,
            )
        return await categories.read(session, category_id)


async def delete(
    resources: Resources, category_id: str, *, who: Principal, if_match: str | None
) -> None:
    """Take a category away; products that are in it stay, and are in it again if it comes back.

    Raises:
        NotFoundError: there is no such category.
        PreconditionFailedError: it is not the version that the caller saw.
        ConflictError: there are categories below it.
    """
    async with resources.database.transaction() as session:
        category = await categories.lock(session, category_id)
        require_match(if_match, category.version)
        if await categories.has_children(session, category_id):
            raise ConflictError("there are categories below it: move or delete them first")
        await categories.save(session, category, {"deleted_at": datetime.now(UTC)})
        await _record(session, category, "category.deleted", who)


async def restore(resources: Resources, category_id: str, *, who: Principal) -> Document:
    """Bring a deleted category back where it was.

    Raises:
        NotFoundError: there is no such deleted category.
        ConflictError: the one above it is deleted.
    """
    async with resources.database.transaction() as session:
        category = await categories.lock(session, category_id, deleted=True)
        if category.parent_id is not None and await categories.misplaced(
            session, category_id, category.parent_id
        ):
            raise ConflictError("the category above it is deleted: restore that first")
        await categories.save(session, category, {"deleted_at": None})
        await _record(session, category, "category.restored", who)
        return await categories.read(session, category_id)


async def _check_place(session: AsyncSession, category_id: str, parent_id: str | None) -> None:
    if parent_id is None:
        return
    fault = await categories.misplaced(session, category_id, parent_id)
    refuse([FieldError(pointer="/parent_id", detail=fault)] if fault else [])


async def _free_slug(session: AsyncSession, name: str, category_id: str) -> str:
    slug = slug_of(name)
    if slug and not await categories.slug_taken(session, slug):
        return slug
    return f"{slug}-{category_id[-8:]}".lstrip("-")


async def _record(
    session: AsyncSession,
    category: Category,
    action: str,
    who: Principal,
    *,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    await audit.record(
        session,
        actor=who.actor,
        action=action,
        target=category.id,
        reason=reason,
        before=before and plain(before),
        after=after and plain(after),
    )
