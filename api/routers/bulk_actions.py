"""The same change of many products or orders, as jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api import bulk, jobs
from api.auth import OrdersReader, OrdersWriter, SellsCatalogue
from api.dependencies import Cursor, CursorsDep, JobId, Limit, Res
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.jobs import Job, JobDetail, JobPage, OrdersRequest, ProductsRequest
from core.domain.jobs import JobKind
from models.jobs import JobStatus
from models.repositories import jobs as rows_of_jobs
from models.repositories import order_bulk, product_bulk
from models.repositories.order_filters import Filters
from models.repositories.product_exports import Wanted

api = router("jobs")

_CALLERS = ("not-authenticated", "forbidden")
_ONCE = (*_CALLERS, "idempotency-key-missing", "idempotency-key-reused")


@api.post(
    "/bulk-actions/products",
    status_code=202,
    response_model=Job,
    responses=problems(*_ONCE, "invalid-state"),
)
async def change_many_products(
    wanted: ProductsRequest, seller: SellsCatalogue, call: Idempotent, resources: Res
) -> Response:
    """Publish, archive or reprice many products; each is in the audit log."""
    most = resources.settings.jobs.max_products
    ids = wanted.ids or []
    if wanted.filter is not None:
        fits = Wanted(**wanted.filter.model_dump() | _own(seller.vendor_id))
        ids = await product_bulk.fitting(resources.database, fits, limit=most + 1)
    parameters = {
        "action": wanted.action,
        "ids": bulk.require_some(ids, most=most, what="products"),
        "price": wanted.price.model_dump() if wanted.price else None,
        "reason": wanted.reason,
    }
    return await bulk.start(
        resources,
        call,
        JobKind.CHANGE_PRODUCTS,
        parameters,
        actor=seller.actor,
        vendor_id=seller.vendor_id,
    )


@api.post("/admin/order-jobs", status_code=202, response_model=Job, responses=problems(*_ONCE))
async def change_many_orders(
    wanted: OrdersRequest, staff: OrdersWriter, call: Idempotent, resources: Res
) -> Response:
    """Cancel, hold or release many orders; the workflow of each decides and tells."""
    most = resources.settings.jobs.max_orders
    ids = wanted.ids or []
    if wanted.filter is not None:
        fits = Filters(**wanted.filter.model_dump())
        ids = await order_bulk.fitting(resources.database, fits, limit=most + 1)
    parameters = {
        "action": wanted.action,
        "ids": bulk.require_some(ids, most=most, what="orders"),
        "reason": wanted.reason,
    }
    return await bulk.start(resources, call, JobKind.CHANGE_ORDERS, parameters, actor=staff.actor)


@api.get(
    "/admin/order-jobs", response_model=JobPage, responses=problems(*_CALLERS, "invalid-cursor")
)
async def list_order_jobs(
    *,
    _staff: OrdersReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[JobStatus | None, Query()] = None,
) -> Response:
    """Return jobs on orders, the newest first."""
    scope = {"list": "order-jobs", "status": status}
    async with resources.database.transaction() as session:
        rows = await rows_of_jobs.page_of(
            session,
            vendor_id=None,
            kinds=jobs.ORDER_KINDS,
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


@api.get(
    "/admin/order-jobs/{id}", response_model=JobDetail, responses=problems(*_CALLERS, "not-found")
)
async def get_order_job(job_id: JobId, _staff: OrdersReader, resources: Res) -> Response:
    """Return how far a job is, and the list of the orders that said no."""
    job = await jobs.require(resources, job_id, jobs.ORDER_KINDS)
    return JsonResponse(await jobs.detail_document(resources, job))


@api.post(
    "/admin/order-jobs/{id}/cancel",
    response_model=Job,
    responses=problems(*_CALLERS, "not-found", "invalid-state"),
)
async def cancel_order_job(job_id: JobId, staff: OrdersWriter, resources: Res) -> Response:
    """Stop after the orders that are being asked; again changes nothing."""
    job = await jobs.require(resources, job_id, jobs.ORDER_KINDS)
    job = await jobs.cancel(resources, job.id, actor=staff.actor)
    return JsonResponse(jobs.job_document(job))


def _own(vendor_id: str | None) -> dict[str, str]:
    return {"vendor_id": vendor_id} if vendor_id else {}
