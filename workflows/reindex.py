"""The index rebuilt from nothing while people search in the old one."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.policies import INDEX_HEARTBEAT, INDEX_RETRIES, INDEX_STEP_TIMEOUT
from workflows.ports.index import (
    FillRebuild,
    IndexActivities,
    Rebuild,
    Reindex,
    ReindexProgress,
    Swapped,
)
from workflows.steps import Payload, Port, Result, Step
from workflows.task_queues import TaskQueue


@workflow.defn
class ReindexWorkflow:
    """Begin, fill page after page, swap. Readers see the old index until the swap."""

    def __init__(self) -> None:
        self._progress = ReindexProgress(phase="beginning", filled=0, total=0)

    @workflow.run
    async def run(self, reindex: Reindex) -> Swapped:
        plan = await self._step(IndexActivities.begin_rebuild, reindex)
        try:
            await self._fill(plan.rebuild, plan.total)
            self._tell("swapping", self._progress.filled)
            swapped = await self._step(IndexActivities.swap_rebuild, plan.rebuild)
        except (ActivityError, asyncio.CancelledError):
            await asyncio.shield(self._step(IndexActivities.abandon_rebuild, plan.rebuild))
            raise
        self._tell("done", swapped.products)
        return swapped

    @workflow.query
    def get_progress(self) -> ReindexProgress:
        """How far it is."""
        return self._progress

    async def _fill(self, rebuild: Rebuild, total: int) -> None:
        self._progress = ReindexProgress(phase="filling", filled=0, total=total)
        step = FillRebuild(rebuild=rebuild)
        while True:
            done = await self._step(IndexActivities.fill_rebuild, step)
            self._tell("filling", done.filled)
            if done.after is None:
                return
            step = FillRebuild(rebuild=rebuild, after=done.after, filled=done.filled)

    def _tell(self, phase: str, filled: int) -> None:
        self._progress = ReindexProgress(
            phase=phase, filled=filled, total=max(filled, self._progress.total)
        )

    async def _step(self, step: Step[Port, Payload, Result], payload: Payload) -> Result:
        return await workflow.execute_activity_method(
            step,
            payload,
            task_queue=TaskQueue.SEARCH,
            start_to_close_timeout=INDEX_STEP_TIMEOUT,
            heartbeat_timeout=INDEX_HEARTBEAT,
            retry_policy=INDEX_RETRIES,
        )
