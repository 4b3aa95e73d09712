"""Those who follow the catalogue's events, each applying them to what it keeps right."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from prometheus_client import Counter
from temporalio import activity

from activities.heartbeats import beating
from core import read_tags
from core.cache import CACHE_ERRORS
from core.database import Database
from core.domain.catalogue_events import CatalogueEvent
from core.domain.errors import UnavailableError
from core.tagged_cache import TaggedCache
from models.repositories import outbox_reader, price_periods
from models.repositories.concerned_products import concerned_products
from models.repositories.outbox_reader import CatalogueChange
from workflows.ports.catalogue_sync import (
    CatalogueSyncActivities,
    Consumer,
    FollowCatalogue,
    FollowedUntil,
)

BATCH = 500
LOOK_EVERY_SECONDS = 0.5
"""An empty look is one statement on an index; a change waits for half of this on average."""

_APPLIED = Counter(
    "catalogue_events_applied_total", "Events of the catalogue that were dealt with", ["consumer"]
)


class Applier(Protocol):
    """Applies changes to what a consumer keeps right; the same ones twice do no harm."""

    async def apply(self, changes: Sequence[CatalogueChange]) -> None:
        """Bring the present state of whatever the changes concern to its readers.

        Raises:
            UnavailableError: what is kept right does not answer.
        """
        ...


class ForgetfulReads:
    """Makes the API forget the answers that a change has made old.

    While Redis does not answer it is asked again; answers end after some seconds by themselves.
    """

    def __init__(self, database: Database, reads: TaggedCache) -> None:
        self._database = database
        self._reads = reads

    async def apply(self, changes: Sequence[CatalogueChange]) -> None:
        tags: set[str] = set()
        if any(_is_of_the_shop(change) for change in changes):
            tags.add(read_tags.SHOP)
        of_products = [change for change in changes if not _is_of_the_shop(change)]
        if of_products:
            ids = await concerned_products(self._database, of_products)
            tags |= {read_tags.PRODUCTS, *(read_tags.product(one) for one in ids)}
        try:
            await self._reads.invalidate(tags)
        except CACHE_ERRORS as error:
            raise UnavailableError("Redis does not answer") from error


class OutboxSyncActivities(CatalogueSyncActivities):
    def __init__(self, database: Database, appliers: Mapping[Consumer, Applier]) -> None:
        self._database = database
        self._appliers = appliers

    @activity.defn
    async def follow_catalogue(self, step: FollowCatalogue) -> FollowedUntil:
        async with beating():
            await self._follow(step)
        place = await outbox_reader.place_of(self._database, step.consumer)
        return FollowedUntil(transaction_id=place.transaction_id, position=place.position)

    async def _follow(self, step: FollowCatalogue) -> None:
        clock = asyncio.get_running_loop().time
        ends_at = clock() + step.seconds
        while True:
            if await self._apply_next(step.consumer):
                continue
            left = ends_at - clock()
            if left <= 0 or activity.is_worker_shutdown():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_EVERY_SECONDS)):
                    await activity.wait_for_worker_shutdown()

    async def _apply_next(self, consumer: Consumer) -> bool:
        """Apply a batch and remember it; tell whether there was one.

        A price that begins or ends to hold by itself is a change too: one of the followers tells.
        """
        if consumer is Consumer.SEARCH:
            await price_periods.tell_due(self._database)
        batch = await outbox_reader.read(self._database, consumer, BATCH)
        if batch.until is None:
            return False
        await self._appliers[consumer].apply(batch.changes)
        await outbox_reader.advance(self._database, consumer, batch.until)
        _APPLIED.labels(consumer).inc(len(batch.changes))
        return True


def _is_of_the_shop(change: CatalogueChange) -> bool:
    return change.type in {CatalogueEvent.CATEGORY_CHANGED, CatalogueEvent.VENDOR_CHANGED}
