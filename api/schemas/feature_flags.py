"""Switches that staff turn."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.base import AT_EXAMPLE, Moment, Schema, example, text

_FLAG = {
    "name": "product-imports",
    "description": "Vendors can import lists of products; staff always can",
    "enabled": True,
    "percentage": 100,
    "updated_at": AT_EXAMPLE,
    "updated_by": "staff:usr_01jd7x9k2me8kv1qzr5t0w3y4b",
}


class FeatureFlag(Schema):
    """On for a share of people, the same ones every time; ``updated_at`` null: never turned."""

    model_config = example(_FLAG)

    name: str
    description: str
    enabled: bool
    percentage: int
    updated_at: Moment | None
    updated_by: str


class FeatureFlagList(Schema):
    model_config = example({"data": [_FLAG], "next_cursor": None})

    data: list[FeatureFlag]
    next_cursor: str | None


class FeatureFlagChange(Schema):
    """What is not sent stays."""

    model_config = example({"enabled": True, "percentage": 25, "reason": "a quarter at first"})

    enabled: Annotated[bool, Field(strict=True)] | None = None
    percentage: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    reason: Annotated[str, text(200)]
