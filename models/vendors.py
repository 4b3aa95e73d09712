"""Those who sell."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from models import columns


class Vendor(SQLModel, table=True):
    __tablename__ = "vendors"

    id: str = Field(primary_key=True)
    name: str
    slug: str = Field(unique=True)
    created_at: datetime = columns.created_at()
