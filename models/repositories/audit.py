"""The audit log: who did what to which, written with the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.ids import Prefix, new_id
from models.oversight import AuditEntry

_LIST = text("""
SELECT id, at, actor, action, target, reason, before::text AS before, after::text AS after
FROM audit_log
WHERE (CAST(:before_id AS text) IS NULL OR id < :before_id)
  AND (CAST(:actor AS text) IS NULL OR actor = :actor)
  AND (CAST(:target AS text) IS NULL OR target = :target)
  AND (CAST(:action AS text) IS NULL OR action = :action)
ORDER BY id DESC LIMIT :limit
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditView:
    """One entry; ``target`` is the id of what was changed."""

    id: str
    at: datetime
    actor: str
    action: str
    target: str
    reason: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


async def record(
    session: AsyncSession,
    *,
    actor: str,
    action: str,
    target: str,
    reason: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write down who changed what, in the transaction that changes it.

    Args:
        session: the caller's transaction; a step that runs twice calls this only when it changes.
        actor: ``staff:usr_…`` and the like.
        action: what was done, in the form ``order.step_resolved``.
        target: the id of what was changed.
        reason: why, in the actor's words.
        before: what the changed fields were; no personal data, for the log is never edited.
        after: what they are now; no personal data either.
    """
    session.add(
        AuditEntry(
            id=new_id(Prefix.AUDIT),
            actor=actor,
            action=action,
            target=target,
            reason=reason,
            before=dict(before) if before is not None else None,
            after=dict(after) if after is not None else None,
        )
    )
    await session.flush()


async def knows(session: AsyncSession, *, target: str, action: str) -> bool:
    """Tell whether this was done to it before."""
    statement = select(AuditEntry.id).where(
        AuditEntry.target == target, AuditEntry.action == action
    )
    return (await session.scalars(statement.limit(1))).first() is not None


async def knows_update(session: AsyncSession, *, target: str, update_id: str) -> bool:
    """Tell whether a decision is written down that came by this update of a workflow."""
    statement = select(AuditEntry.id).where(
        AuditEntry.target == target, col(AuditEntry.after)["update_id"].astext == update_id
    )
    return (await session.scalars(statement.limit(1))).first() is not None


async def list_entries(
    database: Database,
    *,
    limit: int,
    before_id: str | None = None,
    actor: str | None = None,
    target: str | None = None,
    action: str | None = None,
) -> list[AuditView]:
    """Return entries, the newest first, those older than ``before_id``."""
    rows = await database.statement(
        _LIST,
        {
            "limit": limit,
            "before_id": before_id,
            "actor": actor,
            "target": target,
            "action": action,
        },
    )
    return [
        AuditView(**{**row, "before": _document(row["before"]), "after": _document(row["after"])})
        for row in rows
    ]


def _document(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)
