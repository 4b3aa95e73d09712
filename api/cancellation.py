"""Canceling an order, or items of it: whichever workflow holds it now is asked."""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.responses import Response

from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, refusal_of_update, replay
from api.json_route import to_json
from api.order_changes import BETWEEN_WORKFLOWS_SECONDS, IN_FULFILLMENT, ask, update_id_of
from api.rendering import draft_document, order_document
from api.schemas.orders import CancelRequest as Wanted
from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.statuses import ORDER_MOVES, OrderStatus
from core.resources import Resources
from models.repositories.idempotency import StoredAnswer
from models.repositories.order_views import DraftView, OrderView, find_draft, find_order
from workflows import workflow_ids
from workflows.messages import CancelRequest, ItemQuantity

_IN_CHECKOUT = frozenset({OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION})


async def cancel_order(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    order_id: str,
    wanted: CancelRequest,
    *,
    customer_id: str | None,
) -> Response:
    """Cancel an order or items of it, or say why that is not possible any more.

    ``customer_id`` is None when staff ask, who may cancel anybody's.

    Raises:
        NotFoundError: not there, or somebody else's.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known whether it is canceled.
    """
    await _require_order(resources, order_id, customer_id)
    record = await call.claim(resources.database, f"cancel:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    budget = resources.settings.api.latency_budget_seconds
    try:
        async with asyncio.timeout(budget):
            await _ask_until_canceled(
                resources, order_id, customer_id, wanted, update_id_of("cancel", call)
            )
        status = 200
    except (TimeoutError, NoAnswerYetError):
        status = 202
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    except UpdateRefusedError as error:
        return await call.settle(resources.database, refusal_of_update(request, error))
    order = await _require_order(resources, order_id, customer_id)
    if isinstance(order, OrderView):
        body = to_json(order_document(order))
    else:
        body = to_json(draft_document(order))
    answer = StoredAnswer(status=status, body=body, location=None)
    return await call.settle(resources.database, answer)


def cancel_request(wanted: Wanted | None, *, actor: str) -> CancelRequest:
    """What the workflow is asked for."""
    items = (wanted.items if wanted else None) or []
    return CancelRequest(
        actor=actor,
        reason=(wanted.reason if wanted else None) or "",
        items=[ItemQuantity(item_id=one.item_id, quantity=one.quantity) for one in items],
    )


async def _ask_until_canceled(
    resources: Resources,
    order_id: str,
    customer_id: str | None,
    wanted: CancelRequest,
    update_id: str,
) -> None:
    asked = False
    while True:
        status = OrderStatus((await _require_order(resources, order_id, customer_id)).status)
        if status is OrderStatus.CANCELED and asked:
            return
        if status in _IN_CHECKOUT and not wanted.items:
            workflow_id = workflow_ids.checkout(order_id)
        elif status in IN_FULFILLMENT:
            workflow_id = workflow_ids.fulfillment(order_id)
        else:
            raise _not_possible(status)
        asked = True
        try:
            await ask(resources, workflow_id, "cancel", wanted, update_id=update_id)
        except UpdateRefusedError:
            now = await _require_order(resources, order_id, customer_id)
            if now.status == status or status in IN_FULFILLMENT:
                raise
        except WorkflowClosedError:
            await asyncio.sleep(BETWEEN_WORKFLOWS_SECONDS)
        else:
            return


async def _require_order(
    resources: Resources, order_id: str, customer_id: str | None
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
