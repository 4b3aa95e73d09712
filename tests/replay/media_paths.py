"""The paths of pictures whose histories are kept, beside those of ``paths``."""

from __future__ import annotations

from datetime import timedelta

from tests.eventually import eventually
from tests.hostile_files import picture
from tests.replay.paths import keep
from tests.workflows.conftest import outside, skipping
from tests.workflows.picturing import LINK_LASTS, Studio
from tests.workflows.platform import SkippingPlatform
from workflows import workflow_ids

__all__ = ["outside", "skipping"]


async def test_pictures(skipping: SkippingPlatform) -> None:
    studio = await Studio.open(skipping.resources, await skipping.now())
    never, shown = await studio.promise(), await studio.promise()
    for media_id in (never, shown):
        await studio.follow(media_id)
    await studio.upload(shown, picture())
    await studio.follow(shown)

    async def is_shown() -> bool:
        row = await studio.row(shown)
        return row is not None and row["status"] == "ready"

    await eventually(is_shown)
    await skipping.shop.workflow(workflow_ids.media(shown)).result()
    await keep(skipping, workflow_ids.media(shown), "shown")
    await studio.remove(shown)
    await studio.follow(shown)
    await skipping.shop.workflow(workflow_ids.media(shown)).result()
    await keep(skipping, workflow_ids.media(shown), "removed")
    await skipping.skip(LINK_LASTS + timedelta(hours=1))
    await skipping.shop.workflow(workflow_ids.media(never)).result()
    await keep(skipping, workflow_ids.media(never), "never-uploaded")
