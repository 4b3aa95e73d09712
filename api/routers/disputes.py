"""Disputes: staff answer banks, vendors see what is held back from them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from api import disputes
from api.auth import MoneyReader, MoneyWriter, VendorMoney
from api.dependencies import Cursor, CursorsDep, DisputeId, Limit, Res
from api.disputes import dispute_document, require_dispute, sale_document
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.preconditions import IfMatch, etag
from api.schemas.base import NO_CONTROLS, Moment
from api.schemas.disputes import (
    Acceptance,
    Dispute,
    DisputedSalePage,
    DisputePage,
    EvidenceFields,
)
from core.domain.statuses import DisputeStatus
from models.repositories import dispute_views
from models.repositories.dispute_views import DisputeFilters

api = router("disputes")

_LIST = problems("not-authenticated", "forbidden", "invalid-cursor")
_ONE = problems("not-authenticated", "forbidden", "not-found")
_ACT: dict[int | str, dict[str, Any]] = {
    202: {"model": Dispute, "description": "Told; the provider has not answered yet"},
    **_ONE,
    **problems(
        "idempotency-key-missing", "idempotency-key-reused", "invalid-state", "precondition-failed"
    ),
}


@api.get("/admin/disputes", response_model=DisputePage, responses=_LIST)
async def list_disputes(
    *,
    _: MoneyReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[DisputeStatus | None, Query()] = None,
    order_id: Annotated[str | None, Query(max_length=64, pattern=NO_CONTROLS)] = None,
    due_before: Annotated[
        Moment | None, Query(description="Those whose evidence is missing and due before then")
    ] = None,
) -> Response:
    """Return everybody's disputes, those of the newest orders first."""
    filters = DisputeFilters(status=status, order_id=order_id, due_before=due_before)
    scope = {"list": "disputes", "filters": repr(filters)}
    rows = await dispute_views.list_disputes(
        resources.database, filters, limit=limit + 1, before=cursors.open(cursor, scope=scope)
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda view: view.id,
            render=dispute_document,
        )
    )


@api.get("/admin/disputes/{id}", response_model=Dispute, responses=_ONE)
async def get_dispute(dispute_id: DisputeId, _: MoneyReader, resources: Res) -> Response:
    """Return one dispute, with what the bank was told."""
    view = await require_dispute(resources, dispute_id)
    return JsonResponse(dispute_document(view), headers={"ETag": etag(view.version)})


@api.post("/admin/disputes/{id}/evidence", response_model=Dispute, responses=_ACT)
async def submit_evidence(
    *,
    request: Request,
    dispute_id: DisputeId,
    staff: MoneyWriter,
    evidence: EvidenceFields,
    call: Idempotent,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Tell the bank our side; there may be only one chance."""
    view = await require_dispute(resources, dispute_id)
    return await disputes.submit_evidence(
        request,
        resources,
        call,
        view,
        fields=evidence,
        actor=staff.actor,
        if_match=if_match,
    )


@api.post("/admin/disputes/{id}/accept", response_model=Dispute, responses=_ACT)
async def accept_dispute(
    *,
    request: Request,
    dispute_id: DisputeId,
    staff: MoneyWriter,
    acceptance: Acceptance,
    call: Idempotent,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Give a dispute up: it is lost."""
    view = await require_dispute(resources, dispute_id)
    return await disputes.accept(
        request,
        resources,
        call,
        view,
        reason=acceptance.reason,
        actor=staff.actor,
        if_match=if_match,
    )


@api.get("/vendor/disputes", response_model=DisputedSalePage, responses=_LIST)
async def list_disputed_sales(
    *,
    vendor: VendorMoney,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[DisputeStatus | None, Query()] = None,
) -> Response:
    """Return the disputes of orders with the vendor's goods, and what is held back for them."""
    filters = DisputeFilters(status=status, vendor_id=vendor.vendor_id)
    scope = {"list": "vendor-disputes", "filters": repr(filters)}
    rows = await dispute_views.list_disputes(
        resources.database, filters, limit=limit + 1, before=cursors.open(cursor, scope=scope)
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda view: view.id,
            render=lambda view: sale_document(view, vendor.vendor_id),
        )
    )
