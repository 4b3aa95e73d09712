"""From a list of items to a paid order in one call."""

from __future__ import annotations

from fastapi import Request, Response

from api.cart_checkout import purchase_of
from api.checkout import place_order
from api.dependencies import AdmissionDep, Res
from api.guests import CartBuyer, with_order_token
from api.idempotency import IdempotencyKey, call_of
from api.json_route import router
from api.openapi import problems
from api.schemas.checkout import CheckoutRequest
from api.schemas.orders import Order

api = router("checkout")

_PROBLEMS = problems(
    "not-authenticated",
    "not-found",
    "conflict",
    "idempotency-key-missing",
    "idempotency-key-reused",
    "out-of-stock",
    "payment-declined",
)


@api.post(
    "/checkouts",
    status_code=201,
    response_model=Order,
    responses={202: {"model": Order, "description": "Goes on by itself; track it"}, **_PROBLEMS},
)
async def create_checkout(
    *,
    request: Request,
    wanted: CheckoutRequest,
    buyer: CartBuyer,
    key: IdempotencyKey,
    resources: Res,
    admission: AdmissionDep,
) -> Response:
    """Reserve the stock, authorize the payment and confirm the order, or leave no trace.

    With `status: requires_action` the bank asks for a challenge (`next_action`); the stock stays
    reserved until its deadline. 202 means that something did not answer in time: the order goes on
    by itself, and `Location` tells how it stands.

    Without an account: `cart_id` with its `Cart-Token`, and `email`. The answer's `tracking_token`
    opens the order from then on, in the header `Order-Token`.
    """
    purchase = await purchase_of(resources, buyer, wanted)
    call = await call_of(request, key, purchase.caller_id)
    answer = await place_order(request, resources, admission, call, purchase)
    return with_order_token(request, answer) if purchase.by_guest else answer
