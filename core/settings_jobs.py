"""Long work on many rows: the section ``jobs``."""

from __future__ import annotations

from pydantic import Field

from core.section import Section


class JobSettings(Section):
    max_upload_bytes: int = Field(
        default=256 * 1024 * 1024, ge=1, description="of one list that is imported"
    )
    max_rows: int = Field(
        default=500_000, ge=1, description="of one list; a longer one is refused as a whole"
    )
    part_rows: int = Field(default=1_000, ge=1, le=10_000, description="written in one transaction")
    max_products: int = Field(default=10_000, ge=1, description="that one bulk action may change")
    max_orders: int = Field(default=1_000, ge=1, description="that one bulk action may change")
    max_unfinished: int = Field(
        default=20, ge=1, description="of one vendor at once; one more is refused"
    )
    upload_seconds: int = Field(
        default=3600, ge=1, description="a job whose list has not come by then has failed"
    )
    keep_days: int = Field(default=30, ge=1, description="then its files and faults are deleted")
