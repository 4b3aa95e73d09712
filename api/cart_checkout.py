"""What a checkout orders and for whom: a list of items, or a cart that is kept here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from api.carts import refuse
from api.guests import is_guest
from api.schemas.checkout import CheckoutRequest, Item
from core.domain.errors import (
    ConflictError,
    FieldError,
    InvalidRequestError,
    NotAuthenticatedError,
    NotFoundError,
)
from core.resources import Resources
from models.carts import CartStatus
from models.repositories import cart_views
from models.repositories.cart_views import CartView, CartVisitor
from models.repositories.drafts import CartRef


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """``wanted`` with the items to order; ``caller_id`` is the customer, or a guest's cart."""

    wanted: CheckoutRequest
    cart: CartView | None
    caller_id: str

    @property
    def cart_ref(self) -> CartRef | None:
        return CartRef(id=self.cart.id, version=self.cart.version) if self.cart else None

    @property
    def by_guest(self) -> bool:
        return is_guest(self.caller_id)

    @property
    def email(self) -> str | None:
        """Where a guest is written to; a customer's account knows that itself."""
        return self.wanted.email if self.by_guest else None


async def purchase_of(
    resources: Resources, visitor: CartVisitor, wanted: CheckoutRequest
) -> Purchase:
    """Find the cart, if one is meant, and who asks.

    Whether it can be ordered is another question (``require_orderable``): the answer of a key that
    was used before is given again whatever became of the cart.

    Raises:
        InvalidRequestError: neither items nor a cart, or both; a guest without an e-mail address.
        NotAuthenticatedError: neither an account nor a cart.
        NotFoundError: no such cart, or somebody else's.
    """
    if wanted.cart_id is None:
        if visitor.customer_id is None:
            raise NotAuthenticatedError("an access token is needed, or a cart with its token")
        if not wanted.items:
            refuse([FieldError(pointer="/items", detail="required, unless there is a cart_id")])
        return Purchase(wanted=wanted, cart=None, caller_id=visitor.customer_id)
    if wanted.items:
        refuse([FieldError(pointer="/cart_id", detail="either items or a cart, not both")])
    if visitor.customer_id is None and wanted.email is None:
        refuse([FieldError(pointer="/email", detail="required without an account")])
    cart = await cart_views.find_cart(resources.database, wanted.cart_id)
    if cart is None or not cart.is_of(visitor):
        raise NotFoundError("there is no such cart")
    ordered = wanted.model_copy(
        update={
            "items": [Item.model_construct(sku=i.sku, quantity=i.quantity) for i in cart.items],
            "promotion_code": wanted.promotion_code or cart.promotion_code,
        }
    )
    return Purchase(wanted=ordered, cart=cart, caller_id=visitor.customer_id or cart.id)


def require_orderable(purchase: Purchase) -> None:
    """Refuse a cart that cannot be ordered now.

    Raises:
        NotFoundError: expired, or merged into another one.
        ConflictError: ordered already.
        InvalidRequestError: empty, or in another currency.
    """
    cart = purchase.cart
    if cart is None:
        return
    if cart.expired or cart.status is CartStatus.MERGED:
        raise NotFoundError("there is no such cart")
    if cart.status is CartStatus.ORDERED:
        raise ConflictError(f"the cart is ordered already: {cart.order_id}")
    errors = []
    if not cart.items:
        errors.append(FieldError(pointer="/cart_id", detail="the cart is empty"))
    if cart.currency != purchase.wanted.currency:
        errors.append(FieldError(pointer="/currency", detail=f"the cart is in {cart.currency}"))
    refuse(errors)


@contextmanager
def pointing_to_the_cart(purchase: Purchase) -> Iterator[None]:
    """Let errors of a cart's lines point to what the caller sent.

    Raises:
        InvalidRequestError: the same, with other pointers.
    """
    try:
        yield
    except InvalidRequestError as error:
        if purchase.cart is None:
            raise
        raise InvalidRequestError([_of_cart(e, purchase.wanted) for e in error.errors]) from error


def _of_cart(error: FieldError, wanted: CheckoutRequest) -> FieldError:
    parts = error.pointer.split("/")
    if parts[1] != "items":
        return error
    position = parts[2] if len(parts) > 2 else ""  # noqa: PLR2004  # "", "items", the position
    sku = f"{wanted.items[int(position)].sku}: " if position.isdigit() else ""
    return FieldError(pointer="/cart_id", detail=f"{sku}{error.detail}")
