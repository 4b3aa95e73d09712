"""``perdure reindex``: rebuild the search index and tell how far it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

from rich.console import Console
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from core.resources import Resources, open_resources
from core.settings import load_settings
from deploy.cli.verify import leave
from deploy.local.errors import StackError
from workflows import workflow_ids
from workflows.ports.index import Reindex, ReindexProgress, Swapped
from workflows.reindex import ReindexWorkflow
from workflows.task_queues import TaskQueue

INDEX = "products"
LOOK_EVERY_SECONDS = 0.5
ANSWER_WITHIN = timedelta(seconds=30)


async def reindex(
    resources: Resources, *, reason: str, tell: Callable[[ReindexProgress], None]
) -> int:
    """Start the rebuild, or join the one that runs; return how many products can be found.

    Args:
        resources: the running platform.
        reason: for the log, and for whoever looks at the workflow.
        tell: called with the progress each time that it has moved.

    Raises:
        StackError: it ended without a new index; the old one is still read.
    """
    running = await resources.temporal.start_workflow(
        ReindexWorkflow.run,
        Reindex(reason=reason),
        id=workflow_ids.reindex(INDEX),
        task_queue=TaskQueue.SEARCH,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="Rebuild the search index",
    )
    told = asyncio.create_task(_follow(running, tell))
    try:
        swapped = await running.result()
    except WorkflowFailureError as error:
        raise StackError(
            f"The index was not rebuilt: {error.cause}",
            hint="The old one is still read. See docs/search-operations.md.",
        ) from error
    finally:
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)
    return swapped.products


async def _follow(
    running: WorkflowHandle[ReindexWorkflow, Swapped], tell: Callable[[ReindexProgress], None]
) -> None:
    seen: ReindexProgress | None = None
    while True:
        # No worker may be there to answer for a moment: the next look may find one.
        with contextlib.suppress(RPCError):
            progress = await running.query(ReindexWorkflow.get_progress, rpc_timeout=ANSWER_WITHIN)
            if progress != seen:
                tell(progress)
                seen = progress
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def run_reindex(reason: str) -> None:
    """Rebuild the index of the platform that the environment names; leave with 0 when it is done.

    Raises:
        StackError: it was not rebuilt.
    """
    out = Console(highlight=False)

    def tell(progress: ReindexProgress) -> None:
        out.print(f"{progress.phase}: {progress.filled} of {progress.total} products")

    async def rebuild() -> int:
        async with open_resources(load_settings()) as resources:
            return await reindex(resources, reason=reason, tell=tell)

    products = asyncio.run(rebuild())
    out.print(f"Rebuilt: {products} products can be found.")
    leave(0)
