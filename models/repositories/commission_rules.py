"""The platform's part of a sale, by vendor and category, as staff set it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database, sqlstate
from core.domain.errors import ConflictError, NotFoundError
from models.catalogue import Category
from models.repositories import audit
from models.settlements import CommissionRule
from models.vendors import Vendor

_TAKEN = "23505"


async def list_rules(
    database: Database, *, vendor_id: str | None, limit: int, before: str | None = None
) -> list[CommissionRule]:
    """Return the rules that apply, the newest first, those before an id."""
    statement = (
        select(CommissionRule)
        .where(col(CommissionRule.active))
        .order_by(col(CommissionRule.id).desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(CommissionRule.id < before)
    if vendor_id is not None:
        statement = statement.where(CommissionRule.vendor_id == vendor_id)
    async with database.transaction() as session:
        return list((await session.scalars(statement)).all())


async def knows(session: AsyncSession, *, vendor_id: str | None, category_id: str | None) -> bool:
    """Tell whether vendor and category, those that are named, exist."""
    if vendor_id is not None and await session.get(Vendor, vendor_id) is None:
        return False
    return category_id is None or await session.get(Category, category_id) is not None


async def add(session: AsyncSession, rule: CommissionRule, *, actor: str, reason: str) -> None:
    """Write a new rule.

    Raises:
        ConflictError: there is one for the same vendor and category.
    """
    try:
        async with session.begin_nested():
            session.add(rule)
            await session.flush()
    except IntegrityError as error:
        if sqlstate(error) == _TAKEN:
            raise ConflictError("there is a rule for this vendor and category") from error
        raise
    await session.refresh(rule)
    await _record(session, rule, "commission_rule.add", actor, reason=reason)


async def lock(session: AsyncSession, rule_id: str) -> CommissionRule:
    """Return a rule that applies, locked.

    Raises:
        NotFoundError: there is none, or it was taken away.
    """
    found = await session.get(CommissionRule, rule_id, with_for_update=True)
    if found is None or not found.active:
        raise NotFoundError("there is no such rule")
    return found


async def change(
    session: AsyncSession, rule: CommissionRule, *, basis_points: int, actor: str, reason: str
) -> None:
    """Set the share of a locked rule; sales before keep theirs."""
    if rule.basis_points == basis_points:
        return
    before = document(rule)
    rule.basis_points = basis_points
    await _touch(session, rule)
    await _record(session, rule, "commission_rule.change", actor, reason=reason, before=before)


async def take_away(
    session: AsyncSession, rule: CommissionRule, *, actor: str, reason: str
) -> None:
    """Let a locked rule apply no more; its row stays for the books."""
    before = document(rule)
    rule.active = False
    await _touch(session, rule)
    await _record(session, rule, "commission_rule.delete", actor, reason=reason, before=before)


def document(rule: CommissionRule) -> dict[str, Any]:
    """What the audit log keeps of a rule."""
    return {
        "vendor_id": rule.vendor_id,
        "category_id": rule.category_id,
        "basis_points": rule.basis_points,
        "active": rule.active,
    }


async def _touch(session: AsyncSession, rule: CommissionRule) -> None:
    rule.version += 1
    rule.updated_at = datetime.now(UTC)
    await session.flush()


async def _record(
    session: AsyncSession,
    rule: CommissionRule,
    action: str,
    actor: str,
    *,
    reason: str,
    before: Mapping[str, Any] | None = None,
) -> None:
    await audit.record(
        session,
        actor=actor,
        action=action,
        target=rule.id,
        reason=reason,
        before=before,
        after=document(rule),
    )
