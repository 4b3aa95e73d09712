"""Asking for a return, and what staff and customers do to it: its workflow decides."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api import carts, engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, replay
from api.json_route import to_json
from api.rendering import money
from api.schemas.returns import WantedReturn as WantedReturnBody
from core.domain.errors import FieldError, InvalidStateError, NotFoundError, UnavailableError
from core.domain.ids import Prefix, new_id
from core.domain.statuses import OPEN_RETURN, RETURN_MOVES, ReturnStatus
from core.resources import Resources
from models.repositories import exchanges, orders, returns
from models.repositories.idempotency import StoredAnswer
from models.repositories.order_views import OrderView
from models.repositories.return_views import ReturnView, find_return
from models.repositories.returns import WantedReturn
from workflows import workflow_ids
from workflows.messages import Child, ReturnRequest
from workflows.task_queues import TaskQueue


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """An update of the return's workflow, and the state that it leads to."""

    update: str
    argument: Any
    wanted: ReturnStatus


async def open_return(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    *,
    order: OrderView,
    body: WantedReturnBody,
    actor: str,
) -> Response:
    """Write the return and start its workflow; the same key finds the same return.

    Raises:
        InvalidRequestError: an item or a SKU that does not exist, before anything is written.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: written perhaps, but its workflow is not known to run.
    """
    wanted = _wanted(body)
    carts.refuse(await _problems(resources, order, wanted))
    record = await call.claim(resources.database, new_id(Prefix.RETURN))
    if record.answer is not None:
        return replay(record.answer)
    return_id = record.resource_id
    window = resources.settings.fulfillment.return_window_seconds
    try:
        async with resources.database.transaction() as session:
            await returns.request(
                session,
                await orders.lock(session, order.id),
                return_id=return_id,
                wanted=wanted,
                actor=actor,
                window_seconds=window,
            )
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    await _start(resources, order.id, return_id)
    view = await require_return(resources, return_id)
    location = f"/v1/returns/{return_id}"
    answer = StoredAnswer(status=201, body=to_json(return_document(view)), location=location)
    return await call.settle(resources.database, answer)


async def move_return(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    view: ReturnView,
    move: Move,
) -> Response:
    """Send an update to the return's workflow; of two at once one wins, the other gets a 409.

    Raises:
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known whether it is done; the same key asks again.
    """
    record = await call.claim(resources.database, f"return:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    try:
        await _send(resources, call, view, move)
    except (UpdateRefusedError, WorkflowClosedError):
        now = await require_return(resources, view.id)
        error = _not_possible(ReturnStatus(now.status), move.wanted)
        return await call.settle(resources.database, refusal(request, error))
    except NoAnswerYetError as error:
        raise UnavailableError("not done yet; ask again with the same key") from error
    document = return_document(await require_return(resources, view.id))
    answer = StoredAnswer(status=200, body=to_json(document), location=None)
    return await call.settle(resources.database, answer)


async def require_return(
    resources: Resources, return_id: str, *, customer_id: str | None = None
) -> ReturnView:
    """Return the view; anybody's when ``customer_id`` is None.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    view = await find_return(resources.database, return_id, customer_id=customer_id)
    if view is None:
        raise NotFoundError("there is no such return")
    return view


def return_document(view: ReturnView) -> dict[str, Any]:
    """Return a return as the API shows it."""
    return {
        "id": view.id,
        "order_id": view.order_id,
        "status": view.status,
        "items": view.items,
        "deadline_at": view.deadline_at,
        "tracking_number": view.tracking_number,
        "warehouse_id": view.warehouse_id,
        "rejection_reason": view.rejection_reason,
        "refund_id": view.refund_id,
        "refund": money(view.refund_amount, view.currency) if view.refund_id else None,
        "refund_shipping": view.refund_shipping,
        "workflow_id": workflow_ids.return_(view.id),
        "created_at": view.created_at,
        "updated_at": view.updated_at,
    }


def _wanted(body: WantedReturnBody) -> list[WantedReturn]:
    return [
        WantedReturn(
            item_id=one.item_id,
            quantity=one.quantity,
            reason=one.reason,
            exchange_sku=one.exchange_sku,
        )
        for one in body.items
    ]


async def _problems(
    resources: Resources, order: OrderView, wanted: list[WantedReturn]
) -> list[FieldError]:
    known = {item["id"] for item in order.items}
    skus = [one.exchange_sku for one in wanted if one.exchange_sku is not None]
    offered: set[str] = set()
    if skus:
        async with resources.database.transaction() as session:
            offered = set(await exchanges.offers(session, skus, order.currency))
    problems: list[FieldError] = []
    seen: set[str] = set()
    for n, one in enumerate(wanted):
        if one.item_id not in known:
            detail = "not an item of this order"
            problems.append(FieldError(pointer=f"/items/{n}/item_id", detail=detail))
        elif one.item_id in seen:
            problems.append(FieldError(pointer=f"/items/{n}/item_id", detail="listed twice"))
        seen.add(one.item_id)
        if one.exchange_sku is not None and one.exchange_sku not in offered:
            detail = f"not sold in {order.currency}"
            problems.append(FieldError(pointer=f"/items/{n}/exchange_sku", detail=detail))
    return problems


async def _start(resources: Resources, order_id: str, return_id: str) -> None:
    await engine.start_once(
        resources.temporal,
        Child.RETURN,
        ReturnRequest(order_id=order_id, return_id=return_id),
        workflow_id=workflow_ids.return_(return_id),
        task_queue=TaskQueue.FULFILLMENT,
        budget_seconds=resources.settings.api.latency_budget_seconds,
        summary=f"Return {return_id} of {order_id}",
    )


async def _send(
    resources: Resources, call: IdempotentCall, view: ReturnView, move: Move
) -> ReturnStatus:
    """Send the update; a return whose workflow was never started is given one first."""
    if view.status in OPEN_RETURN:
        await _start(resources, view.order_id, view.id)
    digest = hashlib.sha256(call.fingerprint.encode()).hexdigest()[:16]
    return await engine.send_update(
        resources.temporal,
        workflow_ids.return_(view.id),
        move.update,
        move.argument,
        update_id=f"{move.update}-{digest}",
        result_type=ReturnStatus,
        budget_seconds=resources.settings.api.latency_budget_seconds,
    )


def _not_possible(present: ReturnStatus, wanted: ReturnStatus) -> InvalidStateError:
    """What is inspected has been credited: it is not rejected any more."""
    moves = RETURN_MOVES[present]
    if present is ReturnStatus.INSPECTED:
        moves = frozenset({ReturnStatus.REFUNDED})
    return InvalidStateError(present=present, wanted=wanted, allowed=sorted(map(str, moves)))
