"""Imports, exports and bulk actions, for staff and for vendors with what is theirs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from api import jobs
from api.auth import ReadsCatalogue, SellsCatalogue
from api.dependencies import Cursor, CursorsDep, JobId, Limit, Res
from api.feature_flags import switched_on
from api.idempotency import Idempotent, replay
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.jobs import (
    ExportRequest,
    ImportRequest,
    Job,
    JobDetail,
    JobPage,
    StartedImport,
)
from core.domain.feature_flags import Flag
from core.domain.ids import Prefix, new_id
from core.domain.jobs import JobKind
from models import jobs as tables
from models.jobs import JobStatus
from models.repositories import jobs as rows_of_jobs

api = router("jobs")

_SELLERS = ("not-authenticated", "forbidden")
_ONCE = (*_SELLERS, "idempotency-key-missing", "idempotency-key-reused", "invalid-state")
_STARTED: dict[int | str, dict[str, Any]] = problems(*_ONCE)


@api.post(
    "/imports/products",
    status_code=201,
    response_model=StartedImport,
    responses=_STARTED,
    dependencies=[switched_on(Flag.PRODUCT_IMPORTS, staff_always=True)],
)
async def import_products(
    wanted: ImportRequest, seller: SellsCatalogue, call: Idempotent, resources: Res
) -> Response:
    """Import products from a list in CSV, or only look what would be wrong with it.

    The columns are in the guide. A longer list is uploaded with the link in the answer, and then
    started.
    """
    record = await call.claim(resources.database, new_id(Prefix.JOB))
    if record.answer is not None:
        return replay(record.answer)
    key = jobs.input_key(record.resource_id)
    upload = None
    if wanted.csv is None:
        upload = await jobs.sign_upload(resources, record.resource_id)
    else:
        await resources.objects.put(key, wanted.csv.encode(), content_type=jobs.LIST_TYPE)
    job = tables.Job(
        id=record.resource_id,
        kind=JobKind.IMPORT_PRODUCTS,
        status=JobStatus.QUEUED,
        actor=seller.actor,
        vendor_id=seller.vendor_id,
        dry_run=wanted.dry_run,
        parameters={"upload_until": upload.expires_at.isoformat()} if upload else {},
        input_key=key,
    )
    return await jobs.add_and_start(resources, call, job, upload=upload)


@api.post("/exports/products", status_code=202, response_model=Job, responses=problems(*_ONCE))
async def export_products(
    wanted: ExportRequest, seller: SellsCatalogue, call: Idempotent, resources: Res
) -> Response:
    """Write products with their variants and prices to a list that can be imported again."""
    record = await call.claim(resources.database, new_id(Prefix.JOB))
    if record.answer is not None:
        return replay(record.answer)
    job = tables.Job(
        id=record.resource_id,
        kind=JobKind.EXPORT_PRODUCTS,
        status=JobStatus.QUEUED,
        actor=seller.actor,
        vendor_id=seller.vendor_id,
        parameters={"filter": wanted.model_dump(mode="json", exclude_none=True)},
    )
    return await jobs.add_and_start(resources, call, job)


@api.get("/jobs", response_model=JobPage, responses=problems(*_SELLERS, "invalid-cursor"))
async def list_jobs(
    *,
    seller: ReadsCatalogue,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    kind: Annotated[JobKind | None, Query()] = None,
    status: Annotated[JobStatus | None, Query()] = None,
) -> Response:
    """Return jobs on the catalogue, the newest first; of a vendor those that are theirs."""
    scope = {"list": "jobs", "kind": kind, "status": status, "vendor_id": seller.vendor_id}
    async with resources.database.transaction() as session:
        rows = await rows_of_jobs.page_of(
            session,
            vendor_id=seller.vendor_id,
            kinds=[one for one in jobs.CATALOGUE_KINDS if kind in {None, one}],
            status=status,
            before=cursors.open(cursor, scope=scope),
            limit=limit + 1,
        )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda job: job.id,
            render=jobs.job_document,
        )
    )


@api.get("/jobs/{id}", response_model=JobDetail, responses=problems(*_SELLERS, "not-found"))
async def get_job(job_id: JobId, seller: ReadsCatalogue, resources: Res) -> Response:
    """Return how far a job is, and links to what it has left behind."""
    job = await jobs.require(resources, job_id, jobs.CATALOGUE_KINDS, vendor_id=seller.vendor_id)
    return JsonResponse(await jobs.detail_document(resources, job))


@api.post(
    "/jobs/{id}/start",
    response_model=Job,
    responses=problems(*_SELLERS, "not-found", "invalid-state"),
)
async def start_job(job_id: JobId, seller: SellsCatalogue, resources: Res) -> Response:
    """The list is uploaded: begin. Again changes nothing."""
    job = await jobs.require(resources, job_id, jobs.CATALOGUE_KINDS, vendor_id=seller.vendor_id)
    await jobs.start_uploaded(resources, job)
    return JsonResponse(jobs.job_document(job))


@api.post(
    "/jobs/{id}/cancel",
    response_model=Job,
    responses=problems(*_SELLERS, "not-found", "invalid-state"),
)
async def cancel_job(job_id: JobId, seller: SellsCatalogue, resources: Res) -> Response:
    """Stop after the part that is under way; what is done stays done. Again changes nothing."""
    job = await jobs.require(resources, job_id, jobs.CATALOGUE_KINDS, vendor_id=seller.vendor_id)
    job = await jobs.cancel(resources, job.id, actor=seller.actor)
    return JsonResponse(jobs.job_document(job))
