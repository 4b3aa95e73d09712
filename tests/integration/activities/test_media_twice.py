"""Every step of a picture runs twice and leaves what its first run left."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.media import StoredMediaActivities
from core.resources import Resources, open_resources
from core.settings import Settings
from tests.hostile_files import picture
from tests.integration.activities.unchanged import RunTwice
from tests.workflows.picturing import Studio
from workflows.ports.media import (
    EraseMedia,
    MediaRef,
    MediaStage,
    MediaState,
    PreparedMedia,
    SettleMedia,
)


@pytest.fixture
async def resources(settings: Settings, database_url: str) -> AsyncIterator[Resources]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    async with open_resources(settings.model_copy(update={"postgres": postgres})) as opened:
        yield opened


@pytest.fixture
def steps(resources: Resources) -> StoredMediaActivities:
    return StoredMediaActivities(resources.database, resources.objects, resources.settings.media)


async def test_picture_from_its_upload_to_its_removal(
    resources: Resources, steps: StoredMediaActivities
) -> None:
    studio, twice = await Studio.open(resources), RunTwice(resources.database)
    media_id = await studio.promise()
    ref, folder = MediaRef(media_id=media_id), f"public/media/{media_id}"
    awaited = await twice(steps.look_at_media, ref)
    assert (awaited.stage, awaited.expires_at is not None) == (MediaStage.AWAITED, True)
    await studio.upload(media_id, picture(size=(400, 200)))

    assert await twice(steps.look_at_media, ref) == MediaState(stage=MediaStage.ARRIVED)
    prepared = await twice(steps.prepare_media, ref)
    assert (prepared.file, prepared.width, prepared.height) == (f"{folder}/full.jpg", 400, 200)
    assert prepared.thumbnails == {"160": f"{folder}/w160.webp"}
    settled = await twice(steps.settle_media, SettleMedia(media_id=media_id, prepared=prepared))
    assert settled.stage is MediaStage.SETTLED
    await twice(steps.drop_upload, ref)
    assert await studio.files(media_id) == [f"{folder}/full.jpg", f"{folder}/w160.webp"]

    await twice(steps.erase_media, EraseMedia(media_id=media_id, expired=True))
    row = await studio.row(media_id)
    assert row is not None
    assert (row["status"], row["width"], row["url"].endswith(prepared.file)) == (
        "ready",
        400,
        True,
    )
    await studio.remove(media_id)
    assert await twice(steps.look_at_media, ref) == MediaState(stage=MediaStage.REMOVED)
    await twice(steps.erase_media, EraseMedia(media_id=media_id))
    assert await studio.row(media_id) is None
    assert await studio.files(media_id) == []


async def test_refusal_is_written_down_once(
    resources: Resources, steps: StoredMediaActivities
) -> None:
    studio, twice = await Studio.open(resources), RunTwice(resources.database)
    media_id = await studio.promise()
    ref = MediaRef(media_id=media_id)
    await studio.upload(media_id, b"<html>")
    await twice(steps.look_at_media, ref)

    prepared = await twice(steps.prepare_media, ref)
    await twice(steps.settle_media, SettleMedia(media_id=media_id, prepared=prepared))

    row = await studio.row(media_id)
    assert row is not None
    assert (row["status"], row["reason"]) == ("rejected", prepared.refusal)
    assert prepared.refusal.startswith("the file is no picture")
    # After a reset of the workflow the upload is gone, and nothing is decided anew.
    await twice(steps.drop_upload, ref)
    assert await twice(steps.prepare_media, ref) == PreparedMedia()


async def test_picture_that_was_removed_meanwhile_is_not_shown(
    resources: Resources, steps: StoredMediaActivities
) -> None:
    studio = await Studio.open(resources)
    media_id = await studio.promise()
    ref, environment = MediaRef(media_id=media_id), ActivityEnvironment()
    await studio.upload(media_id, picture())
    await environment.run(steps.look_at_media, ref)
    prepared = await environment.run(steps.prepare_media, ref)
    await studio.remove(media_id)

    settled = await environment.run(
        steps.settle_media, SettleMedia(media_id=media_id, prepared=prepared)
    )

    assert settled == MediaState(stage=MediaStage.REMOVED)


async def test_upload_larger_than_the_limit_is_refused_unread(resources: Resources) -> None:
    limits = resources.settings.media.model_copy(update={"max_bytes": 1000})
    steps = StoredMediaActivities(resources.database, resources.objects, limits)
    studio = await Studio.open(resources)
    media_id = await studio.promise()
    await studio.upload(media_id, picture())
    await ActivityEnvironment().run(steps.look_at_media, MediaRef(media_id=media_id))

    prepared = await ActivityEnvironment().run(steps.prepare_media, MediaRef(media_id=media_id))

    assert prepared == PreparedMedia(refusal="the file has more than 1000 bytes")
