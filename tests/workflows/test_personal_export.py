"""A person's file is made, and goes when its time is over."""

from __future__ import annotations

from datetime import timedelta

from core.domain.ids import Prefix, new_id
from models.repositories import personal_data, personal_exports
from models.repositories.personal_exports import ExportView
from tests.eventually import eventually
from tests.workflows.platform import SkippingPlatform
from tests.workflows.test_erasure import registered
from workflows import workflow_ids
from workflows.personal_export import PersonalExportWorkflow
from workflows.ports.personal_data import ExportRef
from workflows.task_queues import TaskQueue


async def handed_out(skipping: SkippingPlatform) -> str:
    """Live through an export; return its workflow's id."""
    user_id, export_id = skipping.shop.customer_id, new_id(Prefix.EXPORT)
    await registered(skipping)
    async with skipping.shop.database.transaction() as session:
        await personal_exports.request(session, export_id, user_id, actor=f"customer:{user_id}")
    handle = await skipping.shop.temporal.start_workflow(
        PersonalExportWorkflow.run,
        ExportRef(export_id=export_id, user_id=user_id),
        id=workflow_ids.personal_export(export_id),
        task_queue=TaskQueue.MAINTENANCE,
    )

    async def export() -> ExportView | None:
        return await personal_exports.find(skipping.shop.database, export_id, user_id)

    await eventually(export, lambda seen: seen is not None and seen.status == "done")
    key = personal_data.file_of(user_id, export_id)
    assert await skipping.resources.objects.head(key) is not None
    seconds = skipping.resources.settings.personal.export_seconds
    await skipping.skip(timedelta(seconds=seconds + 60))
    await handle.result()
    assert await skipping.resources.objects.head(key) is None
    return handle.id


async def test_file_goes_when_its_time_is_over(skipping: SkippingPlatform) -> None:
    await handed_out(skipping)
