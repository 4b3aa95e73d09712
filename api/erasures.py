"""A person's wish to be forgotten: taken down, and given to its workflow."""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine import start_once
from core.domain.errors import UnavailableError
from core.domain.permissions import Permission
from core.domain.staffing import require_above
from core.resources import Resources
from core.security import Principal
from models.repositories import erasures, people
from models.repositories.erasures import ErasureView
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.personal_data import ErasureRef, ErasureRequest
from workflows.task_queues import TaskQueue

log = structlog.get_logger("api")


async def ask_for_oneself(resources: Resources, principal: Principal) -> dict[str, Any]:
    """Close the caller's account and have the person forgotten; again, and nothing is added.

    Raises:
        NotFoundError: there is no such account.
        ConflictError: it is the last one that can act for its vendor, or look after people.
    """
    async with resources.database.transaction() as session:
        erasure = await erasures.request(session, principal.user_id, actor=principal.actor)
    await begin(resources, erasure)
    return document(erasure)


async def ask_for_another(
    session: AsyncSession, user_id: str, *, staff: Principal, reason: str
) -> ErasureView:
    """Close somebody's account on their behalf; who calls it begins the workflow afterwards.

    Raises:
        NotFoundError: there is no such account.
        ForbiddenError: it may do more than the staff.
        ConflictError: it is the last one that can act for its vendor, or look after people.
    """
    user = await people.find(session, user_id)
    granted = await people.present_permissions(session, staff.user_id)
    require_above(granted, [Permission(word) for word in user.permissions])
    return await erasures.request(session, user_id, actor=staff.actor, reason=reason)


async def begin(resources: Resources, erasure: ErasureView) -> None:
    """Start the workflow; while Temporal is away the housekeeping starts it later."""
    if erasure.ended_at is not None:
        return
    ref = ErasureRef(erasure_id=erasure.id, user_id=erasure.user_id)
    try:
        await start_once(
            resources.temporal,
            Child.ERASURE,
            ErasureRequest(ref=ref),
            workflow_id=workflow_ids.erasure(erasure.user_id),
            task_queue=TaskQueue.MAINTENANCE,
            budget_seconds=resources.settings.api.latency_budget_seconds,
            summary="Forget a person",
        )
    except UnavailableError:
        log.warning("an erasure waits for the workflow engine", erasure_id=erasure.id)


def document(erasure: ErasureView) -> dict[str, Any]:
    """Return a wish as the API tells it."""
    return {
        "id": erasure.id,
        "user_id": erasure.user_id,
        "status": erasure.status,
        "kept": erasure.kept or None,
        "created_at": erasure.created_at,
        "ended_at": erasure.ended_at,
    }
