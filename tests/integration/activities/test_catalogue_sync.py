"""Whoever follows the catalogue does so in order, to the end, and twice without harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.catalogue_sync import ForgetfulReads, OutboxSyncActivities
from activities.heartbeats import beating
from core import read_tags
from core.cache import open_cache
from core.domain.errors import UnavailableError
from core.domain.ids import Prefix, new_id
from core.resources import Resources, open_resources
from core.settings import RedisSettings, Settings
from core.tagged_cache import TaggedCache
from models import PricePeriod
from models.repositories.outbox_reader import CatalogueChange
from tests.eventually import eventually
from tests.integration.activities.unchanged import RunTwice
from tests.shop import Shop
from workers.catalogue_metrics import CatalogueCollector
from workflows.ports.catalogue_sync import Consumer, FollowCatalogue

STEP = FollowCatalogue(consumer=Consumer.CACHE, seconds=0)


class Written:
    """Remembers what it was told to apply."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.down = False

    async def apply(self, changes: Sequence[CatalogueChange]) -> None:
        if self.down:
            raise UnavailableError("down")
        self.subjects += [change.subject for change in changes]


@pytest.fixture
async def resources(settings: Settings, database_url: str) -> AsyncIterator[Resources]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    private = settings.model_copy(update={"postgres": postgres})
    async with open_resources(private) as resources:
        yield resources


async def test_events_are_applied_once_and_again_after_a_failure(resources: Resources) -> None:
    database = resources.database
    shelf = await Shop(database, resources.temporal).stock_up(1)
    written = Written()
    follower = OutboxSyncActivities(database, {Consumer.CACHE: written})
    twice = RunTwice(database)
    written.down = True

    async def refused() -> bool:
        try:
            await ActivityEnvironment().run(follower.follow_catalogue, STEP)
        except UnavailableError:
            return True
        return False

    await eventually(refused)
    written.down = False

    async def all_applied() -> bool:
        await ActivityEnvironment().run(follower.follow_catalogue, STEP)
        return len(written.subjects) == 3

    await eventually(all_applied)
    place = await twice(follower.follow_catalogue, STEP)

    assert place.transaction_id > 0
    assert written.subjects[0] == shelf.vendor_id
    assert written.subjects[2] == shelf.sku
    assert len(set(written.subjects)) == 3


async def test_price_that_begins_by_itself_is_followed_like_a_change(resources: Resources) -> None:
    database = resources.database
    shelf = await Shop(database, resources.temporal).stock_up(1)
    written = Written()
    follower = OutboxSyncActivities(database, {Consumer.SEARCH: written})
    step = FollowCatalogue(consumer=Consumer.SEARCH, seconds=0)
    async with database.transaction() as session:
        session.add(
            PricePeriod(
                id=new_id(Prefix.PRICE),
                variant_id=shelf.variant_id,
                currency="USD",
                amount=1,
                starts_at=datetime.now(UTC) - timedelta(minutes=1),
            )
        )

    async def all_applied() -> bool:
        await ActivityEnvironment().run(follower.follow_catalogue, step)
        return len(written.subjects) == 4

    await eventually(all_applied)
    await ActivityEnvironment().run(follower.follow_catalogue, step)

    assert sorted(map(written.subjects.count, set(written.subjects))) == [1, 1, 2]


async def test_metric_tells_how_far_a_consumer_is_behind(resources: Resources) -> None:
    database = resources.database
    await Shop(database, resources.temporal).stock_up(1)
    collector = CatalogueCollector()

    async def behind(consumer: Consumer) -> float:
        await collector.refresh(database)
        (metric,) = collector.collect()
        return next(
            one.value for one in metric.samples if one.labels == {"consumer": consumer.value}
        )

    assert await behind(Consumer.CACHE) > 0
    follower = OutboxSyncActivities(database, {Consumer.CACHE: Written()})

    async def followed() -> float:
        await ActivityEnvironment().run(follower.follow_catalogue, STEP)
        return await behind(Consumer.CACHE)

    await eventually(followed, lambda seconds: seconds == 0)
    assert await behind(Consumer.SEARCH) > 0


async def test_slow_step_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.heartbeats.BEAT_SECONDS", 0.001)
    environment, beats = ActivityEnvironment(), []
    environment.on_heartbeat = lambda *_: beats.append(1)

    async def slow_step() -> None:
        async with beating():
            await eventually(lambda: asyncio.sleep(0, len(beats)), lambda number: number >= 3)

    await environment.run(slow_step)
    number = len(beats)
    await asyncio.sleep(0)
    assert len(beats) == number


async def test_follower_that_is_told_to_leave_leaves(resources: Resources) -> None:
    follower = OutboxSyncActivities(resources.database, {Consumer.CACHE: Written()})
    environment = ActivityEnvironment()
    environment.worker_shutdown()

    await environment.run(
        follower.follow_catalogue, FollowCatalogue(consumer=Consumer.CACHE, seconds=3600)
    )


async def test_answers_that_a_change_made_old_are_forgotten(resources: Resources) -> None:
    database, reads = resources.database, resources.reads
    shop = Shop(database, resources.temporal)
    shelf, other = await shop.stock_up(1), await shop.stock_up(1)
    ids = {
        row["sku"]: row["product_id"]
        for row in await database.statement(text("SELECT sku, product_id FROM variants"), {})
    }
    follower = OutboxSyncActivities(database, {Consumer.CACHE: ForgetfulReads(database, reads)})
    tags = {
        "mine": (read_tags.product(ids[shelf.sku]), read_tags.SHOP),
        "other": (read_tags.product(ids[other.sku]), read_tags.SHOP),
        "list": (read_tags.PRODUCTS, read_tags.SHOP),
    }
    made: list[str] = []

    async def read_all() -> list[str]:
        made.clear()
        for name, named in tags.items():

            async def load(name: str = name) -> bytes:
                made.append(name)
                return b"{}"

            await reads.read(f"{shelf.sku}:{name}", tags=named, ttl_seconds=60, load=load)
        return list(made)

    async def follow() -> list[str]:
        await ActivityEnvironment().run(follower.follow_catalogue, STEP)
        return await read_all()

    await eventually(follow, lambda names: names == [])
    await database.statement(
        text("UPDATE stock SET reserved = 1 WHERE sku = :sku"), {"sku": shelf.sku}
    )
    assert await eventually(follow, bool) == ["mine", "list"]
    await database.statement(
        text("UPDATE vendors SET status = 'suspended' WHERE id = :id"), {"id": shelf.vendor_id}
    )
    assert await eventually(follow, bool) == ["mine", "other", "list"]


async def test_place_stays_while_redis_is_down(resources: Resources) -> None:
    database = resources.database
    await Shop(database, resources.temporal).stock_up(1)
    nowhere = open_cache(RedisSettings(url=SecretStr("redis://127.0.0.1:1/0")))
    lost = replace(resources, cache=nowhere, reads=TaggedCache(nowhere))
    follower = OutboxSyncActivities(
        database, {Consumer.CACHE: ForgetfulReads(database, lost.reads)}
    )

    async def refused() -> bool:
        try:
            await ActivityEnvironment().run(follower.follow_catalogue, STEP)
        except UnavailableError:
            return True
        return False

    await eventually(refused)
    rows = await database.statement(text("SELECT count(*) AS n FROM outbox_consumers"), {})
    assert rows[0]["n"] == 0
    await nowhere.aclose()
