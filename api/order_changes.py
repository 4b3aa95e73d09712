"""Changes of a confirmed order: its fulfilment is asked, and the database has decided."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api import engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, refusal_of_update, replay
from api.json_route import to_json
from api.rendering import order_document
from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.statuses import ORDER_MOVES, OrderStatus
from core.resources import Resources
from models.repositories.idempotency import StoredAnswer
from models.repositories.order_views import OrderView, find_order
from workflows import workflow_ids

IN_FULFILLMENT = frozenset({OrderStatus.CONFIRMED, OrderStatus.PROCESSING})
BETWEEN_WORKFLOWS_SECONDS = 0.1
"""Between a checkout that ends and the fulfilment that it starts there is a moment of neither."""


async def change_order(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    order_id: str,
    *,
    update: str,
    wanted: Any,
) -> Response:
    """Send an update to the fulfilment of anybody's order; answer with the order, or with its no.

    Raises:
        NotFoundError: there is no such order.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known whether it is changed.
    """
    await _require_order(resources, order_id)
    record = await call.claim(resources.database, f"{update}:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    status = 200
    try:
        async with asyncio.timeout(resources.settings.api.latency_budget_seconds):
            await _ask_until_answered(
                resources, order_id, update, wanted, update_id_of(update, call)
            )
    except (TimeoutError, NoAnswerYetError):
        status = 202
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    except UpdateRefusedError as error:
        return await call.settle(resources.database, refusal_of_update(request, error))
    body = to_json(order_document(await _require_order(resources, order_id)))
    answer = StoredAnswer(status=status, body=body, location=None)
    return await call.settle(resources.database, answer)


async def ask(
    resources: Resources, workflow_id: str, update: str, wanted: Any, *, update_id: str
) -> None:
    """Send an update that answers with the order's state; raises as ``engine.send_update``."""
    await engine.send_update(
        resources.temporal,
        workflow_id,
        update,
        wanted,
        update_id=update_id,
        result_type=OrderStatus,
        budget_seconds=resources.settings.api.latency_budget_seconds,
    )


def update_id_of(update: str, call: IdempotentCall) -> str:
    """One update for one key, however often it is sent."""
    return f"{update}-" + hashlib.sha256(call.fingerprint.encode()).hexdigest()[:16]


async def _ask_until_answered(
    resources: Resources, order_id: str, update: str, wanted: Any, update_id: str
) -> None:
    while True:
        status = OrderStatus((await _require_order(resources, order_id)).status)
        if status not in IN_FULFILLMENT:
            raise InvalidStateError(
                present=status,
                wanted=update,
                allowed=sorted(str(move) for move in ORDER_MOVES[status]),
            )
        try:
            await ask(
                resources, workflow_ids.fulfillment(order_id), update, wanted, update_id=update_id
            )
        except WorkflowClosedError:
            await asyncio.sleep(BETWEEN_WORKFLOWS_SECONDS)
        else:
            return


async def _require_order(resources: Resources, order_id: str) -> OrderView:
    order = await find_order(resources.database, order_id, None)
    if order is None:
        raise NotFoundError("there is no such order")
    return order
