"""Any customer's order, for staff: find it, see why it is stuck, decide what becomes of it."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from api import step_in, stuck
from api.auth import OrdersReader, OrdersWriter
from api.dependencies import Cursor, CursorsDep, Limit, OrderId, Res
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.order_filters import OrderFilters
from api.pages import page
from api.schemas.oversight import (
    ResolveRequest,
    RetryRequest,
    StaffOrder,
    StaffOrderDetail,
    StaffOrderPage,
    StuckPage,
)
from api.staff_rendering import staff_detail_document, staff_order_document, stuck_document
from models.repositories import dispute_views, oversight_views
from workflows.messages import Action, Resolution

api = router("staff")

_LIST = problems("not-authenticated", "forbidden", "invalid-cursor")
_ONE = problems("not-authenticated", "forbidden", "not-found")
_DECIDE: dict[int | str, dict[str, Any]] = {
    202: {"model": StaffOrder, "description": "Told; the workflow has not answered yet"},
    **_ONE,
    **problems("idempotency-key-missing", "idempotency-key-reused", "invalid-state"),
}


@api.get("/admin/orders", response_model=StaffOrderPage, responses=_LIST)
async def list_all_orders(
    *,
    _staff: OrdersReader,
    resources: Res,
    cursors: CursorsDep,
    filters: OrderFilters,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return orders of all customers, the newest first."""
    scope = {"list": "admin-orders", "filters": repr(filters)}
    rows = await oversight_views.list_orders(
        resources.database, filters, limit=limit + 1, before=cursors.open(cursor, scope=scope)
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda found: found.order.id,
            render=lambda found: staff_order_document(found, resources.settings),
        )
    )


@api.get("/admin/orders/stuck", response_model=StuckPage, responses=_LIST)
async def list_stuck_orders(
    *,
    _staff: OrdersReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return orders that do not go on, the newest first, each with the reason in words."""
    scope = {"list": "stuck-orders"}
    found = await stuck.find_stuck(resources, limit=limit, before=cursors.open(cursor, scope=scope))
    after = found.next_before
    return JsonResponse(
        {
            "data": [stuck_document(one, resources.settings) for one in found.orders],
            "next_cursor": cursors.seal(after, scope=scope) if after else None,
        }
    )


@api.get("/admin/orders/{id}", response_model=StaffOrderDetail, responses=_ONE)
async def get_any_order(order_id: OrderId, _staff: OrdersReader, resources: Res) -> Response:
    """Return any order with what it waits for and everything that has happened to it."""
    order = await step_in.require_order(resources, order_id)
    timeline = await oversight_views.find_timeline(resources.database, order_id)
    disputes = await dispute_views.disputes_of(resources.database, order_id)
    return JsonResponse(staff_detail_document(order, timeline, disputes, resources.settings))


@api.post("/admin/orders/{id}/retry", response_model=StaffOrder, responses=_DECIDE)
async def retry_order(
    *,
    request: Request,
    order_id: OrderId,
    staff: OrdersWriter,
    call: Idempotent,
    resources: Res,
    wanted: RetryRequest | None = None,
) -> Response:
    """Wake every parked step of an order now."""
    resolution = Resolution(
        actor=staff.actor,
        reason=(wanted.reason if wanted else None) or "tried again by staff",
        action=Action.RETRY,
    )
    return await step_in.step_in(request, resources, call, order_id, resolution)


@api.post("/admin/orders/{id}/resolve", response_model=StaffOrder, responses=_DECIDE)
async def resolve_step(
    *,
    request: Request,
    order_id: OrderId,
    staff: OrdersWriter,
    call: Idempotent,
    resources: Res,
    wanted: ResolveRequest,
) -> Response:
    """Decide what becomes of a parked step; of two people at once the first one does."""
    resolution = Resolution(
        actor=staff.actor,
        reason=wanted.reason,
        action=wanted.action,
        what=wanted.what or "",
    )
    return await step_in.step_in(request, resources, call, order_id, resolution)
