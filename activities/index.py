"""The index rebuilt, compared with the catalogue and mended; events and followers kept up."""

from __future__ import annotations

import structlog
from prometheus_client import Counter
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy

from activities.heartbeats import beating
from activities.index_changes import IndexChanges
from activities.index_drift import find_drift
from activities.starting import start_unless_it_runs
from core.database import Database
from models.repositories import outbox_reader
from models.repositories.outbox_reader import Place
from search.documents import count_on_sale, product_ids_on_sale, read_documents
from search.index import SearchIndex
from workflows import workflow_ids
from workflows.ports.catalogue_sync import CatalogueSync, Consumer
from workflows.ports.index import (
    Compared,
    CompareIndex,
    Filled,
    FillRebuild,
    IndexActivities,
    KeepUp,
    KeptUp,
    Rebuild,
    RebuildPlan,
    Reindex,
    Swapped,
)
from workflows.task_queues import TaskQueue

PAGE = 500
PAGES_IN_A_STEP = 10
REPLAY = "reindex"
"""The place in the outbox from which changes are brought in again after a rebuild."""
_BATCH = 500

DIFFERENCES = Counter(
    "index_differences_total", "Products that the index had wrong and that were mended", ["kind"]
)
_log = structlog.get_logger(__name__)


class SearchIndexActivities(IndexActivities):
    def __init__(
        self, database: Database, temporal: Client, index: SearchIndex, changes: IndexChanges
    ) -> None:
        self._database = database
        self._temporal = temporal
        self._index = index
        self._changes = changes

    @activity.defn
    async def begin_rebuild(self, step: Reindex) -> RebuildPlan:
        handle = await self._index.begin()
        # After the beginning: what is told from here on may be missing in the pages that follow.
        since = await outbox_reader.head(self._database)
        await outbox_reader.forget(self._database, REPLAY)
        start = since or Place(transaction_id=0, position=0)
        await outbox_reader.advance(self._database, REPLAY, start)
        total = await count_on_sale(self._database)
        _log.info("index is rebuilt", backend=self._index.name, total=total, reason=step.reason)
        return RebuildPlan(rebuild=Rebuild(handle=handle), total=total)

    @activity.defn
    async def fill_rebuild(self, step: FillRebuild) -> Filled:
        async with beating():
            return await self._fill(step)

    async def _fill(self, step: FillRebuild) -> Filled:
        after, filled = step.after, step.filled
        for _ in range(PAGES_IN_A_STEP):
            ids = await product_ids_on_sale(self._database, after=after, limit=PAGE)
            documents = await read_documents(self._database, ids) if ids else []
            if documents:
                await self._index.fill(step.rebuild.handle, documents)
            filled += len(documents)
            if len(ids) < PAGE:
                return Filled(after=None, filled=filled)
            after = ids[-1]
        return Filled(after=after, filled=filled)

    @activity.defn
    async def swap_rebuild(self, step: Rebuild) -> Swapped:
        async with beating():
            await self._index.swap(step.handle)
            await self._replay()
            await self._changes.forget_searches()
            return Swapped(products=await self._index.count())

    async def _replay(self) -> None:
        """Bring in what was told since the rebuild began."""
        while True:
            batch = await outbox_reader.read(self._database, REPLAY, _BATCH)
            if batch.until is None:
                break
            await self._changes.apply(batch.changes)
            await outbox_reader.advance(self._database, REPLAY, batch.until)
        await outbox_reader.forget(self._database, REPLAY)

    @activity.defn
    async def abandon_rebuild(self, step: Rebuild) -> None:
        await self._index.abandon(step.handle)
        await outbox_reader.forget(self._database, REPLAY)

    @activity.defn
    async def compare_index(self, step: CompareIndex) -> Compared:
        async with beating():
            return await self._compare(step)

    async def _compare(self, step: CompareIndex) -> Compared:
        drift = await find_drift(self._database, self._index)
        wrong = {"missing": drift.missing, "stale": drift.stale, "surplus": drift.surplus}
        for kind, ids in wrong.items():
            DIFFERENCES.labels(kind).inc(len(ids))
        if drift.all_ids:
            _log.warning(
                "the index differs from the catalogue",
                **{kind: len(ids) for kind, ids in wrong.items()},
            )
        if step.mend:
            await self._changes.write(drift.all_ids)
            await self._changes.forget_searches()
        return Compared(
            products=drift.products,
            missing=len(drift.missing),
            stale=len(drift.stale),
            surplus=len(drift.surplus),
        )

    @activity.defn
    async def keep_up(self, step: KeepUp) -> KeptUp:
        restarted = 0
        for consumer in Consumer:
            restarted += await start_unless_it_runs(
                self._temporal,
                "CatalogueSyncWorkflow",
                CatalogueSync(consumer=consumer),
                workflow_id=workflow_ids.catalogue_sync(consumer),
                queue=TaskQueue.SEARCH,
                order_id=None,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )
        async with beating():
            return KeptUp(pruned=await self._prune(step.prune_at_once), restarted=restarted)

    async def _prune(self, at_once: int) -> int:
        pruned = 0
        while True:
            gone = await outbox_reader.prune(self._database, list(Consumer), limit=at_once)
            pruned += gone
            if gone < at_once:
                return pruned
