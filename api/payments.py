"""Money of an order: given back by staff, and paid once more by its customer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from api import engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, refusal_of_update, replay
from api.json_route import to_json
from api.order_changes import update_id_of
from api.payment_choice import require_provider
from api.rendering import order_document
from core.domain.errors import InvalidStateError, NotFoundError, PaymentDeclinedError
from core.domain.ids import Prefix, derived_id
from core.domain.statuses import PaymentStatus
from core.resources import Resources
from models.payments import Refund
from models.repositories import audit, orders, parking, refund_amounts, refunds
from models.repositories.idempotency import StoredAnswer
from models.repositories.order_views import OrderView, find_order
from workflows import workflow_ids
from workflows.messages import (
    NEW_PAYMENT,
    Child,
    PaymentMethodAnswer,
    PaymentMethodGiven,
    RefundRequest,
)
from workflows.task_queues import TaskQueue


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedRefund:
    """By amount (minor units), by units of items, or, with neither, everything that is left."""

    actor: str
    reason: str
    amount: int | None = None
    units: Mapping[str, int] | None = None


async def refund_order(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    order_id: str,
    wanted: WantedRefund,
) -> Response:
    """Give money of anybody's order back, once per key; answer with the order.

    Raises:
        NotFoundError: there is no such order.
        InvalidRequestError: an item that the order does not have.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known whether it is under way.
    """
    await _require_order(resources, order_id, None)
    record = await call.claim(resources.database, f"refund:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    refund_id = derived_id(Prefix.REFUND, order_id, call.fingerprint)
    try:
        await _write(resources, order_id, refund_id, wanted)
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    budget = resources.settings.api.latency_budget_seconds
    await engine.start_once(
        resources.temporal,
        Child.REFUND,
        RefundRequest(order_id=order_id, refund_id=refund_id),
        workflow_id=workflow_ids.refund(refund_id),
        task_queue=TaskQueue.PAYMENTS,
        budget_seconds=budget,
        summary=f"Refund of {order_id}",
    )
    ended = await engine.has_ended(
        resources.temporal, workflow_ids.refund(refund_id), within_seconds=budget
    )
    return await _answer(resources, call, order_id, None, status=200 if ended else 202)


async def _write(resources: Resources, order_id: str, refund_id: str, wanted: WantedRefund) -> None:
    async with resources.database.transaction() as session:
        order = await orders.lock(session, order_id)
        if await session.get(Refund, refund_id) is not None:
            return
        units = wanted.units or {}
        if wanted.amount is not None:
            amount = wanted.amount
        elif units:
            amount = await refund_amounts.value_of(session, order, units)
        else:
            amount = await refund_amounts.left(session, order)
            if amount == 0:
                raise InvalidStateError(
                    present=f"{order.payment_status}, nothing can be refunded", wanted="a refund"
                )
        await refunds.request(
            session,
            order,
            refund_id=refund_id,
            amount=amount,
            reason=wanted.reason,
            actor=wanted.actor,
            items=[{"item_id": item_id, "quantity": n} for item_id, n in units.items()],
        )
        await audit.record(
            session,
            actor=wanted.actor,
            action="order.refunded",
            target=order_id,
            reason=wanted.reason,
            after={"refund_id": refund_id, "amount": amount, "currency": order.currency},
        )


async def pay_order(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    order_id: str,
    given: PaymentMethodGiven,
) -> Response:
    """Take a customer's other payment method for an order that waits for one.

    Raises:
        NotFoundError: not there, or somebody else's.
        InvalidRequestError: the provider is not one of this shop's, or does not take the currency.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known whether it is taken.
    """
    order = await _require_order(resources, order_id, call.caller_id)
    if given.provider is not None:
        require_provider(resources, given.provider, currency=order.currency)
    record = await call.claim(resources.database, f"payment:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    status = 200
    try:
        async with asyncio.timeout(resources.settings.api.latency_budget_seconds):
            await _give(resources, order, given, update_id_of("payment", call))
    except (TimeoutError, NoAnswerYetError):
        status = 202
    except (InvalidStateError, PaymentDeclinedError) as error:
        return await call.settle(resources.database, refusal(request, error))
    except UpdateRefusedError as error:
        return await call.settle(resources.database, refusal_of_update(request, error))
    return await _answer(resources, call, order_id, call.caller_id, status=status)


async def _give(
    resources: Resources, order: OrderView, given: PaymentMethodGiven, update_id: str
) -> None:
    waiting = await parking.workflows_waiting_for(resources.database, order.id, NEW_PAYMENT)
    if not waiting:
        raise InvalidStateError(present=order.payment_status, wanted="another payment")
    for workflow_id in waiting:
        try:
            answer = await engine.send_update(
                resources.temporal,
                workflow_id,
                "provide_payment",
                given,
                update_id=update_id,
                result_type=PaymentMethodAnswer,
                budget_seconds=resources.settings.api.latency_budget_seconds,
            )
        except WorkflowClosedError:
            continue
        if answer.status is PaymentStatus.FAILED:
            raise PaymentDeclinedError(answer.decline_code or "generic_decline")


async def _answer(
    resources: Resources,
    call: IdempotentCall,
    order_id: str,
    customer_id: str | None,
    *,
    status: int,
) -> Response:
    body = to_json(order_document(await _require_order(resources, order_id, customer_id)))
    answer = StoredAnswer(status=status, body=body, location=None)
    return await call.settle(resources.database, answer)


async def _require_order(resources: Resources, order_id: str, customer_id: str | None) -> OrderView:
    order = await find_order(resources.database, order_id, customer_id)
    if order is None:
        raise NotFoundError("there is no such order")
    return order
