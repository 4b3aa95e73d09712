"""The answers that were given, so that the same question gets the same answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from models import columns


class IdempotencyKey(SQLModel, table=True):
    """A key of one caller, the hash of what was asked with it, and the bytes of the answer."""

    __tablename__ = "idempotency_keys"

    caller_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: str
    """SHA-256 of method, path and canonical body, hex."""
    resource_id: str = Field(unique=True)
    """What the request makes or changes; a retry finds the same."""
    response_status: int | None = None
    response_body: bytes | None = Field(default=None, sa_type=LargeBinary)
    response_location: str | None = None
    created_at: datetime = columns.created_at()
    completed_at: datetime | None = columns.timestamp()
