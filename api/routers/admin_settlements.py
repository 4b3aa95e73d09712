"""Settlements with vendors, by staff."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request, Response

from api import settlements
from api.auth import MoneyReader, Settler
from api.dependencies import Cursor, CursorsDep, Limit, Res, SettlementId
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.settlements import (
    Approve,
    Decide,
    Settlement,
    SettlementDetails,
    SettlementPage,
    SettlementRequest,
    StatementFormat,
    VendorBalanceList,
)
from api.settlement_documents import balance_document, settlement_document
from api.statements.answer import STATEMENT, statement
from core.domain.statuses import SettlementStatus
from models.repositories import payables, settlement_views

api = router("staff")
_STAFF = ("not-authenticated", "forbidden")
_ONCE = (*_STAFF, "idempotency-key-missing", "idempotency-key-reused", "invalid-state")


@api.post(
    "/admin/settlements", status_code=201, response_model=Settlement, responses=problems(*_ONCE)
)
async def draw_settlement(
    request: Request,
    wanted: SettlementRequest,
    _staff: Settler,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Settle with a vendor now, besides the weekly run."""
    return await settlements.draw_up(request, resources, call, wanted)


@api.get(
    "/admin/settlements",
    response_model=SettlementPage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_settlements(
    *,
    _staff: MoneyReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    vendor_id: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[SettlementStatus | None, Query()] = None,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$")] = None,
) -> Response:
    """Return settlements, the newest first."""
    filters = settlement_views.Filters(vendor_id=vendor_id, status=status, currency=currency)
    scope = {
        "list": "settlements", "vendor_id": vendor_id, "status": status, "currency": currency
    }  # fmt: skip
    rows = await settlement_views.page_of(
        resources.database, filters, before=cursors.open(cursor, scope=scope), limit=limit + 1
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda settlement: settlement.id,
            render=settlement_document,
        )
    )


@api.get(
    "/admin/settlements/{id}",
    response_model=SettlementDetails,
    responses=problems(*_STAFF, "not-found"),
)
async def get_settlement(wanted: SettlementId, _staff: MoneyReader, resources: Res) -> Response:
    """Return a settlement with its lines and approvals."""
    view = await settlements.require(resources, wanted)
    return JsonResponse(await settlements.details(resources, view))


@api.post(
    "/admin/settlements/{id}/approve",
    response_model=SettlementDetails,
    responses=problems(*_ONCE, "not-found"),
)
async def approve_settlement(
    *,
    request: Request,
    wanted: SettlementId,
    body: Approve | None = None,
    _staff: Settler,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Approve a payment; above the limit somebody else has to do so, too."""
    view = await settlements.require(resources, wanted)
    reason = body.reason if body else ""
    return await settlements.decide(request, resources, call, view, update="approve", reason=reason)


@api.post(
    "/admin/settlements/{id}/cancel",
    response_model=SettlementDetails,
    responses=problems(*_ONCE, "not-found"),
)
async def cancel_settlement(
    *,
    request: Request,
    wanted: SettlementId,
    body: Decide,
    _staff: Settler,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Give a settlement up: its entries go to the next one."""
    view = await settlements.require(resources, wanted)
    return await settlements.decide(
        request, resources, call, view, update="cancel", reason=body.reason
    )


@api.post(
    "/admin/settlements/{id}/retry",
    response_model=SettlementDetails,
    responses=problems(*_ONCE, "not-found"),
)
async def retry_settlement(
    *,
    request: Request,
    wanted: SettlementId,
    body: Decide,
    _staff: Settler,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Pay a failed settlement again, to the account that the vendor has now."""
    view = await settlements.require(resources, wanted)
    return await settlements.decide(
        request, resources, call, view, update="retry", reason=body.reason
    )


@api.get(
    "/admin/settlements/{id}/statement",
    responses={**STATEMENT, **problems(*_STAFF, "not-found", "invalid-state")},
)
async def get_statement(
    *,
    request: Request,
    wanted: SettlementId,
    _staff: MoneyReader,
    resources: Res,
    form: Annotated[StatementFormat | None, Query(alias="format")] = None,
) -> Response:
    """Return the statement as JSON, CSV or PDF, by ``format`` or ``Accept``."""
    view = await settlements.require(resources, wanted)
    return await statement(request, resources, view, form)


@api.get(
    "/admin/vendor-balances",
    response_model=VendorBalanceList,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_balances(
    *,
    _staff: MoneyReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    owing: Annotated[bool, Query(description="Only vendors who owe us")] = False,
) -> Response:
    """Return how vendors stand, by vendor and currency."""
    scope = {"list": "vendor-balances", "owing": owing}
    position = cursors.open(cursor, scope=scope)
    rows = await payables.balances(
        resources.database,
        datetime.now(UTC),
        owing=owing,
        after=position.split("/") if position else ("", ""),
        limit=limit + 1,
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda balance: f"{balance.vendor_id}/{balance.currency}",
            render=balance_document,
        )
    )
