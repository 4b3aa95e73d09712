"""Canceling an order: whichever workflow holds it now is asked."""

from __future__ import annotations

import asyncio
import hashlib

from fastapi import Request
from starlette.responses import Response

from api import engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.guests import actor_of
from api.idempotency import IdempotentCall, refusal, replay
from api.json_route import to_json
from api.rendering import draft_document, order_document
from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.statuses import ORDER_MOVES, OrderStatus
from core.resources import Resources
from models.repositories.idempotency import StoredAnswer
from models.repositories.order_views import DraftView, OrderView, find_draft, find_order
from workflows import workflow_ids
from workflows.messages import CancelRequest

_IN_CHECKOUT = frozenset({OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION})
_IN_FULFILLMENT = frozenset({OrderStatus.CONFIRMED, OrderStatus.PROCESSING})
_BETWEEN_WORKFLOWS_SECONDS = 0.1
"""Between a checkout that ends and the fulfilment that it starts there is a moment of neither."""


async def cancel_order(
    request: Request, resources: Resources, call: IdempotentCall, order_id: str, reason: str
) -> Response:
    """Cancel an order, or say why that is not possible any more.

    Raises:
        NotFoundError: not there, or somebody else's.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known whether it is canceled.
    """
    await _require_order(resources, order_id, call.caller_id)
    record = await call.claim(resources.database, f"cancel:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    wanted = CancelRequest(actor=actor_of(call.caller_id), reason=reason)
    update_id = "cancel-" + hashlib.sha256(call.fingerprint.encode()).hexdigest()[:16]
    budget = resources.settings.api.latency_budget_seconds
    try:
        async with asyncio.timeout(budget):
            await _ask_until_canceled(resources, order_id, call.caller_id, wanted, update_id)
        status = 200
    except (TimeoutError, NoAnswerYetError):
        status = 202
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    order = await _require_order(resources, order_id, call.caller_id)
    if isinstance(order, OrderView):
        body = to_json(order_document(order))
    else:
        body = to_json(draft_document(order))
    answer = StoredAnswer(status=status, body=body, location=None)
    return await call.settle(resources.database, answer)


async def _ask_until_canceled(
    resources: Resources, order_id: str, customer_id: str, wanted: CancelRequest, update_id: str
) -> None:
    asked = False
    while True:
        status = OrderStatus((await _require_order(resources, order_id, customer_id)).status)
        if status is OrderStatus.CANCELED and asked:
            return
        if status in _IN_CHECKOUT:
            workflow_id = workflow_ids.checkout(order_id)
        elif status in _IN_FULFILLMENT:
            workflow_id = workflow_ids.fulfillment(order_id)
        else:
            raise _not_possible(status)
        asked = True
        try:
            await engine.send_update(
                resources.temporal,
                workflow_id,
                "cancel",
                wanted,
                update_id=update_id,
                result_type=OrderStatus,
                budget_seconds=resources.settings.api.latency_budget_seconds,
            )
        except UpdateRefusedError:
            now = await _require_order(resources, order_id, customer_id)
            if now.status == status or status in _IN_FULFILLMENT:
                raise _not_possible(OrderStatus(now.status)) from None
        except WorkflowClosedError:
            await asyncio.sleep(_BETWEEN_WORKFLOWS_SECONDS)
        else:
            return


async def _require_order(
    resources: Resources, order_id: str, customer_id: str
) -> OrderView | DraftView:
    order = await find_order(resources.database, order_id, customer_id)
    found = order or await find_draft(resources.database, order_id, customer_id, promised=True)
    if found is None:
        raise NotFoundError("there is no such order")
    return found


def _not_possible(status: OrderStatus) -> InvalidStateError:
    moves = ORDER_MOVES[status] - {OrderStatus.CANCELED}
    return InvalidStateError(
        present=status, wanted=OrderStatus.CANCELED, allowed=sorted(str(move) for move in moves)
    )
