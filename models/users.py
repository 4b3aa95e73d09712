"""People who sign in, and the sessions they have."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models import columns


class Role(StrEnum):
    CUSTOMER = "customer"
    VENDOR = "vendor"
    STAFF = "staff"


class User(SQLModel, table=True):
    __tablename__ = "users"
    __table_args__ = (
        columns.one_of("role", Role),
        Index("uq_users_email", text("lower(email)"), unique=True),
    )

    id: str = Field(primary_key=True)
    email: str
    name: str
    role: str
    password_hash: str | None = None
    vendor_id: str | None = Field(default=None, foreign_key="vendors.id")
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
    disabled_at: datetime | None = columns.timestamp()


class RefreshToken(SQLModel, table=True):
    """One link of a session's chain; only its SHA-256 is stored.

    A token that was already used, shown again, revokes its whole family (RFC 9700, 4.14.2).
    """

    __tablename__ = "refresh_tokens"

    token_hash: str = Field(primary_key=True)
    family_id: str = Field(index=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    created_at: datetime = columns.created_at()
    expires_at: datetime = columns.timestamp(nullable=False)
    used_at: datetime | None = columns.timestamp()
    revoked_at: datetime | None = columns.timestamp()
