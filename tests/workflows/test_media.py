"""Pictures whose uploads come late, never, without a word, or to a store that is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.housekeeping import PostgresHousekeepingActivities
from core.domain.errors import UnavailableError
from core.gateways.objects import ObjectStore
from core.settings import Settings
from tests.eventually import eventually
from tests.hostile_files import picture
from tests.workflows.outside import Outside
from tests.workflows.picturing import LINK_LASTS, Studio, upload_key
from tests.workflows.platform import SkippingPlatform, skipping_resources
from workers.runtime import running_pools
from workflows import workflow_ids
from workflows.policies import FIRST_UPLOAD_LOOK, UPLOAD_MARGIN
from workflows.ports.housekeeping import Housekeeping
from workflows.task_queues import TaskQueue

SOON = timedelta(seconds=5)


async def opened(skipping: SkippingPlatform) -> Studio:
    return await Studio.open(skipping.resources, await skipping.now())


async def status(studio: Studio, media_id: str) -> str | None:
    row = await studio.row(media_id)
    return str(row["status"]) if row else None


async def has_looked(skipping: SkippingPlatform, media_id: str) -> bool:
    """Tell whether the workflow has found nothing, and waits."""
    history = await skipping.shop.workflow(workflow_ids.media(media_id)).fetch_history()
    return any(event.HasField("timer_started_event_attributes") for event in history.events)


async def test_upload_that_never_comes_is_forgotten_after_its_link(
    skipping: SkippingPlatform,
) -> None:
    studio = await opened(skipping)
    media_id = await studio.promise()
    await studio.follow(media_id)

    await skipping.skip(LINK_LASTS + UPLOAD_MARGIN - SOON)
    assert await status(studio, media_id) == "awaiting_upload"
    await skipping.skip(2 * SOON)

    workflow = skipping.shop.workflow(workflow_ids.media(media_id))
    assert await workflow.result() == "settled"
    assert await studio.row(media_id) is None


async def test_upload_that_nobody_tells_of_is_found(skipping: SkippingPlatform) -> None:
    studio = await opened(skipping)
    media_id = await studio.promise()
    await studio.follow(media_id)
    await eventually(lambda: has_looked(skipping, media_id))
    await studio.upload(media_id, picture())
    assert await status(studio, media_id) == "awaiting_upload"

    await skipping.skip(2 * FIRST_UPLOAD_LOOK)

    await eventually(lambda: status(studio, media_id), lambda found: found == "ready")
    folder = f"public/media/{media_id}"
    await eventually(
        lambda: studio.files(media_id),
        lambda files: files == [f"{folder}/full.jpg", f"{folder}/w160.webp", f"{folder}/w480.webp"],
    )


async def test_picture_that_is_removed_while_it_is_awaited_goes_with_its_upload(
    skipping: SkippingPlatform,
) -> None:
    studio = await opened(skipping)
    media_id = await studio.promise()
    await studio.follow(media_id)
    await studio.upload(media_id, picture())
    await studio.remove(media_id)

    await studio.follow(media_id)

    await skipping.shop.workflow(workflow_ids.media(media_id)).result()
    assert await studio.row(media_id) is None
    assert await studio.files(media_id) == []


class Away:
    """A store that does not answer the first calls of each kind."""

    def __init__(self, store: ObjectStore, fails: int) -> None:
        self._store, self._fails = store, fails
        self.failed: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name == "public_url":
            return method
        return self._stream(name, method) if name in {"get", "list"} else self._call(name, method)

    def _call(self, name: str, method: Any) -> Any:
        async def call(*arguments: Any, **more: Any) -> Any:
            self._fail_at_first(name)
            return await method(*arguments, **more)

        return call

    def _stream(self, name: str, method: Any) -> Any:
        async def stream(*arguments: Any, **more: Any) -> AsyncIterator[Any]:
            self._fail_at_first(name)
            async for piece in method(*arguments, **more):
                yield piece

        return stream

    def _fail_at_first(self, name: str) -> None:
        failed = self.failed.get(name, 0)
        if failed < self._fails:
            self.failed[name] = failed + 1
            raise UnavailableError("the store is away")


async def test_store_that_is_away_for_a_while_only_delays_the_picture(
    settings: Settings, outside: Outside
) -> None:
    async with skipping_resources(settings) as (resources, environment):
        away = Away(resources.objects, fails=3)
        faulty = replace(resources, objects=away)
        async with running_pools(faulty, [TaskQueue.CATALOGUE]):
            studio = await Studio.open(resources, await environment.get_current_time())
            media_id = await studio.promise()
            await studio.upload(media_id, picture())
            await studio.follow(media_id)
            handle = resources.temporal.get_workflow_handle(workflow_ids.media(media_id))
            platform = SkippingPlatform(
                resources=resources, shop=studio.shop, outside=outside, environment=environment
            )
            await platform.skip(timedelta(minutes=5))

            assert await handle.result() == "settled"
            assert await status(studio, media_id) == "ready"
            assert upload_key(media_id) not in await studio.files(media_id)
            assert away.failed == {"head": 3, "get": 3, "put": 3, "delete": 3}


async def test_files_of_a_removed_picture_that_nobody_follows_are_erased_by_housekeeping(
    skipping: SkippingPlatform,
) -> None:
    studio = await opened(skipping)
    media_id = await studio.promise()
    await studio.upload(media_id, picture())
    await studio.remove(media_id)
    resources = skipping.resources
    housekeeping = PostgresHousekeepingActivities(
        resources.database, resources.temporal, resources.objects, resources.settings.jobs
    )

    tidied = await ActivityEnvironment().run(housekeeping.tidy, Housekeeping())

    assert tidied.restarted == 1
    await skipping.shop.workflow(workflow_ids.media(media_id)).result()
    assert await studio.row(media_id) is None
    assert await studio.files(media_id) == []
