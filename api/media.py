"""Pictures of products: promised, uploaded past us or to us, and followed by their workflow."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from starlette.responses import Response

from api import engine
from api.idempotency import IdempotentCall, replay
from api.json_route import to_json
from api.schemas.media import MediaRequest
from core.domain.errors import (
    FieldError,
    InvalidRequestError,
    InvalidStateError,
    UnavailableError,
)
from core.domain.ids import Prefix, new_id
from core.gateways.objects import SignedUpload
from core.pictures import EXTENSIONS
from core.resources import Resources
from core.security import Principal
from models import MediaStatus, ProductMedia
from models.repositories import media as pictures
from models.repositories.idempotency import StoredAnswer
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.media import MediaRef
from workflows.task_queues import TaskQueue

log = structlog.get_logger("api")

_UPLOAD = re.compile(r"uploads/media/(med_[0-9a-z]{26})/picture")


async def promise(
    resources: Resources,
    call: IdempotentCall,
    seller: Principal,
    product_id: str,
    wanted: MediaRequest,
) -> Response:
    """Write down a picture, and answer with the link of its upload.

    Raises:
        InvalidRequestError: too large, or its name does not fit its type.
        NotFoundError: there is no such product, or it is somebody else's.
        ConflictError: the product has as many pictures as it may.
        UnavailableError: nobody would follow the upload; the same key tries again.
    """
    settings = resources.settings
    _require_fitting(wanted, settings.media.max_bytes)
    record = await call.claim(resources.database, new_id(Prefix.MEDIA))
    if record.answer is not None:
        return replay(record.answer)
    media_id = record.resource_id
    upload = await resources.objects.sign_upload(
        f"uploads/media/{media_id}/picture",
        content_type=wanted.content_type,
        max_bytes=settings.media.max_bytes,
        size_bytes=wanted.size_bytes,
        expires_in=timedelta(seconds=settings.objects.upload_seconds),
    )
    async with resources.database.transaction() as session:
        media = await pictures.row_of(session, media_id)
        if media is None:
            media = _new_row(media_id, product_id, wanted, upload.expires_at)
            await pictures.promise(
                session,
                media,
                vendor_id=seller.vendor_id,
                most=settings.media.max_per_product,
                actor=seller.actor,
            )
        body = to_json({"media": document(media), "upload": _upload_document(upload)})
    await follow(resources, media_id)
    answer = StoredAnswer(status=201, body=body, location=f"/v1/media/{media_id}")
    return await call.settle(resources.database, answer)


async def complete(
    resources: Resources, seller: Principal, media_id: str
) -> tuple[int, ProductMedia]:
    """Have an upload worked on; return 200 if that is done already, else 202, and the picture.

    Raises:
        NotFoundError: there is no such picture, or it is somebody else's.
        InvalidStateError: nothing was uploaded.
        UnavailableError: the object store or Temporal does not answer.
    """
    media = await _read(resources, seller, media_id)
    if media.status == MediaStatus.AWAITING_UPLOAD:
        if await resources.objects.head(str(media.upload_key)) is None:
            raise InvalidStateError(
                present=MediaStatus.AWAITING_UPLOAD, wanted=MediaStatus.PROCESSING
            )
        await follow(resources, media_id)
    if media.status in {MediaStatus.AWAITING_UPLOAD, MediaStatus.PROCESSING}:
        await engine.has_ended(
            resources.temporal,
            workflow_ids.media(media_id),
            within_seconds=resources.settings.api.latency_budget_seconds,
        )
        media = await _read(resources, seller, media_id)
    ended = media.status in {MediaStatus.READY, MediaStatus.REJECTED}
    return (200 if ended else 202), media


async def follow(resources: Resources, media_id: str) -> None:
    """Tell a picture's workflow to look, and start one if none runs.

    Raises:
        UnavailableError: Temporal does not answer.
    """
    await engine.start_or_signal(
        resources.temporal,
        Child.MEDIA,
        MediaRef(media_id=media_id),
        workflow_id=workflow_ids.media(media_id),
        task_queue=TaskQueue.CATALOGUE,
        signal="media_changed",
        budget_seconds=resources.settings.api.latency_budget_seconds,
        summary=f"Picture {media_id}",
    )


async def follow_if_possible(resources: Resources, media_id: str) -> None:
    """The same, for news that the database has: housekeeping finds what is not followed."""
    try:
        await follow(resources, media_id)
    except UnavailableError:
        log.warning("news not told", workflow_id=workflow_ids.media(media_id))


async def note_upload(resources: Resources, key: str) -> None:
    """Tell of a file that came to the local store, if it is one of a picture."""
    match = _UPLOAD.fullmatch(key)
    if match is not None:
        await follow_if_possible(resources, match[1])


def document(media: ProductMedia) -> dict[str, Any]:
    """A picture as those see it who manage it."""
    return {
        "id": media.id,
        "product_id": media.product_id,
        "status": media.status,
        "reason": media.reason or None,
        "url": media.url or None,
        "alt": media.alt,
        "position": media.position,
        "content_type": media.content_type,
        "size_bytes": media.size_bytes,
        "width": media.width,
        "height": media.height,
        "thumbnails": media.thumbnails,
    }


async def _read(resources: Resources, seller: Principal, media_id: str) -> ProductMedia:
    async with resources.database.transaction() as session:
        return await pictures.find(session, media_id, vendor_id=seller.vendor_id)


def _require_fitting(wanted: MediaRequest, max_bytes: int) -> None:
    problems = []
    if wanted.size_bytes is not None and wanted.size_bytes > max_bytes:
        problems.append(FieldError(pointer="/size_bytes", detail=f"at most {max_bytes}"))
    endings = EXTENSIONS[wanted.content_type]
    if wanted.filename is not None:
        ending = wanted.filename.rpartition(".")[2].lower()
        if ending not in endings:
            detail = f"a {wanted.content_type} file ends in .{' or .'.join(endings)}"
            problems.append(FieldError(pointer="/filename", detail=detail))
    if problems:
        raise InvalidRequestError(problems)


def _new_row(
    media_id: str, product_id: str, wanted: MediaRequest, expires_at: datetime
) -> ProductMedia:
    return ProductMedia(
        id=media_id,
        product_id=product_id,
        alt=wanted.alt,
        position=0,
        status=MediaStatus.AWAITING_UPLOAD,
        upload_key=f"uploads/media/{media_id}/picture",
        content_type=wanted.content_type,
        upload_expires_at=expires_at,
        created_at=datetime.now(UTC),
    )


def _upload_document(upload: SignedUpload) -> dict[str, Any]:
    return {
        "method": upload.method,
        "url": upload.url,
        "headers": dict(upload.headers),
        "fields": dict(upload.fields),
        "expires_at": upload.expires_at,
    }
