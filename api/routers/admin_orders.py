"""What staff change about anybody's order before it leaves."""

from __future__ import annotations

from fastapi import Request, Response

from api.auth import MoneyWriter, OrdersWriter
from api.cancellation import cancel_order, cancel_request
from api.dependencies import OrderId, Res
from api.idempotency import Idempotent
from api.json_route import router
from api.openapi import problems
from api.order_changes import change_order
from api.payments import WantedRefund, refund_order
from api.schemas.order_changes import EditRequest, ReviewDecision, WithReason
from api.schemas.orders import CancelRequest, Order
from api.schemas.payments import RefundRequest
from core.security import Principal
from workflows.messages import EditRequest as Edit
from workflows.messages import ReviewRequest
from workflows.ports.stock import WantedItem

api = router("staff")

_CHANGE = {
    202: {"model": Order, "description": "Under way; track it"},
    **problems(
        "not-authenticated",
        "forbidden",
        "not-found",
        "idempotency-key-missing",
        "idempotency-key-reused",
        "invalid-state",
    ),
}


@api.post("/admin/orders/{id}/cancel", response_model=Order, responses=_CHANGE)
async def cancel_any_order(
    *,
    request: Request,
    staff: OrdersWriter,
    order_id: OrderId,
    call: Idempotent,
    resources: Res,
    wanted: CancelRequest,
) -> Response:
    """Cancel an order, or items of it, until it is handed over."""
    return await cancel_order(
        request,
        resources,
        call,
        order_id,
        cancel_request(wanted, actor=_actor(staff)),
        customer_id=None,
    )


@api.post(
    "/admin/orders/{id}/edits",
    response_model=Order,
    responses={**_CHANGE, **problems("payment-declined", "out-of-stock", "invalid-state")},
)
async def edit_order(
    *,
    request: Request,
    staff: OrdersWriter,
    order_id: OrderId,
    call: Idempotent,
    resources: Res,
    wanted: EditRequest,
) -> Response:
    """Change the quantities of an order that has not left, or add to it.

    What it costs more is authorized first, with the customer's payment method; what it costs less
    is let go or refunded.
    """
    edit = Edit(
        actor=_actor(staff),
        reason=wanted.reason,
        changes=[WantedItem(sku=one.sku, quantity=one.quantity) for one in wanted.changes],
    )
    return await change_order(request, resources, call, order_id, update="edit", wanted=edit)


@api.post("/admin/orders/{id}/refund", response_model=Order, responses=_CHANGE)
async def refund_any_order(
    *,
    request: Request,
    staff: MoneyWriter,
    order_id: OrderId,
    call: Idempotent,
    resources: Res,
    wanted: RefundRequest,
) -> Response:
    """Give money back: an amount, the price of some units, or everything that is left.

    Never more than was captured and is not refunded yet; each key has one effect.
    """
    return await refund_order(
        request,
        resources,
        call,
        order_id,
        WantedRefund(
            actor=_actor(staff),
            reason=wanted.reason,
            amount=wanted.amount,
            units={item.item_id: item.quantity for item in wanted.items or ()},
        ),
    )


@api.post("/admin/orders/{id}/hold", response_model=Order, responses=_CHANGE)
async def hold_order(
    *,
    request: Request,
    staff: OrdersWriter,
    order_id: OrderId,
    call: Idempotent,
    resources: Res,
    wanted: WithReason,
) -> Response:
    """Let nothing of an order leave until it is released."""
    asked = ReviewRequest(actor=_actor(staff), reason=wanted.reason)
    return await change_order(request, resources, call, order_id, update="hold", wanted=asked)


@api.post("/admin/orders/{id}/release", response_model=Order, responses=_CHANGE)
async def release_order(
    *,
    request: Request,
    staff: OrdersWriter,
    order_id: OrderId,
    call: Idempotent,
    resources: Res,
    wanted: WithReason,
) -> Response:
    """Let a held order go on."""
    asked = ReviewRequest(actor=_actor(staff), reason=wanted.reason)
    return await change_order(request, resources, call, order_id, update="release", wanted=asked)


@api.post("/admin/orders/{id}/review", response_model=Order, responses=_CHANGE)
async def review_order(
    *,
    request: Request,
    staff: OrdersWriter,
    order_id: OrderId,
    call: Idempotent,
    resources: Res,
    wanted: ReviewDecision,
) -> Response:
    """Decide about an order that a rule or a person held: let it go on, or cancel it."""
    asked = ReviewRequest(
        actor=_actor(staff), reason=wanted.reason, approve=wanted.decision == "approve"
    )
    return await change_order(request, resources, call, order_id, update="review", wanted=asked)


def _actor(staff: Principal) -> str:
    return staff.actor
