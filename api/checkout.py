"""Placing an order: claim the key, start the workflow, answer once.

Five round trips at most: what the shop offers and what the key knows; the claim and the draft;
the workflow; the order; the answer.
"""

from __future__ import annotations

import structlog
from fastapi import Request
from starlette.responses import Response

from api import carts, engine
from api.admission import Admission
from api.cart_checkout import Purchase, pointing_to_the_cart, require_orderable
from api.cart_recovery import give_back
from api.engine import NoAnswerYetError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, replay, response_of
from api.json_route import to_json
from api.metrics import CHECKOUTS, ORDERS_CONFIRMED
from api.payment_choice import provider_for
from api.rendering import draft_document, order_document
from api.schemas.checkout import CheckoutRequest
from core.domain.errors import (
    ConflictError,
    IdempotencyKeyReusedError,
    OutOfStockError,
    PaymentDeclinedError,
    Shortage,
    UnavailableError,
)
from core.domain.ids import Prefix, new_id
from core.domain.places import Place
from core.domain.promotions import counted_customer
from core.domain.statuses import OrderStatus
from core.resources import Resources
from models.repositories.catalogue import CartSnapshot, cart_snapshot
from models.repositories.drafts import claim_checkout
from models.repositories.idempotency import StoredAnswer
from models.repositories.order_views import OrderView, find_draft, find_order
from workflows import search_attributes, workflow_ids
from workflows.messages import Checkout, CheckoutAnswer
from workflows.task_queues import TaskQueue

_REFUSED = 400

log = structlog.get_logger("api")


async def place_order(
    request: Request,
    resources: Resources,
    admission: Admission,
    call: IdempotentCall,
    purchase: Purchase,
) -> Response:
    """Place an order, or give the answer that this key got before.

    Raises:
        InvalidRequestError, NotFoundError, ConflictError: before anything is written.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: nothing is promised yet; the same key finds the same order.
    """
    if purchase.cart is None:
        carts.check_lines(purchase.wanted.items, resources.settings.api)
    async with admission.turn(resources.settings.api.latency_budget_seconds) as seconds_left:
        return await _place(request, resources, call, purchase, seconds_left)


async def _place(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    purchase: Purchase,
    seconds_left: float,
) -> Response:
    wanted = purchase.wanted
    snapshot = await cart_snapshot(
        resources.database,
        skus=[item.sku for item in wanted.items],
        currency=wanted.currency,
        country=wanted.shipping_address.country,
        region=wanted.shipping_address.region,
        shipping_method=wanted.shipping_method,
        promotion_code=wanted.promotion_code,
        counted_as=counted_customer(call.caller_id, purchase.email),
        hold_id=wanted.hold_id,
        caller_id=call.caller_id,
        key=call.key,
    )
    if snapshot.record is not None:
        call.require_same(snapshot.record.request_hash)
        if snapshot.record.answer is not None:
            return replay(snapshot.record.answer)
        order_id = snapshot.record.resource_id
    else:
        with pointing_to_the_cart(purchase):
            priced = _check(resources, call, purchase, snapshot)
        short = carts.shortages(wanted.items, snapshot) if wanted.hold_id is None else []
        if short:
            return await _refuse_sold_out(request, resources, call, purchase, short)
        order_id = await _claim(resources, call, purchase, snapshot, priced)
    await _run(resources, order_id, call.caller_id, seconds_left)
    answer = await _answer(request, resources, order_id, purchase)
    if purchase.cart is not None and answer.status >= _REFUSED:
        await give_back(resources, purchase.cart.id)
    return await call.settle(resources.database, answer)


def _check(
    resources: Resources, call: IdempotentCall, purchase: Purchase, snapshot: CartSnapshot
) -> carts.PricedCart:
    require_orderable(purchase)
    wanted = purchase.wanted
    _provider(resources, wanted)
    priced = carts.price(
        wanted.items,
        snapshot,
        currency=wanted.currency,
        promotion_code=wanted.promotion_code,
    )
    carts.check_hold(wanted.items, snapshot, hold_id=wanted.hold_id, owner_id=call.caller_id)
    return priced


