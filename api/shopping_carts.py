"""Carts that are kept here: found for their owners, changed under their lock, given back.

Each change is one transaction that locks the cart's row, so two at once add up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from api.cart_recovery import MISSING, give_back, lifetime_of, own_cart
from api.carts import check_lines, refuse
from api.preconditions import require_match
from api.schemas.checkout import Item
from core.domain.errors import (
    FieldError,
    InvalidStateError,
    NotFoundError,
)
from core.domain.ids import Prefix, new_id
from core.guest_tokens import hash_cart_token, new_cart_token
from core.resources import Resources
from models.carts import CartStatus
from models.repositories import cart_views, carts
from models.repositories.cart_views import CartView, CartVisitor
from models.repositories.carts import LockedCart

Work = Callable[[AsyncSession, LockedCart], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """``token`` is known now and never again; None when the cart belongs to an account."""

    cart: CartView
    token: str | None
    is_new: bool


async def make_cart(
    resources: Resources, visitor: CartVisitor, *, currency: str, items: Sequence[Item]
) -> Made:
    """Make a guest's cart, or return the customer's only one, with the items added to it.

    Raises:
        InvalidRequestError: names every item at fault; then nothing is made.
    """
    check_lines(items, resources.settings.api)
    cart_id, token, is_new = new_id(Prefix.CART), None, True
    async with resources.database.transaction() as session:
        if visitor.customer_id is None:
            token = new_cart_token()
            await carts.add(
                session,
                cart_id=cart_id,
                token_hash=hash_cart_token(token),
                currency=currency,
                lifetime_seconds=resources.settings.cart.guest_seconds,
            )
        else:
            cart_id, is_new = await own_cart(resources, session, visitor.customer_id, currency)
        await _add_all(resources, session, cart_id, items)
        if items and not is_new:
            await carts.touch(session, cart_id, resources.settings.cart.customer_seconds)
    return Made(cart=await view(resources, cart_id), token=token, is_new=is_new)


async def find_cart(resources: Resources, cart_id: str, visitor: CartVisitor) -> CartView:
    """Return a cart of the visitor's; one whose order came to nothing is given back first.

    Raises:
        NotFoundError: not there, somebody else's, expired, or merged into another one.
    """
    cart = await cart_views.find_cart(resources.database, cart_id)
    if cart is not None and cart.is_of(visitor) and cart.order_failed:
        await give_back(resources, cart_id)
        cart = await cart_views.find_cart(resources.database, cart_id)
    if cart is None or not _is_there(cart, visitor):
        raise NotFoundError(MISSING)
    return cart


async def change_cart(
    resources: Resources,
    cart_id: str,
    visitor: CartVisitor,
    if_match: str | None,
    work: Work,
) -> CartView:
    """Do ``work`` on a locked cart and return how it is afterwards.

    Raises:
        NotFoundError: as for ``find_cart``.
        InvalidStateError: it is ordered.
        PreconditionFailedError: it is not the version that the caller has seen.
    """
    await find_cart(resources, cart_id, visitor)
    async with resources.database.transaction() as session:
        cart = (await carts.lock(session, cart_id)).get(cart_id)
        if cart is None or not _is_there(cart, visitor):
            raise NotFoundError(MISSING)
        require_match(if_match, cart.version)
        if cart.status is not CartStatus.ACTIVE:
            raise InvalidStateError(present=cart.status, wanted="a change")
        await work(session, cart)
        await carts.touch(session, cart_id, lifetime_of(resources, cart.customer_id))
    return await view(resources, cart_id)


async def add_item(resources: Resources, session: AsyncSession, cart_id: str, item: Item) -> None:
    """Add units to a line, or a line to the cart.

    Raises:
        InvalidRequestError: not on sale, or more than a line or a cart may have.
    """
    await _require_on_sale(session, [item], pointers=["/sku"])
    limit = resources.settings.api.max_quantity
    if item.quantity > limit or (
        await carts.add_units(session, cart_id, item.sku, item.quantity) > limit
    ):
        refuse([FieldError(pointer="/quantity", detail=f"at most {limit} units")])
    await _require_room(resources, session, cart_id, pointer="/sku")


async def set_item(
    resources: Resources, session: AsyncSession, cart_id: str, sku: str, quantity: int
) -> None:
    """Give a line exactly so many units; zero takes it out.

    Raises:
        NotFoundError: a new line of what is not on sale.
        InvalidRequestError: more than a line or a cart may have.
    """
    if quantity == 0:
        await carts.remove_line(session, cart_id, sku)
        return
    limit = resources.settings.api.max_quantity
    if quantity > limit:
        refuse([FieldError(pointer="/quantity", detail=f"at most {limit} units")])
    if sku not in await carts.lines(session, cart_id) and not await carts.on_sale(session, [sku]):
        raise NotFoundError("there is no such SKU")
    await carts.set_units(session, cart_id, sku, quantity)
    await _require_room(resources, session, cart_id, pointer="/path/sku")


async def view(resources: Resources, cart_id: str) -> CartView:
    """Return a cart that the caller has just changed."""
    cart = await cart_views.find_cart(resources.database, cart_id)
    if cart is None:
        raise NotFoundError(MISSING)
    return cart


async def _add_all(
    resources: Resources, session: AsyncSession, cart_id: str, items: Sequence[Item]
) -> None:
    if not items:
        return
    pointers = [f"/items/{position}" for position in range(len(items))]
    await _require_on_sale(session, items, pointers=[f"{pointer}/sku" for pointer in pointers])
    limit = resources.settings.api.max_quantity
    refuse(
        [
            FieldError(pointer=f"{pointer}/quantity", detail=f"at most {limit} units")
            for item, pointer in zip(items, pointers, strict=True)
            if await carts.add_units(session, cart_id, item.sku, item.quantity) > limit
        ]
    )
    await _require_room(resources, session, cart_id, pointer="/items")


async def _require_on_sale(
    session: AsyncSession, items: Sequence[Item], *, pointers: Sequence[str]
) -> None:
    known = await carts.on_sale(session, [item.sku for item in items])
    refuse(
        [
            FieldError(pointer=pointer, detail="no such SKU is on sale")
            for item, pointer in zip(items, pointers, strict=True)
            if item.sku not in known
        ]
    )


async def _require_room(
    resources: Resources, session: AsyncSession, cart_id: str, *, pointer: str
) -> None:
    limit = resources.settings.api.max_cart_lines
    if len(await carts.lines(session, cart_id)) > limit:
        refuse([FieldError(pointer=pointer, detail=f"at most {limit} lines")])


def _is_there(cart: CartView | LockedCart, visitor: CartVisitor) -> bool:
    theirs = visitor.owns(customer_id=cart.customer_id, token_hash=cart.token_hash)
    return theirs and not cart.expired and cart.status is not CartStatus.MERGED
