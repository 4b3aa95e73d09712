"""Carts, for customers and for guests with a cart's token."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from api import cart_recovery, shopping_carts
from api.auth import SignedIn
from api.cart_documents import cart_document
from api.dependencies import CartId, Res, Sku
from api.guests import CartToken, Visitor
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.preconditions import IfMatch, etag
from api.schemas.carts import (
    Cart,
    CartChange,
    CartItemChange,
    CartPromotion,
    MadeCart,
    NewCart,
    NewCartItem,
)
from api.schemas.checkout import Item
from core.domain.errors import FieldError, InvalidRequestError, NotFoundError
from models.repositories import carts
from models.repositories.cart_views import CartView
from models.repositories.carts import LockedCart

api = router("carts")

_OWN = problems("not-authenticated", "not-found")
_CHANGE: dict[int | str, dict[str, Any]] = _OWN | problems("invalid-state", "precondition-failed")


@api.post(
    "/carts",
    status_code=201,
    response_model=MadeCart,
    responses={
        200: {"model": MadeCart, "description": "The customer's cart, which was there already"},
        **problems("not-authenticated"),
    },
)
async def create_cart(wanted: NewCart, visitor: Visitor, resources: Res) -> Response:
    """Make a guest's cart, or give a customer the one that they have, with the items added."""
    made = await shopping_carts.make_cart(
        resources, visitor, currency=wanted.currency, items=wanted.items
    )
    document = cart_document(made.cart)
    if made.token is not None:
        document["token"] = made.token
    response = JsonResponse(document, 201 if made.is_new else 200)
    response.headers["Location"] = f"/v1/carts/{made.cart.id}"
    response.headers["ETag"] = etag(made.cart.version)
    return response


@api.get("/carts/{id}", response_model=Cart, responses=_OWN)
async def get_cart(cart_id: CartId, visitor: Visitor, resources: Res) -> Response:
    """Return a cart at today's prices, with what keeps its lines from being ordered."""
    return _answer(await shopping_carts.find_cart(resources, cart_id, visitor))


@api.patch("/carts/{id}", response_model=Cart, responses=_CHANGE)
async def change_cart(
    cart_id: CartId,
    change: CartChange,
    visitor: Visitor,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change the currency."""

    async def work(session: AsyncSession, cart: LockedCart) -> None:
        await carts.set_currency(session, cart.id, change.currency)

    return _answer(await shopping_carts.change_cart(resources, cart_id, visitor, if_match, work))


@api.post("/carts/{id}/items", response_model=Cart, responses=_CHANGE)
async def add_cart_item(
    cart_id: CartId,
    wanted: NewCartItem,
    visitor: Visitor,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Add units; those that are in the cart already stay. `If-Match` makes a retry safe."""

    async def work(session: AsyncSession, cart: LockedCart) -> None:
        item = Item(sku=wanted.sku, quantity=wanted.quantity)
        await shopping_carts.add_item(resources, session, cart.id, item)

    return _answer(await shopping_carts.change_cart(resources, cart_id, visitor, if_match, work))


@api.put("/carts/{id}/items/{sku}", response_model=Cart, responses=_CHANGE)
async def set_cart_item(
    *,
    cart_id: CartId,
    sku: Sku,
    change: CartItemChange,
    visitor: Visitor,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Have exactly so many units of a SKU in the cart; zero takes it out."""

    async def work(session: AsyncSession, cart: LockedCart) -> None:
        await shopping_carts.set_item(resources, session, cart.id, sku, change.quantity)

    return _answer(await shopping_carts.change_cart(resources, cart_id, visitor, if_match, work))


@api.patch("/carts/{id}/items/{sku}", response_model=Cart, responses=_CHANGE)
async def change_cart_item(
    *,
    cart_id: CartId,
    sku: Sku,
    change: CartItemChange,
    visitor: Visitor,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change the units of a line that is there; zero takes it out."""

    async def work(session: AsyncSession, cart: LockedCart) -> None:
        if sku not in await carts.lines(session, cart.id):
            raise NotFoundError("this SKU is not in the cart")
        await shopping_carts.set_item(resources, session, cart.id, sku, change.quantity)

    return _answer(await shopping_carts.change_cart(resources, cart_id, visitor, if_match, work))


@api.delete("/carts/{id}/items/{sku}", response_model=Cart, responses=_CHANGE)
async def remove_cart_item(
    cart_id: CartId, sku: Sku, visitor: Visitor, resources: Res, if_match: IfMatch = None
) -> Response:
    """Take a line out."""

    async def work(session: AsyncSession, cart: LockedCart) -> None:
        if not await carts.remove_line(session, cart.id, sku):
            raise NotFoundError("this SKU is not in the cart")

    return _answer(await shopping_carts.change_cart(resources, cart_id, visitor, if_match, work))


@api.put("/carts/{id}/promotion", response_model=Cart, responses=_CHANGE)
async def set_cart_promotion(
    cart_id: CartId,
    wanted: CartPromotion,
    visitor: Visitor,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Keep a code for the checkout, which checks whether this order may have it."""

    async def work(session: AsyncSession, cart: LockedCart) -> None:
        if not await carts.has_promotion(session, wanted.code):
            raise InvalidRequestError([FieldError(pointer="/code", detail="no such promotion")])
        await carts.set_promotion(session, cart.id, wanted.code)

    return _answer(await shopping_carts.change_cart(resources, cart_id, visitor, if_match, work))


@api.delete("/carts/{id}/promotion", response_model=Cart, responses=_CHANGE)
async def remove_promotion(
    cart_id: CartId, visitor: Visitor, resources: Res, if_match: IfMatch = None
) -> Response:
    """Take the code out; without one nothing changes."""

    async def work(session: AsyncSession, cart: LockedCart) -> None:
        await carts.set_promotion(session, cart.id, None)

    return _answer(await shopping_carts.change_cart(resources, cart_id, visitor, if_match, work))


@api.post(
    "/carts/{id}/merge",
    response_model=Cart,
    responses=_OWN | problems("invalid-state"),
)
async def merge_cart(
    cart_id: CartId,
    principal: SignedIn,
    resources: Res,
    token: CartToken = None,
) -> Response:
    """Add a guest's cart to the caller's own and return that; asking again changes nothing."""
    own_id = await cart_recovery.merge_cart(
        resources, cart_id, customer_id=principal.user_id, token=token
    )
    return _answer(await shopping_carts.view(resources, own_id))


def _answer(cart: CartView) -> Response:
    response = JsonResponse(cart_document(cart))
    response.headers["ETag"] = etag(cart.version)
    return response
