"""Keys of machines."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.base import AT_EXAMPLE, Moment, Schema, example
from api.schemas.identity import Name
from core.domain.permissions import Permission

_DAY = 86_400
_KEY = {
    "id": "key_01jd7x9k2me8kv1qzr5t0w3y4b",
    "name": "warehouse robot",
    "scopes": ["orders:read", "stock:write"],
    "created_by": "usr_01jd7x9k2me8kv1qzr5t0w3y4b",
    "created_at": AT_EXAMPLE,
    "expires_at": None,
    "last_used_at": AT_EXAMPLE,
    "previous_expires_at": None,
    "revoked_at": None,
}


class ApiKey(Schema):
    """``last_used_at`` is right to a minute; ``previous_expires_at`` ends the secret before."""

    model_config = example(_KEY)

    id: str
    name: str
    scopes: list[Permission]
    created_by: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None
    previous_expires_at: Moment | None
    revoked_at: Moment | None


class NewApiKey(ApiKey):
    """``key`` is told by this answer alone."""

    model_config = example(
        {**_KEY, "key": "pk_01jd7x9k2me8kv1qzr5t0w3y4b_q0m3k9pXo6yqv2o3cJm0m0kKp3vWQm2cQf0d1rXgA"}
    )

    key: str


class ApiKeyPage(Schema):
    model_config = example({"data": [_KEY], "next_cursor": None})

    data: list[ApiKey]
    next_cursor: str | None


class ApiKeyRequest(Schema):
    """A key gets no more than its maker has, and none to make accounts or to act as somebody."""

    model_config = example({"name": "warehouse robot", "scopes": ["orders:read", "stock:write"]})

    name: Name
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=len(Permission))]
    expires_at: Moment | None = None


class Rotation(Schema):
    """For how many seconds the old secret works beside the new one; a day if nothing is said."""

    model_config = example({"overlap_seconds": _DAY})

    overlap_seconds: Annotated[int, Field(strict=True, ge=0, le=30 * _DAY)] = _DAY
