"""A person's own data: asked for, and fetched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from api.engine import start_once
from core.domain.errors import NotFoundError, UnavailableError
from core.resources import Resources
from models.repositories import personal_exports
from models.repositories.personal_exports import ExportView
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.personal_data import ExportRef
from workflows.task_queues import TaskQueue

log = structlog.get_logger("api")


async def begin(resources: Resources, export: ExportView) -> None:
    """Start the workflow; while Temporal is away the housekeeping starts it later."""
    try:
        await start_once(
            resources.temporal,
            Child.PERSONAL_EXPORT,
            ExportRef(export_id=export.id, user_id=export.user_id),
            workflow_id=workflow_ids.personal_export(export.id),
            task_queue=TaskQueue.MAINTENANCE,
            budget_seconds=resources.settings.api.latency_budget_seconds,
            summary="Hand a person their data",
        )
    except UnavailableError:
        log.warning("an export waits for the workflow engine", export_id=export.id)


async def find(resources: Resources, export_id: str, user_id: str) -> dict[str, Any]:
    """Return an export, with a link as long as its file is there.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    export = await personal_exports.find(resources.database, export_id, user_id)
    if export is None:
        raise NotFoundError("there is no such export")
    return await document(resources, export)


async def document(resources: Resources, export: ExportView) -> dict[str, Any]:
    """Return an export as the API tells it; each time with a link of its own."""
    url = None
    now = datetime.now(UTC)
    if export.object_key is not None and export.expires_at is not None and now < export.expires_at:
        seconds = resources.settings.objects.link_seconds
        link = await resources.objects.sign_download(
            export.object_key,
            expires_in=min(timedelta(seconds=seconds), export.expires_at - now),
            file_name="my-data.zip",
        )
        url = link.url
    return {
        "id": export.id,
        "status": export.status,
        "download_url": url,
        "created_at": export.created_at,
        "ended_at": export.ended_at,
        "expires_at": export.expires_at,
    }
