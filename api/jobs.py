"""Jobs over HTTP: made once for each key, started, stopped, and shown to whom they belong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from api import engine
from api.idempotency import IdempotentCall
from api.json_route import to_json
from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.jobs import JobKind
from core.gateways.objects import SignedUpload
from core.resources import Resources
from models.jobs import Job, JobStatus
from models.repositories import jobs
from models.repositories.idempotency import StoredAnswer
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.jobs import JobRequest
from workflows.task_queues import TaskQueue

LIST_TYPE = "text/csv"
CATALOGUE_KINDS = (JobKind.IMPORT_PRODUCTS, JobKind.EXPORT_PRODUCTS, JobKind.CHANGE_PRODUCTS)
ORDER_KINDS = (JobKind.CHANGE_ORDERS,)


async def require(
    resources: Resources, job_id: str, kinds: Sequence[JobKind], *, vendor_id: str | None = None
) -> Job:
    """Return a job of some kinds, of a vendor or of anybody for None.

    Raises:
        NotFoundError: not there, somebody else's, or of another kind.
    """
    async with resources.database.transaction() as session:
        job = await jobs.find(session, job_id, vendor_id=vendor_id)
    if job.kind not in kinds:
        raise NotFoundError("there is no such job")
    return job


async def add_and_start(
    resources: Resources,
    call: IdempotentCall,
    job: Job,
    *,
    reason: str = "",
    upload: SignedUpload | None = None,
) -> Response:
    """Write a job down, start its workflow, and answer with it.

    Raises:
        InvalidStateError: the vendor has too many jobs that have not ended.
        UnavailableError: not started yet; the same key, or the housekeeping, starts it.
    """
    most = resources.settings.jobs.max_unfinished
    async with resources.database.transaction() as session:
        made = await jobs.add(session, job, reason=reason, most_unfinished=most)
    await engine.start_once(
        resources.temporal,
        Child.JOB,
        JobRequest(job_id=made.id, upload_until=jobs.upload_until(made)),
        workflow_id=workflow_ids.job(made.id),
        task_queue=TaskQueue.CATALOGUE,
        budget_seconds=resources.settings.api.latency_budget_seconds,
        summary="Work off an import, an export or a bulk action",
    )
    document = job_document(made)
    is_import = made.kind == JobKind.IMPORT_PRODUCTS
    body = {"job": document, "upload": _upload_document(upload)} if is_import else document
    folder = "/v1/admin/order-jobs" if made.kind in ORDER_KINDS else "/v1/jobs"
    answer = StoredAnswer(
        status=201 if is_import else 202, body=to_json(body), location=f"{folder}/{made.id}"
    )
    return await call.settle(resources.database, answer)


async def start_uploaded(resources: Resources, job: Job) -> None:
    """Tell a job that its list is there.

    Raises:
        InvalidStateError: nothing is uploaded.
    """
    if job.status != JobStatus.QUEUED or job.input_key is None:
        return
    if await resources.objects.head(job.input_key) is None:
        raise InvalidStateError(present="nothing is uploaded", wanted="to start")
    await _go_on(resources, job.id)


async def cancel(resources: Resources, job_id: str, *, actor: str) -> Job:
    """Let a job stop after the part that is under way.

    Raises:
        InvalidStateError: it has ended otherwise.
    """
    async with resources.database.transaction() as session:
        job = await jobs.find(session, job_id, lock=True)
        await jobs.request_cancel(session, job, actor=actor)
    await _go_on(resources, job_id)
    return job


async def _go_on(resources: Resources, job_id: str) -> None:
    await engine.signal_each(
        resources.temporal,
        [workflow_ids.job(job_id)],
        "go_on",
        budget_seconds=resources.settings.api.latency_budget_seconds,
    )


async def sign_upload(resources: Resources, job_id: str) -> SignedUpload:
    """Make the link that a list is uploaded with."""
    settings = resources.settings.jobs
    return await resources.objects.sign_upload(
        input_key(job_id),
        content_type=LIST_TYPE,
        max_bytes=settings.max_upload_bytes,
        expires_in=timedelta(seconds=settings.upload_seconds),
    )


def input_key(job_id: str) -> str:
    """Where the list of a job lies."""
    return f"jobs/{job_id}/list.csv"


def job_document(job: Job) -> dict[str, Any]:
    """Return a job as callers see it."""
    shown = (
        "id",
        "kind",
        "status",
        "dry_run",
        "actor",
        "vendor_id",
        "total_rows",
        "done_rows",
        "failed_rows",
        "error",
        "cancel_requested_at",
        "created_at",
        "updated_at",
        "ended_at",
    )
    return {**{name: getattr(job, name) for name in shown}, "progress": progress_of(job)}


async def detail_document(resources: Resources, job: Job) -> dict[str, Any]:
    """Return a job with links to what it has left behind."""
    return {
        **job_document(job),
        "output": await _link(resources, job.output_key, f"{job.kind}.csv"),
        "errors": await _link(resources, job.errors_key, "errors.csv"),
    }


def progress_of(job: Job) -> float:
    """Return how far a job is, from 0 to 1."""
    if job.status == JobStatus.DONE:
        return 1.0
    if not job.total_rows:
        return 0.0
    return round(min(job.position / job.total_rows, 1.0), 4)


async def _link(resources: Resources, key: str | None, file_name: str) -> dict[str, Any] | None:
    if key is None:
        return None
    link = await resources.objects.sign_download(
        key,
        expires_in=timedelta(seconds=resources.settings.objects.link_seconds),
        file_name=file_name,
    )
    return {"url": link.url, "expires_at": link.expires_at}


def _upload_document(upload: SignedUpload | None) -> dict[str, Any] | None:
    if upload is None:
        return None
    return {
        "method": upload.method,
        "url": upload.url,
        "headers": dict(upload.headers),
        "fields": dict(upload.fields),
        "expires_at": upload.expires_at,
    }
