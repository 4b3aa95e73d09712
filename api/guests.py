"""Those who buy without an account: a cart's token to buy, an order's token to follow it.

A guest's orders belong to the cart that they were bought with: its id stands where a customer's
would, for the owner of the order and for the scope of the Idempotency-Key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyHeader

from api.auth import AccessToken, anyone, signed_in
from api.auth import Visitor as SomebodyOrNobody
from api.context import context_of
from api.dependencies import OrderId, Res, ReturnId
from api.idempotency import IdempotencyKey, IdempotentCall, call_of
from api.json_route import JsonResponse
from core.domain.errors import NotAuthenticatedError, NotFoundError
from core.domain.ids import Prefix, is_id
from core.domain.permissions import Permission
from core.guest_tokens import OrderTokens
from models.repositories import order_views, return_views
from models.repositories.cart_views import CartVisitor

_cart_token = APIKeyHeader(
    name="Cart-Token",
    scheme_name="CartToken",
    description="The `token` of a guest's cart, told once when it is made",
    auto_error=False,
)
_order_token = APIKeyHeader(
    name="Order-Token",
    scheme_name="OrderToken",
    description="The `tracking_token` of a guest's order",
    auto_error=False,
)
CartToken = Annotated[str | None, Security(_cart_token)]
OrderToken = Annotated[str | None, Security(_order_token)]


async def _cart_visitor(
    principal: SomebodyOrNobody, _: AccessToken, token: CartToken
) -> CartVisitor:
    return CartVisitor(customer_id=principal.user_id if principal else None, token=token)


async def _cart_buyer(
    visitor: Annotated[CartVisitor, Depends(_cart_visitor)],
) -> CartVisitor:
    """Require an account or a cart's token; whether it fits is seen with the cart.

    Raises:
        NotAuthenticatedError: neither.
    """
    if visitor.customer_id is None and visitor.token is None:
        raise NotAuthenticatedError("an access token is needed, or a cart with its token")
    return visitor


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Whose orders may be read and acted on: a customer's id, or the id of a guest's cart."""

    customer_id: str
    is_staff: bool = False
    """Of staff, and may read everybody's orders."""

    impersonator_id: str | None = None

    @property
    def actor(self) -> str:
        return _named(self.customer_id, self.impersonator_id)


async def _order_reader(
    request: Request, order_id: OrderId, resources: Res, _: AccessToken, token: OrderToken
) -> Reader:
    """Let the customer in, or whoever has the order's token.

    Raises:
        NotAuthenticatedError: neither of the two tokens is there.
        NotFoundError: the token is another order's.
    """
    if token is None:
        return await _with_account(request)
    owner_id = None
    if await _is_token_of(request, order_id, token):
        owner_id = await order_views.owner_of(resources.database, order_id)
    return _guest(owner_id)


async def _return_reader(
    request: Request, return_id: ReturnId, resources: Res, _: AccessToken, token: OrderToken
) -> Reader:
    """Let the customer in, or whoever has the token of the order that the return belongs to.

    Raises:
        NotAuthenticatedError, NotFoundError: as for the order itself.
    """
    if token is None:
        return await _with_account(request)
    found = await return_views.find_return(resources.database, return_id, customer_id=None)
    if found is None or not await _is_token_of(request, found.order_id, token):
        return _guest(None)
    return _guest(found.customer_id)


async def _with_account(request: Request) -> Reader:
    principal = await signed_in(request, None)
    return Reader(
        customer_id=principal.user_id,
        is_staff=principal.is_staff_with(Permission.ORDERS_READ),
        impersonator_id=principal.impersonator_id,
    )


async def _is_token_of(request: Request, order_id: str, token: str) -> bool:
    await anyone(request)
    tokens: OrderTokens = request.app.state.order_tokens
    return tokens.matches(order_id, token)


def _guest(owner_id: str | None) -> Reader:
    """Return the guest who owns it; the token of a customer's order opens nothing.

    Raises:
        NotFoundError: nobody, or a customer.
    """
    if owner_id is None or not is_guest(owner_id):
        raise NotFoundError("there is nothing under this id")
    return Reader(customer_id=owner_id)


OrderReader = Annotated[Reader, Depends(_order_reader)]
ReturnReader = Annotated[Reader, Depends(_return_reader)]


async def _order_call(request: Request, reader: OrderReader, key: IdempotencyKey) -> IdempotentCall:
    return await call_of(request, key, reader.customer_id)


async def _return_call(
    request: Request, reader: ReturnReader, key: IdempotencyKey
) -> IdempotentCall:
    return await call_of(request, key, reader.customer_id)


Visitor = Annotated[CartVisitor, Depends(_cart_visitor)]
CartBuyer = Annotated[CartVisitor, Depends(_cart_buyer)]
OrderCall = Annotated[IdempotentCall, Depends(_order_call)]
"""``Idempotent`` for whoever may act on the order in the path."""
ReturnCall = Annotated[IdempotentCall, Depends(_return_call)]
"""The same for the return in the path."""


def with_order_token(request: Request, answer: Response) -> Response:
    """Tell a guest the order's token: it is made for each answer, and kept in none."""
    if "location" not in answer.headers:
        return answer
    order = orjson.loads(answer.body)
    tokens: OrderTokens = request.app.state.order_tokens
    told = JsonResponse({**order, "tracking_token": tokens.issue(order["id"])}, answer.status_code)
    for name in ("location", "idempotency-replayed"):
        if name in answer.headers:
            told.headers[name] = answer.headers[name]
    return told


def is_guest(customer_id: str) -> bool:
    """Tell whether orders of this owner are a guest's."""
    return is_id(Prefix.CART, customer_id)


def acting(request: Request, customer_id: str) -> str:
    """Return how a deed for this owner appears in a timeline, with whoever of staff does it."""
    principal = context_of(request.scope).principal
    return _named(customer_id, principal.impersonator_id if principal else None)


def _named(customer_id: str, impersonator_id: str | None) -> str:
    who = actor_of(customer_id)
    return f"staff:{impersonator_id} as {who}" if impersonator_id else who


def actor_of(customer_id: str) -> str:
    """Return how the owner of an order appears in its timeline."""
    return "guest" if is_guest(customer_id) else f"customer:{customer_id}"
