"""What becomes of a person's data: erased, handed out, or brought over from the old world."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models import columns


class ErasureStatus(StrEnum):
    REQUESTED = "requested"
    WAITING = "waiting"
    """Orders, refunds or disputes of the person are still under way."""
    ERASING = "erasing"
    DONE = "done"


class Erasure(SQLModel, table=True):
    """One person's wish to be forgotten, and what of them the law asks to keep."""

    __tablename__ = "erasures"
    __table_args__ = (columns.one_of("status", ErasureStatus),)

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", unique=True)
    status: str
    actor: str
    kept: dict[str, Any] = columns.document()
    """Counts by table of what stays, and until when."""
    created_at: datetime = columns.created_at()
    ended_at: datetime | None = columns.timestamp()


class ExportStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class PersonalExport(SQLModel, table=True):
    """All that is known of a person, made for that person; the file goes when it expires."""

    __tablename__ = "personal_exports"
    __table_args__ = (
        columns.one_of("status", ExportStatus),
        Index("ix_personal_exports_user_id", "user_id", "id"),
    )

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    status: str
    object_key: str | None = None
    created_at: datetime = columns.created_at()
    ended_at: datetime | None = columns.timestamp()
    expires_at: datetime | None = columns.timestamp()


class OldUserOutcome(StrEnum):
    CREATED = "created"
    MERGED = "merged"
    CONFLICT = "conflict"
    INVALID = "invalid"


class OldUser(SQLModel, table=True):
    """One record of the old world, by its own key, and what became of it."""

    __tablename__ = "old_users"
    __table_args__ = (
        columns.one_of("outcome", OldUserOutcome),
        Index("ix_old_users_open", "source_id", postgresql_where=text("outcome IN ('conflict')")),
    )

    source_id: str = Field(primary_key=True)
    fingerprint: str
    """SHA-256 of the record: the same record again changes nothing."""
    user_id: str | None = Field(default=None, foreign_key="users.id", index=True)
    outcome: str
    detail: str = ""
    """Why, without personal data."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
