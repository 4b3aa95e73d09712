"""Stock, for staff: adjust it, count it, look at its ledger, say how it is sold without any."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api import editing, stock
from api.auth import StockReader, StockWriter
from api.dependencies import Cursor, CursorsDep, Limit, Res, Sku
from api.editing import IfMatch
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.stock import (
    Adjusted,
    AdjustmentRequest,
    StockMovementPage,
    StockPolicy,
    StockPolicyRequest,
    TakeSummary,
)
from api.stock_taking import parse
from core.domain.errors import FieldError, InvalidRequestError
from models.repositories import stock_alerts, stock_changes, stock_reads

api = router("staff")

_STAFF = ("not-authenticated", "forbidden")
_ONCE = (*_STAFF, "idempotency-key-missing", "idempotency-key-reused")
_LIST = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "warehouse_id,sku,counted\n"
                "whs_01jd7x9k2me8kv1qzr5t0w3y4b,TEE-BLK-M,41\n",
            }
        },
    }
}


@api.post(
    "/admin/stock-adjustments",
    status_code=201,
    response_model=Adjusted,
    responses=problems(*_ONCE, "invalid-state"),
)
async def adjust_stock(
    request: Request,
    wanted: AdjustmentRequest,
    _staff: StockWriter,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Add units to a place or take some away; what comes in goes to orders that wait first."""
    return await stock.adjust(request, resources, call, wanted)


@api.post(
    "/admin/stock-takes",
    status_code=201,
    response_model=TakeSummary,
    responses={
        200: {"model": TakeSummary, "description": "What a dry run would change"},
        **problems(*_ONCE),
    },
    openapi_extra=_LIST,
)
async def take_stock(
    *,
    request: Request,
    _staff: StockWriter,
    call: Idempotent,
    resources: Res,
    dry_run: Annotated[bool, Query(description="Only tell what would change")] = False,
) -> Response:
    """Make stock what was counted (CSV), all of it or nothing; faults are told by their line."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "text/csv":
        error = FieldError(pointer="/header/content-type", detail="send text/csv")
        raise InvalidRequestError([error])
    rows = parse(await request.body(), max_rows=resources.settings.stock.max_counted_rows)
    if dry_run:
        return JsonResponse(await stock.rehearse(resources, call, rows))
    return await stock.take(request, resources, call, rows)


@api.get(
    "/admin/stock-movements",
    response_model=StockMovementPage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_movements(
    *,
    _staff: StockReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    sku: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = None,
    warehouse_id: Annotated[str | None, Query(pattern=r"^whs_[0-9a-z]{26}$")] = None,
) -> Response:
    """Return the ledger of stock, the newest movement first."""
    scope = {"list": "stock-movements", "sku": sku, "warehouse_id": warehouse_id}
    before = cursors.open(cursor, scope=scope)
    rows = await stock_reads.movements(
        resources.database,
        before=None if before is None else int(before),
        limit=limit + 1,
        sku=sku,
        warehouse_id=warehouse_id,
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda row: str(row["id"]),
            render=dict,
        )
    )


@api.get(
    "/admin/stock-policies/{sku}",
    response_model=StockPolicy,
    responses=problems(*_STAFF, "not-found"),
)
async def get_stock_policy(sku: Sku, _staff: StockReader, resources: Res) -> Response:
    """Return how a variant is sold when stock runs out."""
    async with resources.database.transaction() as session:
        policy = await stock_changes.find_policy(session, sku)
    return editing.edited(_policy_document(sku, policy))


@api.put(
    "/admin/stock-policies/{sku}",
    response_model=StockPolicy,
    responses=problems(*_STAFF, "not-found", "precondition-failed"),
)
async def set_stock_policy(
    *,
    sku: Sku,
    wanted: StockPolicyRequest,
    staff: StockWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Say how a variant is sold when stock runs out; who waits already goes on waiting."""
    policy = stock_changes.StockPolicy(**wanted.model_dump(exclude={"reason"}))
    async with resources.database.transaction() as session:
        present = await stock_changes.find_policy(session, sku, lock=True)
        editing.require_match(if_match, _policy_document(sku, present))
        await stock_changes.set_policy(
            session, sku, policy, actor=staff.actor, reason=wanted.reason
        )
    await stock_alerts.watch(resources.database, [sku])
    return editing.edited(_policy_document(sku, policy))


def _policy_document(sku: str, policy: stock_changes.StockPolicy) -> dict[str, object]:
    return {
        "sku": sku,
        "backorder_policy": policy.backorder_policy,
        "backorder_limit": policy.backorder_limit,
        "promised_at": policy.promised_at,
        "low_stock_threshold": policy.low_stock_threshold,
    }
