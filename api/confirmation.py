"""The client says that the bank's challenge is done: whoever waits for it asks the provider now."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from api import engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, refusal_of_update, replay
from api.json_route import to_json
from api.order_changes import update_id_of
from api.rendering import order_document
from core.domain.errors import InvalidStateError, NotFoundError, PaymentDeclinedError
from core.domain.statuses import OrderStatus, PaymentStatus
from core.resources import Resources
from models.repositories import order_views, parking
from models.repositories.idempotency import StoredAnswer
from models.repositories.order_views import OrderView
from workflows import workflow_ids
from workflows.messages import NEW_PAYMENT, PaymentMethodAnswer


async def confirm_payment(
    request: Request, resources: Resources, call: IdempotentCall, order_id: str
) -> Response:
    """Let the checkout, or the capture that asked for a new payment, ask at once; the order as is.

    Raises:
        NotFoundError: not there, or somebody else's.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known whether anybody was asked.
    """
    order = await _require_order(resources, call, order_id)
    record = await call.claim(resources.database, f"confirm:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    status = 200
    try:
        await _ask(resources, order, update_id_of("confirm", call))
    except NoAnswerYetError:
        status = 202
    except (InvalidStateError, PaymentDeclinedError) as error:
        return await call.settle(resources.database, refusal(request, error))
    except UpdateRefusedError as error:
        return await call.settle(resources.database, refusal_of_update(request, error))
    body = to_json(order_document(await _require_order(resources, call, order_id)))
    answer = StoredAnswer(status=status, body=body, location=None)
    return await call.settle(resources.database, answer)


async def _ask(resources: Resources, order: OrderView, update_id: str) -> None:
    waiting = await parking.workflows_waiting_for(resources.database, order.id, NEW_PAYMENT)
    if order.status == OrderStatus.REQUIRES_ACTION:
        waiting = [workflow_ids.checkout(order.id)]
    asked = False
    for workflow_id in waiting:
        try:
            answer = await engine.send_update(
                resources.temporal,
                workflow_id,
                "confirm_payment",
                update_id=update_id,
                result_type=PaymentMethodAnswer,
                budget_seconds=resources.settings.api.latency_budget_seconds,
            )
        except WorkflowClosedError:
            continue
        if answer.status is PaymentStatus.FAILED:
            raise PaymentDeclinedError(answer.decline_code or "generic_decline")
        asked = True
    if not asked:
        raise InvalidStateError(present=order.payment_status, wanted="a confirmation")


async def _require_order(resources: Resources, call: IdempotentCall, order_id: str) -> OrderView:
    order = await order_views.find_order(resources.database, order_id, call.caller_id)
    if order is None:
        raise NotFoundError("there is no such order")
    return order
