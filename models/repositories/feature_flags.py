"""Feature flags as staff have turned them; one that nobody has turned has no row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.feature_flags import DECLARED, Flag, FlagState
from models.feature_flags import FeatureFlag
from models.repositories import audit, idempotency

_STATES = text("SELECT name, enabled, percentage FROM feature_flags")


async def states(database: Database) -> dict[Flag, FlagState]:
    """Return how every flag stands."""
    rows = await database.statement(_STATES, {})
    turned = {row["name"]: row for row in rows}
    return {
        flag: FlagState(enabled=turned[flag]["enabled"], percentage=turned[flag]["percentage"])
        if flag in turned
        else declared.default
        for flag, declared in DECLARED.items()
    }


async def rows(session: AsyncSession) -> list[FeatureFlag]:
    """Return every flag by name; those that nobody has turned as they are declared."""
    found = await session.scalars(select(FeatureFlag).where(col(FeatureFlag.name).in_(DECLARED)))
    turned = {row.name: row for row in found}
    return [turned.get(flag) or _untouched(flag) for flag in sorted(DECLARED)]


async def find(session: AsyncSession, flag: Flag, *, lock: bool = False) -> FeatureFlag:
    """Return a flag; with ``lock`` nobody else turns it until the transaction ends."""
    if lock:
        await idempotency.one_at_a_time(session, f"feature-flag:{flag}")
    return await session.get(FeatureFlag, flag.value) or _untouched(flag)


async def change(
    session: AsyncSession, row: FeatureFlag, values: Mapping[str, Any], *, actor: str, reason: str
) -> None:
    """Turn a locked flag; what stays the same is not told."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not changed:
        return
    before = {name: getattr(row, name) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_by = actor
    row.updated_at = (await session.execute(text("SELECT now()"))).scalar_one()
    session.add(row)
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="feature_flag.changed",
        target=row.name,
        reason=reason,
        before=before,
        after=changed,
    )


def _untouched(flag: Flag) -> FeatureFlag:
    default = DECLARED[flag].default
    return FeatureFlag(
        name=flag.value,
        enabled=default.enabled,
        percentage=default.percentage,
        version=0,
        updated_by="system",
    )
