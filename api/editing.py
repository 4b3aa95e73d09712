"""Resources that people edit: their ``ETag``, and ``If-Match`` against lost changes (RFC 9110)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import Header, Response

from api.json_route import to_json
from core.domain.errors import PreconditionFailedError

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The `ETag` that the change was made from")
]


def edited(document: Any, *, status: int = 200, location: str | None = None) -> Response:
    """Answer with the resource and its ``ETag``."""
    body = to_json(document)
    headers = {"ETag": tag_of(document)} | ({"Location": location} if location else {})
    return Response(body, status, headers, "application/json")


def tag_of(document: Any) -> str:
    """Return the entity tag of a resource, in whatever order its fields come."""
    body = orjson.dumps(document, option=orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS)
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def require_match(if_match: str | None, document: Any) -> None:
    """Refuse a change that was made from another state of the resource; None is not there.

    Raises:
        PreconditionFailedError: the resource has changed since.
    """
    if if_match is None:
        return
    tags = {tag.strip() for tag in if_match.split(",")}
    if document is None or not tags & {"*", tag_of(document)}:
        raise PreconditionFailedError("it has changed since: read it again")
