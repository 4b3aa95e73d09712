"""What becomes of a person's data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.base import AT_EXAMPLE, Moment, Schema, example, text
from models.personal_data import ErasureStatus, ExportStatus

_ERASURE = {
    "id": "ers_01jd7x9k2me8kv1qzr5t0w3y4b",
    "user_id": "usr_01jd7x9k2me8kv1qzr5t0w3y4b",
    "status": "done",
    "kept": {"orders": 2, "payments": 2, "refunds": 0, "until": "2036-11-22"},
    "created_at": AT_EXAMPLE,
    "ended_at": AT_EXAMPLE,
}


class ErasureRequest(Schema):
    model_config = example({"reason": "asked for by letter"})

    reason: Annotated[str, text(500)]


class Kept(Schema):
    """How many rows stay without their person, as long as the law asks: until that day."""

    orders: int
    payments: int
    refunds: int
    until: str | None = Field(description="A date; null without an order")


class Erasure(Schema):
    """``kept`` is told once the data is gone."""

    model_config = example(_ERASURE)

    id: str
    user_id: str
    status: ErasureStatus
    kept: Kept | None
    created_at: Moment
    ended_at: Moment | None


class ErasurePage(Schema):
    model_config = example({"data": [_ERASURE], "next_cursor": None})

    data: list[Erasure]
    next_cursor: str | None


class PersonalExport(Schema):
    """``download_url`` is a zip with a JSON file for each kind of thing, while it is there."""

    model_config = example(
        {
            "id": "exp_01jd7x9k2me8kv1qzr5t0w3y4b",
            "status": "done",
            "download_url": "https://api.example.com/v1/objects/personal/…/data.zip?signature=…",
            "created_at": AT_EXAMPLE,
            "ended_at": AT_EXAMPLE,
            "expires_at": AT_EXAMPLE,
        }
    )

    id: str
    status: ExportStatus
    download_url: str | None = Field(description="Works for some minutes; ask again for another")
    created_at: Moment
    ended_at: Moment | None
    expires_at: Moment | None
