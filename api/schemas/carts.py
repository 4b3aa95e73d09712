"""Carts that are kept here."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import (
    AT_EXAMPLE,
    MAX_INTEGER,
    CurrencyCode,
    Moment,
    Money,
    Quantity,
    Schema,
    Sku,
    example,
)
from api.schemas.checkout import MAX_LINES, Item, PromotionCode

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_ITEM = {"sku": "TEE-BLK-M", "quantity": 2}
_CART = {
    "id": f"crt_{_ID}",
    "status": "active",
    "currency": "USD",
    "items": [
        {
            **_ITEM,
            "name": "Plain tee - Black, M",
            "unit_price": {"amount": 1999, "currency": "USD"},
            "total": {"amount": 3998, "currency": "USD"},
            "available": 1,
            "problems": [{"code": "not-enough-stock", "detail": "only 1 available"}],
        }
    ],
    "subtotal": {"amount": 3998, "currency": "USD"},
    "promotion_code": None,
    "order_id": None,
    "expires_at": AT_EXAMPLE,
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}


class NewCart(Schema):
    model_config = example({"currency": "USD", "items": [_ITEM]})

    currency: CurrencyCode
    items: Annotated[list[Item], Field(max_length=MAX_LINES, default_factory=list)]


class CartChange(Schema):
    model_config = example({"currency": "EUR"})

    currency: CurrencyCode


class NewCartItem(Schema):
    model_config = example(_ITEM)

    sku: Sku
    quantity: Quantity


class CartItemChange(Schema):
    """Zero takes the line out."""

    model_config = example({"quantity": 3})

    quantity: Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER, examples=[3])]


class CartPromotion(Schema):
    model_config = example({"code": "WELCOME10"})

    code: PromotionCode


class CartProblemCode(StrEnum):
    NOT_ON_SALE = "not-on-sale"
    NOT_ENOUGH_STOCK = "not-enough-stock"
    NO_PRICE = "no-price-in-currency"


class CartProblem(Schema):
    """Why a line cannot be ordered as it is."""

    code: CartProblemCode
    detail: str


class CartItem(Schema):
    """``unit_price`` and ``total`` are null without a price in the cart's currency."""

    sku: str
    name: str | None
    quantity: int
    unit_price: Money | None
    total: Money | None
    available: int
    problems: list[CartProblem]


class Cart(Schema):
    """``subtotal`` adds up the lines that can be bought; shipping, tax and discounts come later."""

    model_config = example(_CART)

    id: str
    status: Literal["active", "ordered"]
    currency: CurrencyCode
    items: list[CartItem]
    subtotal: Money
    promotion_code: str | None
    order_id: str | None
    expires_at: Moment
    created_at: Moment
    updated_at: Moment


class MadeCart(Cart):
    """``token`` is told once, and only for a guest's cart: send it as ``Cart-Token``."""

    model_config = example({**_CART, "token": "nN0sYwq2mXo6yqv2o3cJm0m0kKp3vWQm2cQf0d1rXgA"})

    token: str | None = None
