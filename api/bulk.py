"""Bulk actions: what they shall change is looked up once, so that people know what it will be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from api import jobs
from api.idempotency import IdempotentCall, replay
from core.domain.errors import FieldError, InvalidRequestError
from core.domain.ids import Prefix, new_id
from core.domain.jobs import JobKind
from core.resources import Resources
from models.jobs import Job, JobStatus


async def start(
    resources: Resources,
    call: IdempotentCall,
    kind: JobKind,
    parameters: dict[str, Any],
    *,
    actor: str,
    vendor_id: str | None = None,
) -> Response:
    """Write a bulk action down for its ``ids`` and start it.

    Raises:
        UnavailableError: not started yet; the same key, or the housekeeping, starts it.
    """
    record = await call.claim(resources.database, new_id(Prefix.JOB))
    if record.answer is not None:
        return replay(record.answer)
    job = Job(
        id=record.resource_id,
        kind=kind,
        status=JobStatus.QUEUED,
        actor=actor,
        vendor_id=vendor_id,
        parameters=parameters,
        total_rows=len(parameters["ids"]),
    )
    return await jobs.add_and_start(resources, call, job, reason=parameters["reason"])


def require_some(ids: Sequence[str], *, most: int, what: str) -> list[str]:
    """Return ids, each once.

    Raises:
        InvalidRequestError: none, or more than one bulk action may change.
    """
    found = list(dict.fromkeys(ids))
    if not found:
        raise InvalidRequestError([FieldError(pointer="/filter", detail=f"no {what} fit")])
    if len(found) > most:
        detail = f"more than {most} {what}: ask for fewer at once"
        raise InvalidRequestError([FieldError(pointer="/filter", detail=detail)])
    return found
