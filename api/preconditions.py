"""Changes that are made only to what their maker has seen (RFC 9110, section 13.1.1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

from core.domain.errors import PreconditionFailedError

IfMatch = Annotated[
    str | None,
    Header(
        max_length=512,
        description="The `ETag` of what is to be changed; 412 when it has changed since",
        examples=['"3"'],
    ),
]


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"{version}"'


def require_match(if_match: str | None, version: int) -> None:
    """Refuse a change to another version than the caller's; without the header all are meant.

    Raises:
        PreconditionFailedError: none of the tags is this version's. Weak ones never match.
    """
    if if_match is None or if_match.strip() == "*":
        return
    if etag(version) not in {tag.strip() for tag in if_match.split(",")}:
        raise PreconditionFailedError(f"the ETag is {etag(version)} now")