async def _refuse_sold_out(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    purchase: Purchase,
    short: list[Shortage],
) -> Response:
    """Say no without a workflow: there is nothing to reserve, so there is nothing to undo."""
    answer = refusal(request, OutOfStockError(short))
    if await call.claim_answered(resources.database, new_id(Prefix.ORDER), answer):
        CHECKOUTS.labels("failed").inc()
        return response_of(answer)
    return await _place(
        request, resources, call, purchase, resources.settings.api.latency_budget_seconds
    )


async def _claim(
    resources: Resources,
    call: IdempotentCall,
    purchase: Purchase,
    snapshot: CartSnapshot,
    priced: carts.PricedCart,
) -> str:
    wanted = purchase.wanted
    strategy = resources.settings.checkout.allocation
    claim = await claim_checkout(
        resources.database,
        caller_id=call.caller_id,
        key=call.key,
        request_hash=call.request_hash,
        order_id=new_id(Prefix.ORDER),
        cart=carts.draft_of(
            priced,
            shipping_method=wanted.shipping_method,
            shipping_address=wanted.shipping_address.model_dump(),
            provider=_provider(resources, wanted),
            payment_method=wanted.payment.payment_method,
            hold_id=wanted.hold_id,
            planned=carts.plan(
                wanted.items,
                snapshot,
                strategy=strategy,
                destination=Place(
                    country=wanted.shipping_address.country, region=wanted.shipping_address.region
                ),
            ),
            allocation=strategy,
            email=purchase.email,
        ),
        kept=purchase.cart_ref,
    )
    if claim is None:
        raise IdempotencyKeyReusedError("this key was used with another request")
    call.require_same(claim.request_hash)
    return claim.order_id


def _provider(resources: Resources, wanted: CheckoutRequest) -> str:
    return provider_for(
        resources,
        wanted.payment,
        currency=wanted.currency,
        country=wanted.shipping_address.country,
    )


async def _run(resources: Resources, order_id: str, customer_id: str, seconds_left: float) -> None:
    """Wait until the first answer is known, or the budget is used up."""
    try:
        await engine.start_and_update(
            resources.temporal,
            "CheckoutWorkflow",
            Checkout(order_id=order_id, customer_id=customer_id),
            workflow_id=workflow_ids.checkout(order_id),
            task_queue=TaskQueue.CHECKOUT,
            update="place",
            result_type=CheckoutAnswer,
            budget_seconds=seconds_left,
            search_attributes=search_attributes.of_order(order_id, customer_id),
            summary=f"Checkout of {order_id}",
        )
    except (NoAnswerYetError, WorkflowClosedError) as reason:
        # Either way the database knows more than we do.
        log.info("checkout without an answer", order_id=order_id, reason=type(reason).__name__)


async def _answer(
    request: Request, resources: Resources, order_id: str, purchase: Purchase
) -> StoredAnswer:
    customer_id = purchase.caller_id
    view = await find_order(resources.database, order_id, customer_id)
    location = f"/v1/orders/{order_id}"
    if view is None:
        draft = await find_draft(resources.database, order_id, customer_id, promised=False)
        if draft is None:
            raise UnavailableError("the order is not written yet")
        CHECKOUTS.labels("pending").inc()
        return StoredAnswer(status=202, body=to_json(draft_document(draft)), location=location)
    CHECKOUTS.labels(view.status).inc()
    if view.status == OrderStatus.FAILED:
        return refusal(request, failure_of(view))
    if view.status == OrderStatus.CONFIRMED:
        ORDERS_CONFIRMED.inc()
    status = 202 if view.status == OrderStatus.PENDING else 201
    return StoredAnswer(status=status, body=to_json(order_document(view)), location=location)


def failure_of(view: OrderView) -> OutOfStockError | ConflictError | PaymentDeclinedError:
    """Return why a checkout failed, as the problem that its caller gets."""
    failure = view.failure or {}
    if failure.get("code") == OutOfStockError.code:
        return OutOfStockError([Shortage(**item) for item in failure["items"]])
    if failure.get("code") == "promotion-unavailable":
        return ConflictError(f"the promotion {failure['promotion']} cannot be used any more")
    return PaymentDeclinedError(
        str(failure.get("decline_code") or failure.get("code") or "declined")
    )
