"""Switches that staff turn while the platform runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from models import columns


class FeatureFlag(SQLModel, table=True):
    """On for a share of people, the same people every time; the code declares which there are."""

    __tablename__ = "feature_flags"
    __table_args__ = (CheckConstraint("percentage BETWEEN 0 AND 100", name="is_a_percentage"),)

    name: str = Field(primary_key=True)
    enabled: bool = columns.flag()
    percentage: int = Field(default=100, sa_column_kwargs={"server_default": "100"})
    version: int = columns.count()
    updated_at: datetime = columns.created_at()
    updated_by: str = "system"
