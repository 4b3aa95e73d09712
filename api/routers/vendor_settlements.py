"""What a vendor is owed and was paid, for its own people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request, Response

from api import settlements
from api.auth import VendorMoney
from api.dependencies import Cursor, CursorsDep, Limit, Res, SettlementId
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.settlements import SettlementPage, StatementFormat, VendorBalanceList
from api.settlement_documents import balance_document, settlement_document
from api.statements.answer import STATEMENT, statement
from models.repositories import payables, settlement_views

api = router("vendor")
_VENDOR = ("not-authenticated", "forbidden")


@api.get(
    "/vendor/settlements",
    response_model=SettlementPage,
    responses=problems(*_VENDOR, "invalid-cursor"),
)
async def list_own_settlements(
    vendor: VendorMoney,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return the vendor's settlements, the newest first."""
    scope = {"list": "settlements", "of": vendor.vendor_id}
    rows = await settlement_views.page_of(
        resources.database,
        settlement_views.Filters(vendor_id=vendor.vendor_id),
        before=cursors.open(cursor, scope=scope),
        limit=limit + 1,
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
    "/vendor/settlements/{id}/statement",
    responses={**STATEMENT, **problems(*_VENDOR, "not-found", "invalid-state")},
)
async def get_own_statement(
    *,
    request: Request,
    wanted: SettlementId,
    vendor: VendorMoney,
    resources: Res,
    form: Annotated[StatementFormat | None, Query(alias="format")] = None,
) -> Response:
    """Return the statement as JSON, CSV or PDF, by ``format`` or ``Accept``."""
    view = await settlements.require(resources, wanted, vendor_id=vendor.vendor_id)
    return await statement(request, resources, view, form)


@api.get("/vendor/balance", response_model=VendorBalanceList, responses=problems(*_VENDOR))
async def get_own_balance(vendor: VendorMoney, resources: Res) -> Response:
    """Return what the vendor is owed, in each currency."""
    rows = await payables.balances(
        resources.database, datetime.now(UTC), vendor_id=vendor.vendor_id
    )
    return JsonResponse({"data": [balance_document(row) for row in rows], "next_cursor": None})
