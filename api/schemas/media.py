"""Pictures of products, for those who manage them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import AT_EXAMPLE, MAX_INTEGER, Moment, Schema, example, text
from models.catalogue import MediaStatus

_MEDIA = {
    "id": "med_01jd7x9k2me8kv1qzr5t0w3y4b",
    "product_id": "prd_01jd7x9k2me8kv1qzr5t0w3y4b",
    "status": "ready",
    "reason": None,
    "url": "https://media.perdure.dev/public/media/med_01jd7x9k2me8kv1qzr5t0w3y4b/full.jpg",
    "alt": "A black tee",
    "position": 0,
    "content_type": "image/jpeg",
    "size_bytes": 183_201,
    "width": 1600,
    "height": 1200,
    "thumbnails": {
        "160": "https://media.perdure.dev/public/media/med_01jd7x9k2me8kv1qzr5t0w3y4b/w160.webp"
    },
}
_AWAITED = _MEDIA | {
    "status": "awaiting_upload",
    "url": None,
    "size_bytes": None,
    "width": None,
    "height": None,
    "thumbnails": {},
}
_UPLOAD = {
    "method": "PUT",
    "url": "https://shop.example.com/v1/objects/uploads/media/med_01jd7x9k2me8kv1qzr5t0w3y4b/"
    "picture?content_type=image%2Fjpeg&max_bytes=20971520&expires=1795426200&signature=pM3k",
    "headers": {"Content-Type": "image/jpeg"},
    "fields": {},
    "expires_at": AT_EXAMPLE,
}

Alt = Annotated[str, text(500, minimum=0)]


class MediaRequest(Schema):
    """What is going to be uploaded; the upload is checked by its content all the same.

    ``size_bytes`` lets the store refuse any other size. ``filename`` is only looked at for its
    ending.
    """

    model_config = example(
        {"content_type": "image/jpeg", "size_bytes": 183_201, "alt": "A black tee"}
    )

    content_type: Literal["image/jpeg", "image/png", "image/webp", "image/gif"]
    size_bytes: Annotated[int, Field(strict=True, ge=1, le=MAX_INTEGER)] | None = None
    alt: Alt = ""
    filename: Annotated[str, text(255)] | None = None


class MediaChange(Schema):
    model_config = example({"alt": "A black tee, from behind", "position": 2})

    alt: Alt | None = None
    position: Annotated[int, Field(strict=True, ge=0, le=10_000)] | None = None


class ManagedMedia(Schema):
    """``url`` and ``thumbnails`` (by width in pixels) are there once it is ``ready``.

    ``reason`` says in words why one is ``rejected``.
    """

    model_config = example(_MEDIA)

    id: str
    product_id: str
    status: MediaStatus
    reason: str | None
    url: str | None
    alt: str
    position: int
    content_type: str | None
    size_bytes: int | None
    width: int | None
    height: int | None
    thumbnails: dict[str, str]


class Upload(Schema):
    """The one request that uploads the file, once, until ``expires_at``.

    Without ``fields`` its body is the file; with them it is a form of these fields and then the
    file as ``file``. ``headers`` are sent as they are.
    """

    model_config = example(_UPLOAD)

    method: str
    url: str
    headers: dict[str, str]
    fields: dict[str, str]
    expires_at: Moment


class PromisedMedia(Schema):
    model_config = example({"media": _AWAITED, "upload": _UPLOAD})

    media: ManagedMedia
    upload: Upload


class ManagedMediaList(Schema):
    model_config = example({"data": [_MEDIA], "next_cursor": None})

    data: list[ManagedMedia]
    next_cursor: None
