"""What anonymous readers may keep."""

from __future__ import annotations

import hashlib

from fastapi import Request, Response

CATALOGUE_SECONDS = 5
"""Availability changes with every order; a page may be this much older."""


def cacheable(request: Request, body: bytes) -> Response:
    """Answer with an ``ETag``; 304 without a body when the caller has it already (RFC 9110)."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    signed_in = "authorization" in request.headers
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache"
        if signed_in
        else f"public, max-age={CATALOGUE_SECONDS}",
        "Vary": "Authorization",
    }
    known = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    if etag in tags or "*" in tags:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
