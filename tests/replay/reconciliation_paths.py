"""The paths of reconciliations; collected only by ``python -m tests.replay.record``."""

from __future__ import annotations

from core.domain.ids import Prefix, new_id
from core.domain.reconciliation import DifferenceKind, RepairKind
from core.domain.reconciliation_pictures import Finding
from models.repositories import differences, reconciliations
from tests.replay.paths import keep, placed
from tests.workflows.conftest import outside, skipping
from tests.workflows.platform import SkippingPlatform
from workflows import workflow_ids
from workflows.ports.reconciliation import Reconciliation
from workflows.ports.repairs import RepairRequest
from workflows.reconciliation import ReconciliationWorkflow
from workflows.repair import RepairWorkflow
from workflows.task_queues import TaskQueue

__all__ = ["outside", "skipping"]


async def test_books_compared(skipping: SkippingPlatform) -> None:
    await placed(skipping)
    workflow_id = workflow_ids.reconciliation("stripe")
    await skipping.shop.temporal.execute_workflow(
        ReconciliationWorkflow.run,
        Reconciliation(provider="stripe"),
        id=workflow_id,
        task_queue=TaskQueue.MAINTENANCE,
    )
    await keep(skipping, workflow_id, "compared")


async def test_difference_repaired(skipping: SkippingPlatform) -> None:
    order_id = new_id(Prefix.ORDER)
    lost = Finding(
        kind=DifferenceKind.LOST_WORKFLOW,
        subject=order_id,
        repair=RepairKind.RESTART_WORKFLOW,
        order_id=order_id,
    )
    async with skipping.shop.database.transaction() as session:
        run = await reconciliations.begin(session, "books", days=1)
        await differences.note(session, provider="books", run_id=run.id, findings=[lost])
        (difference_id,) = await differences.to_repair(session, "books", limit=1)
    workflow_id = workflow_ids.repair(difference_id)
    await skipping.shop.temporal.execute_workflow(
        RepairWorkflow.run,
        RepairRequest(difference_id=difference_id),
        id=workflow_id,
        task_queue=TaskQueue.MAINTENANCE,
    )
    await keep(skipping, workflow_id, "repaired")
