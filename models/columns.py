"""Column shapes that every table shares."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING


def created_at() -> Any:
    """When the row was written, UTC."""
    return Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now()},
        nullable=False,
    )


def timestamp(*, nullable: bool = True) -> Any:
    """A moment, UTC."""
    default = None if nullable else ...
    return Field(
        default=default,
        sa_type=DateTime(timezone=True),
        nullable=nullable,
    )


def amount(default: int | None = None) -> Any:
    """Integer minor units of the row's currency."""
    return Field(default=... if default is None else default, sa_type=BigInteger)


def amount_or_zero() -> Any:
    """Integer minor units, zero in rows that were written before there was the column."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


def count() -> Any:
    """A number of units, zero at first."""
    return Field(default=0, sa_column_kwargs={"server_default": text("0")})


def flag() -> Any:
    """False at first."""
    return Field(default=False, sa_column_kwargs={"server_default": text("false")})


def mapping() -> Any:
    """A JSON object, empty at first."""
    return Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'")}
    )


def strings() -> Any:
    """A JSON list, empty at first."""
    return Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'")}
    )


def document(*, nullable: bool = False) -> Any:
    """A JSON document that is read and written whole."""
    return Field(default=None if nullable else ..., sa_type=JSONB, nullable=nullable)


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """A CHECK that the column holds one of the enum's values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
