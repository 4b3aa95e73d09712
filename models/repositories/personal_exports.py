"""Files in which people are handed their own data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.errors import ConflictError, NotFoundError
from models.personal_data import ExportStatus
from models.repositories import audit

_COLUMNS = "id, user_id, status, object_key, created_at, ended_at, expires_at"
_FIND = text(f"SELECT {_COLUMNS} FROM personal_exports WHERE id = :id AND user_id = :user_id")

# Locked by its person, so that of two at once one is made.
_LOCK = text("SELECT id FROM users WHERE id = :user_id AND disabled_at IS NULL FOR UPDATE")
_UNDER_WAY = text("""
SELECT EXISTS (SELECT FROM personal_exports
    WHERE user_id = :user_id AND status IN ('queued', 'running') AND id <> :id)
""")
_ADD = text("""
INSERT INTO personal_exports (id, user_id, status) VALUES (:id, :user_id, 'queued')
ON CONFLICT (id) DO NOTHING RETURNING id
""")
_BEGIN = text("""
UPDATE personal_exports SET status = 'running'
WHERE id = :id AND status IN ('queued', 'running') RETURNING id
""")
_END = text("""
UPDATE personal_exports SET status = 'done', object_key = :object_key, ended_at = now(),
    expires_at = now() + make_interval(secs => :seconds)
WHERE id = :id AND status = 'running'
""")
_DROP = text("UPDATE personal_exports SET object_key = NULL WHERE id = :id")
_UNSTARTED = text("""
SELECT id, user_id FROM personal_exports
WHERE status = 'queued' AND created_at < now() - interval '1 minute' ORDER BY id LIMIT 500
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportView:
    """One export; ``object_key`` is there as long as its file is."""

    id: str
    user_id: str
    status: ExportStatus
    object_key: str | None
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None


async def request(session: AsyncSession, export_id: str, user_id: str, *, actor: str) -> ExportView:
    """Write down that a person wants their data; the same id again changes nothing.

    Raises:
        NotFoundError: there is no such account, or it is closed.
        ConflictError: another one is being made.
    """
    if await session.scalar(_LOCK, {"user_id": user_id}) is None:
        raise NotFoundError("there is no such account")
    parameters = {"id": export_id, "user_id": user_id}
    if await session.scalar(_UNDER_WAY, parameters):
        raise ConflictError("your data is being put together already")
    if await session.scalar(_ADD, parameters):
        await audit.record(
            session, actor=actor, action="user.export_requested", target=user_id, reason=""
        )
    rows = await session.execute(_FIND, parameters)
    return _view(rows.mappings().one())


async def begin(database: Database, export_id: str) -> bool:
    """Say that it is being made; False when it is made, or its person was forgotten."""
    return bool(await database.statement(_BEGIN, {"id": export_id}))


async def end(database: Database, export_id: str, *, object_key: str, seconds: int) -> None:
    """Say that the file is there, for so many seconds."""
    await database.statement(
        _END, {"id": export_id, "object_key": object_key, "seconds": float(seconds)}
    )


async def drop(database: Database, export_id: str) -> None:
    """Say that the file is gone."""
    await database.statement(_DROP, {"id": export_id})


async def find(database: Database, export_id: str, user_id: str) -> ExportView | None:
    """Return a person's export; None when it is not there, or somebody else's."""
    rows = await database.statement(_FIND, {"id": export_id, "user_id": user_id})
    return _view(rows[0]) if rows else None


async def unstarted(database: Database) -> list[RowMapping]:
    """Return exports that nobody makes for over a minute, at most 500 of them."""
    return list(await database.statement(_UNSTARTED, {}))


def _view(row: RowMapping) -> ExportView:
    return ExportView(**{**row, "status": ExportStatus(row["status"])})
