"""Goods that come back: asked for by customers, decided about and received by staff."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import Query, Request, Response

from api import carts
from api.auth import OrdersReader, OrdersWriter
from api.dependencies import Cursor, CursorsDep, Limit, OrderId, Res, ReturnId
from api.guests import OrderCall, OrderReader, ReturnCall, ReturnReader, acting
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.returns import Move, move_return, open_return, require_return, return_document
from api.schemas.returns import (
    Condition,
    ReceivedReturn,
    Return,
    ReturnApproval,
    ReturnPage,
    ReturnRejection,
    ReturnShipped,
    WantedReturn,
)
from core.domain.errors import FieldError, NotFoundError
from core.domain.statuses import ReturnStatus
from models.repositories import order_views, return_views
from models.repositories.restocking import warehouse_exists
from models.repositories.return_views import ReturnView
from workflows.messages import DecideReturn, SendReturn
from workflows.ports.returns import ReceivedItem, ReceiveReturn

api = router("returns")

_OWN = problems("not-authenticated", "not-found")
_ACT = problems("idempotency-key-missing", "idempotency-key-reused", "invalid-state")
_STAFF = problems("not-authenticated", "forbidden", "not-found")


@api.post(
    "/orders/{id}/returns",
    status_code=201,
    response_model=Return,
    responses={**_OWN, **_ACT},
)
async def request_return(
    *,
    request: Request,
    order_id: OrderId,
    wanted: WantedReturn,
    call: OrderCall,
    resources: Res,
) -> Response:
    """Ask to send delivered goods back, for money or in exchange."""
    order = await order_views.find_order(resources.database, order_id, call.caller_id)
    if order is None:
        raise NotFoundError("there is no such order")
    actor = acting(request, call.caller_id)
    return await open_return(request, resources, call, order=order, body=wanted, actor=actor)


@api.get("/orders/{id}/returns", response_model=ReturnPage, responses=_OWN)
async def list_order_returns(order_id: OrderId, reader: OrderReader, resources: Res) -> Response:
    """Return the returns of one of the caller's orders, the oldest first."""
    if not await order_views.owns_order(resources.database, order_id, reader.customer_id):
        raise NotFoundError("there is no such order")
    views = await return_views.returns_of(resources.database, order_id)
    return JsonResponse({"data": [return_document(view) for view in views], "next_cursor": None})


@api.get("/returns/{id}", response_model=Return, responses=_OWN)
async def get_return(return_id: ReturnId, reader: ReturnReader, resources: Res) -> Response:
    """Return one of the caller's returns; staff sees everybody's."""
    owner = None if reader.is_staff else reader.customer_id
    return JsonResponse(
        return_document(await require_return(resources, return_id, customer_id=owner))
    )


@api.post("/returns/{id}/shipped", response_model=Return, responses={**_OWN, **_ACT})
async def ship_return(
    *,
    request: Request,
    return_id: ReturnId,
    sent: ReturnShipped,
    call: ReturnCall,
    resources: Res,
) -> Response:
    """Tell that the goods of an approved return are on their way back."""
    view = await require_return(resources, return_id, customer_id=call.caller_id)
    actor = acting(request, call.caller_id)
    move = Move(
        update="ship",
        argument=SendReturn(actor=actor, tracking_number=sent.tracking_number),
        wanted=ReturnStatus.IN_TRANSIT,
    )
    return await move_return(request, resources, call, view, move)


@api.get(
    "/admin/returns",
    response_model=ReturnPage,
    responses=problems("not-authenticated", "forbidden", "invalid-cursor"),
)
async def list_returns(
    *,
    _: OrdersReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[ReturnStatus | None, Query()] = None,
) -> Response:
    """Return everybody's returns, the newest first."""
    scope = {"list": "returns", "status": status}
    rows = await return_views.list_returns(
        resources.database,
        limit=limit + 1,
        before=cursors.open(cursor, scope=scope),
        status=status,
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda view: view.id,
            render=return_document,
        )
    )


@api.post("/admin/returns/{id}/approve", response_model=Return, responses={**_STAFF, **_ACT})
async def approve_return(
    *,
    request: Request,
    return_id: ReturnId,
    staff: OrdersWriter,
    call: Idempotent,
    resources: Res,
    decision: ReturnApproval | None = None,
) -> Response:
    """Let the customer send the goods."""
    view = await require_return(resources, return_id)
    reason = (decision.reason if decision else None) or ""
    move = Move(
        update="approve",
        argument=DecideReturn(actor=staff.actor, reason=reason),
        wanted=ReturnStatus.APPROVED,
    )
    return await move_return(request, resources, call, view, move)


@api.post("/admin/returns/{id}/reject", response_model=Return, responses={**_STAFF, **_ACT})
async def reject_return(
    *,
    request: Request,
    return_id: ReturnId,
    staff: OrdersWriter,
    decision: ReturnRejection,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Refuse a return that is not inspected yet; nothing is paid."""
    view = await require_return(resources, return_id)
    move = Move(
        update="reject",
        argument=DecideReturn(actor=staff.actor, reason=decision.reason),
        wanted=ReturnStatus.REJECTED,
    )
    return await move_return(request, resources, call, view, move)


@api.post("/admin/returns/{id}/receive", response_model=Return, responses={**_STAFF, **_ACT})
async def receive_return(
    *,
    request: Request,
    return_id: ReturnId,
    staff: OrdersWriter,
    received: ReceivedReturn,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Take in and inspect what came back: it is restocked or written off, and paid for."""
    view = await require_return(resources, return_id)
    warehouse_id = received.warehouse_id
    if warehouse_id and not await warehouse_exists(resources.database, warehouse_id):
        carts.refuse([FieldError(pointer="/warehouse_id", detail="no such warehouse")])
    refusal = received.refusal
    move = Move(
        update="receive",
        argument=ReceiveReturn(
            order_id=view.order_id,
            return_id=return_id,
            items=_received(view, received),
            actor=staff.actor,
            warehouse_id=warehouse_id,
            refusal=f"{refusal.reason} (goods {refusal.goods})" if refusal else None,
        ),
        wanted=ReturnStatus.RECEIVED,
    )
    return await move_return(request, resources, call, view, move)


def _received(view: ReturnView, received: ReceivedReturn) -> list[ReceivedItem]:
    """Sum up by item.

    Raises:
        InvalidRequestError: an item that was not asked for, or more of it than was.
    """
    asked = {item["item_id"]: item["quantity"] for item in view.items}
    counts: dict[Condition, Counter[str]] = {condition: Counter() for condition in Condition}
    errors: list[FieldError] = []
    for n, one in enumerate(received.items):
        counts[one.condition][one.item_id] += one.quantity
        if one.item_id not in asked:
            errors.append(FieldError(pointer=f"/items/{n}/item_id", detail="not in this return"))
        elif sum(count[one.item_id] for count in counts.values()) > asked[one.item_id]:
            detail = f"at most {asked[one.item_id]}, as the return says"
            errors.append(FieldError(pointer=f"/items/{n}/quantity", detail=detail))
    carts.refuse(errors)
    return [
        ReceivedItem(
            item_id=item_id,
            sellable=counts[Condition.SELLABLE][item_id],
            damaged=counts[Condition.DAMAGED][item_id],
        )
        for item_id in dict.fromkeys(one.item_id for one in received.items)
    ]
