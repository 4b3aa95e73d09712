"""Pictures: looked for in the object store, decoded in a thread, written anew, shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.database import Database
from core.domain.errors import NotFoundError, PayloadTooLargeError
from core.gateways.objects import PUBLIC, ObjectStore, read_whole
from core.pictures import Picture, PictureSet, RejectedPictureError, picture_set
from core.settings_objects import MediaSettings
from models import MediaStatus, ProductMedia
from models.repositories import media as pictures
from models.repositories.media import ShownPicture
from workflows.ports.media import (
    EraseMedia,
    MediaActivities,
    MediaRef,
    MediaStage,
    MediaState,
    PreparedMedia,
    SettleMedia,
)

_STAGES = {
    MediaStatus.AWAITING_UPLOAD: MediaStage.AWAITED,
    MediaStatus.PROCESSING: MediaStage.ARRIVED,
    MediaStatus.READY: MediaStage.SETTLED,
    MediaStatus.REJECTED: MediaStage.SETTLED,
    MediaStatus.REMOVED: MediaStage.REMOVED,
}
_BEAT_SECONDS = 5
_GONE = MediaState(stage=MediaStage.SETTLED)


class StoredMediaActivities(MediaActivities):
    """Decoding is bounded: a picture takes much memory for a moment."""

    def __init__(self, database: Database, objects: ObjectStore, settings: MediaSettings) -> None:
        self._database = database
        self._objects = objects
        self._settings = settings
        self._decoding: asyncio.Semaphore | None = None

    @activity.defn
    async def look_at_media(self, step: MediaRef) -> MediaState:
        async with self._database.transaction() as session:
            media = await pictures.row_of(session, step.media_id)
        if media is None:
            return _GONE
        if media.status != MediaStatus.AWAITING_UPLOAD or not await self._has_arrived(media):
            return _state_of(media)
        async with self._locked(step.media_id) as (_, media):
            if media is not None and media.status == MediaStatus.AWAITING_UPLOAD:
                media.status = MediaStatus.PROCESSING
            return _state_of(media)

    @activity.defn
    async def prepare_media(self, step: MediaRef) -> PreparedMedia:
        async with self._database.transaction() as session:
            media = await pictures.row_of(session, step.media_id)
        if media is None or media.status != MediaStatus.PROCESSING or media.upload_key is None:
            return PreparedMedia()
        try:
            made = await _beating(self._make(media.upload_key, str(media.content_type)))
        except RejectedPictureError as error:
            return PreparedMedia(refusal=str(error))
        folder = _folder(step.media_id)
        file = await self._store(f"{folder}full", made.full)
        thumbnails = {
            str(width): await self._store(f"{folder}w{width}", thumbnail)
            for width, thumbnail in made.thumbnails.items()
        }
        return PreparedMedia(
            file=file,
            content_type=made.full.content_type,
            size_bytes=len(made.full.body),
            width=made.full.width,
            height=made.full.height,
            thumbnails=thumbnails,
        )

    @activity.defn
    async def settle_media(self, step: SettleMedia) -> MediaState:
        prepared = step.prepared
        async with self._locked(step.media_id) as (session, media):
            if media is None or media.status != MediaStatus.PROCESSING:
                return _state_of(media)
            if prepared.refusal:
                await pictures.refuse(session, media, prepared.refusal)
            else:
                await pictures.show(session, media, self._shown(prepared))
            return _state_of(media)

    @activity.defn
    async def drop_upload(self, step: MediaRef) -> None:
        async with self._database.transaction() as session:
            media = await pictures.row_of(session, step.media_id)
        if media is not None and media.upload_key is not None:
            await self._objects.delete(media.upload_key)

    @activity.defn
    async def erase_media(self, step: EraseMedia) -> MediaState:
        # The row is locked while its files go: an upload is noted before, or not at all.
        async with self._locked(step.media_id) as (session, media):
            if media is None or not _may_go(media, expired=step.expired):
                return _state_of(media)
            if media.upload_key is not None:
                await self._objects.delete(media.upload_key)
            async for key in self._objects.list(_folder(step.media_id)):
                await self._objects.delete(key)
            await session.delete(media)
        return _GONE

    @asynccontextmanager
    async def _locked(
        self, media_id: str
    ) -> AsyncIterator[tuple[AsyncSession, ProductMedia | None]]:
        async with self._database.transaction() as session:
            yield session, await pictures.row_of(session, media_id, lock=True)

    async def _has_arrived(self, media: ProductMedia) -> bool:
        key = media.upload_key
        return key is not None and await self._objects.head(key) is not None

    async def _make(self, upload_key: str, content_type: str) -> PictureSet:
        try:
            upload = await read_whole(self._objects, upload_key, max_bytes=self._settings.max_bytes)
        except NotFoundError:
            raise RejectedPictureError("the upload is gone; upload it again") from None
        except PayloadTooLargeError as error:
            raise RejectedPictureError(str(error)) from None
        if self._decoding is None:
            self._decoding = asyncio.Semaphore(self._settings.decoded_at_once)
        async with self._decoding:
            return await asyncio.to_thread(
                picture_set,
                upload,
                content_type=content_type,
                max_pixels=self._settings.max_pixels,
                thumbnail_widths=self._settings.thumbnail_widths,
            )

    async def _store(self, path: str, picture: Picture) -> str:
        key = f"{path}.{picture.extension}"
        await self._objects.put(key, picture.body, content_type=picture.content_type)
        return key

    def _shown(self, prepared: PreparedMedia) -> ShownPicture:
        return ShownPicture(
            url=self._objects.public_url(prepared.file),
            content_type=prepared.content_type,
            size_bytes=prepared.size_bytes,
            width=prepared.width,
            height=prepared.height,
            thumbnails={
                width: self._objects.public_url(key) for width, key in prepared.thumbnails.items()
            },
        )


async def _beating(work: Coroutine[Any, Any, PictureSet]) -> PictureSet:
    """Tell Temporal that this worker lives while it waits for its turn and computes."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            activity.heartbeat()
            await asyncio.wait({task}, timeout=_BEAT_SECONDS)
        return task.result()
    finally:
        task.cancel()


def _folder(media_id: str) -> str:
    return f"{PUBLIC}media/{media_id}/"


def _may_go(media: ProductMedia, *, expired: bool) -> bool:
    if media.status == MediaStatus.AWAITING_UPLOAD:
        return expired
    return media.status == MediaStatus.REMOVED


def _state_of(media: ProductMedia | None) -> MediaState:
    if media is None:
        return _GONE
    stage = _STAGES[MediaStatus(media.status)]
    expires_at = media.upload_expires_at if stage is MediaStage.AWAITED else None
    return MediaState(stage=stage, expires_at=expires_at)
