"""Carts that change hands: a guest's at sign-in, and one whose order came to nothing.

Whoever makes, merges or gives back the cart of a customer first takes the lock of that customer,
so that there is never more than one; only then the rows, in the order of their ids.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id, new_id
from core.domain.statuses import OrderStatus, PaymentStatus
from core.resources import Resources
from models.carts import CartStatus
from models.repositories import cart_views, carts, checkout
from models.repositories.cart_views import CartVisitor
from models.repositories.carts import LockedCart
from workflows import workflow_ids

MISSING = "there is no such cart"
_GIVEN_UP = (
    TimelineEntry(type=OrderEvent.PLACED, title="Order placed", actor="customer"),
    TimelineEntry(type=OrderEvent.FAILED, title="Order failed", detail="it was never begun"),
)


async def own_cart(
    resources: Resources, session: AsyncSession, customer_id: str, currency: str
) -> tuple[str, bool]:
    """Return the id of the customer's only active cart, and whether it was made now."""
    own_id = await carts.lock_customer(session, customer_id)
    locked = await carts.lock(session, own_id) if own_id else {}
    return await _own_of(
        resources, session, locked.get(own_id or ""), customer_id=customer_id, currency=currency
    )


async def merge_cart(
    resources: Resources, cart_id: str, *, customer_id: str, token: str | None
) -> str:
    """Add a guest's cart to the customer's and return that one's id; once is enough.

    Raises:
        NotFoundError: not there, not with this token, expired, or merged into somebody else's.
        InvalidStateError: it is ordered.
    """
    visitor = CartVisitor(customer_id=None, token=token)
    seen = await cart_views.find_cart(resources.database, cart_id)
    if seen is not None and seen.is_of(visitor) and seen.order_failed:
        await give_back(resources, cart_id)
    async with resources.database.transaction() as session:
        own_id = await carts.lock_customer(session, customer_id)
        locked = await carts.lock(session, *filter(None, (cart_id, own_id)))
        cart = locked.get(cart_id)
        if cart is None or not _may_merge(cart, visitor, customer_id):
            raise NotFoundError(MISSING)
        if cart.status is CartStatus.ORDERED:
            raise InvalidStateError(present=cart.status, wanted="merged")
        into_id, _ = await _own_of(
            resources,
            session,
            locked.get(own_id or ""),
            customer_id=customer_id,
            currency=cart.currency,
        )
        if cart.status is CartStatus.ACTIVE:
            await _merge(resources, session, cart, into_id=into_id, customer_id=customer_id)
    return into_id


async def give_back(resources: Resources, cart_id: str) -> None:
    """Make a cart active again whose order came to nothing; harmless in every other case.

    A customer who has begun another cart meanwhile finds the units there.
    """
    seen = await cart_views.find_cart(resources.database, cart_id)
    if seen is None or not seen.order_failed:
        return
    async with resources.database.transaction() as session:
        customer_id = seen.customer_id
        own_id = await carts.lock_customer(session, customer_id) if customer_id else None
        locked = await carts.lock(session, *filter(None, (cart_id, own_id)))
        cart, own = locked.get(cart_id), locked.get(own_id or "")
        if cart is None or not cart.order_failed:
            return
        if cart.order_id is not None and not cart.opened:
            await _give_up_draft(session, cart.order_id)
        if customer_id is not None and own is not None and await _lives(session, own):
            await _merge(resources, session, cart, into_id=own.id, customer_id=customer_id)
            return
        await carts.reopen(session, cart_id)
        await carts.touch(session, cart_id, lifetime_of(resources, customer_id))


def lifetime_of(resources: Resources, customer_id: str | None) -> int:
    """Return how many seconds a cart lives after a change."""
    cart = resources.settings.cart
    return cart.guest_seconds if customer_id is None else cart.customer_seconds


async def _own_of(
    resources: Resources,
    session: AsyncSession,
    own: LockedCart | None,
    *,
    customer_id: str,
    currency: str,
) -> tuple[str, bool]:
    if own is not None and await _lives(session, own):
        return own.id, False
    made_id = new_id(Prefix.CART)
    await carts.add(
        session,
        cart_id=made_id,
        customer_id=customer_id,
        currency=currency,
        lifetime_seconds=resources.settings.cart.customer_seconds,
    )
    return made_id, True


async def _lives(session: AsyncSession, own: LockedCart) -> bool:
    """Tell whether a customer's cart still counts; an expired one makes room for the next."""
    if own.expired:
        await carts.delete(session, own.id)
    return own.status is CartStatus.ACTIVE and not own.expired


def _may_merge(cart: LockedCart, visitor: CartVisitor, customer_id: str) -> bool:
    """Tell whether it is the guest's who asks; a merged one is known to its customer only."""
    if cart.expired or not visitor.owns(customer_id=None, token_hash=cart.token_hash):
        return False
    return cart.status is not CartStatus.MERGED or cart.customer_id == customer_id


async def _merge(
    resources: Resources, session: AsyncSession, cart: LockedCart, *, into_id: str, customer_id: str
) -> None:
    limits = resources.settings.api
    await carts.merge(
        session,
        cart,
        into_id=into_id,
        customer_id=customer_id,
        max_quantity=limits.max_quantity,
        max_lines=limits.max_cart_lines,
    )
    await carts.touch(session, into_id, lifetime_of(resources, customer_id))


async def _give_up_draft(session: AsyncSession, order_id: str) -> None:
    """Fail an order that nobody was told about before anything opens it."""
    draft = await checkout.lock_draft(session, order_id)
    if draft is None or draft["opened"]:
        return
    parameters = checkout.opening(
        order_id=order_id,
        payment_id=derived_id(Prefix.PAYMENT, order_id, 1),
        workflow_id=workflow_ids.checkout(order_id),
        entries=_GIVEN_UP,
        status=OrderStatus.FAILED,
        payment_status=PaymentStatus.VOIDED,
        failure={"code": "given-up"},
    )
    await checkout.open_without_stock(session, parameters)
