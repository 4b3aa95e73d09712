"""Long work on many rows: imports, exports and bulk actions, with their progress."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models import columns


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class Job(SQLModel, table=True):
    """Done in parts, in order; ``position`` is where the next run goes on."""

    __tablename__ = "jobs"
    __table_args__ = (
        columns.one_of("status", JobStatus),
        CheckConstraint("done_rows >= 0 AND failed_rows >= 0", name="counts_not_negative"),
        Index("ix_jobs_vendor_id", "vendor_id", "id"),
        Index("ix_jobs_kind", "kind", "id"),
    )

    id: str = Field(primary_key=True)
    kind: str
    """What is done: ``import_products``, ``export_products``, a bulk action."""
    status: str
    actor: str
    vendor_id: str | None = Field(default=None, foreign_key="vendors.id")
    """Whose rows; None for staff, who may change all."""
    dry_run: bool = columns.flag()
    parameters: dict[str, Any] = columns.document()
    input_key: str | None = None
    """Object keys (``core.gateways.objects``) of what is read, what is made, and what was wrong."""
    output_key: str | None = None
    errors_key: str | None = None
    position: int = columns.count()
    total_rows: int | None = None
    done_rows: int = columns.count()
    failed_rows: int = columns.count()
    error: str | None = None
    """Why the whole job failed, in words."""
    cancel_requested_at: datetime | None = columns.timestamp()
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
    ended_at: datetime | None = columns.timestamp()


class JobPart(SQLModel, table=True):
    """One part of a job that is done, with what was wrong in it; written with its effects."""

    __tablename__ = "job_parts"

    job_id: str = Field(primary_key=True, foreign_key="jobs.id")
    number: int = Field(primary_key=True)
    done_rows: int
    failed_rows: int
    errors: list[dict[str, Any]] = columns.document()
    """``row``, ``field``, ``detail``."""
    created_at: datetime = columns.created_at()
