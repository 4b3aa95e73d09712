"""What a customer asks for: quotes, holds and checkouts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from api.schemas.base import (
    AT_EXAMPLE,
    ENUM_LIKE,
    CountryCode,
    CurrencyCode,
    Email,
    Moment,
    Money,
    Quantity,
    Schema,
    Sku,
    example,
    text,
)
from core.domain.card_numbers import holds_card_number

MAX_LINES = 1000
"""A bound for the parser; the limit of a cart is ``api.max_cart_lines``."""
ADDRESS_EXAMPLE = {
    "name": "Ada Lovelace",
    "line1": "12 Analytical Way",
    "line2": None,
    "city": "Portland",
    "region": "OR",
    "postal_code": "97201",
    "country": "US",
    "phone": None,
}
_ITEMS = [{"sku": "TEE-BLK-M", "quantity": 2}]
_HOLD_ID = "hld_01jd7x9k2me8kv1qzr5t0w3y4b"


def _money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "USD"}


class Item(Schema):
    sku: Sku
    quantity: Quantity


Items = Annotated[list[Item], Field(min_length=1, max_length=MAX_LINES)]
ItemsUnlessCart = Annotated[
    list[Item],
    BeforeValidator(lambda value: [] if value is None else value),
    Field(max_length=MAX_LINES, default_factory=list),
]
ShippingMethod = Annotated[str, StringConstraints(pattern=ENUM_LIKE), Field(examples=["standard"])]
PromotionCode = Annotated[str, text(64)]


class Address(Schema):
    """Where a parcel goes."""

    name: Annotated[str, text(200)]
    line1: Annotated[str, text(200)]
    line2: Annotated[str, text(200, 0)] | None = None
    city: Annotated[str, text(100)]
    region: Annotated[str, text(100, 0)] | None = None
    postal_code: Annotated[str, text(32, 0)] | None = None
    country: CountryCode
    phone: Annotated[str, text(32, 0)] | None = None


class QuoteAddress(Schema):
    """The country decides the tax; the rest may follow later."""

    name: Annotated[str, text(200, 0)] | None = None
    line1: Annotated[str, text(200, 0)] | None = None
    line2: Annotated[str, text(200, 0)] | None = None
    city: Annotated[str, text(100, 0)] | None = None
    region: Annotated[str, text(100, 0)] | None = None
    postal_code: Annotated[str, text(32, 0)] | None = None
    country: CountryCode
    phone: Annotated[str, text(32, 0)] | None = None


class QuoteRequest(Schema):
    model_config = example(
        {
            "items": _ITEMS,
            "currency": "USD",
            "shipping_address": ADDRESS_EXAMPLE,
            "shipping_method": "standard",
            "promotion_code": None,
        }
    )

    items: Items
    currency: CurrencyCode
    shipping_address: QuoteAddress
    shipping_method: ShippingMethod
    promotion_code: PromotionCode | None = None


class Backordered(Schema):
    """Units that wait for stock; ``promised_at`` is when they are expected to leave."""

    quantity: int
    promised_at: Moment | None


class QuoteLine(Schema):
    """``backordered`` tells what would have to wait if it were ordered now."""

    sku: str
    name: str
    quantity: int
    unit_price: Money
    total: Money
    discount: Money
    tax: Money
    backordered: Backordered | None = None


class AppliedPromotion(Schema):
    """What a promotion takes off, goods and shipping together; without a code it is automatic."""

    code: str | None
    name: str
    amount: Money


class Quote(Schema):
    """Prices hold until ``expires_at``, unless the catalogue changes; stock is not promised.

    ``total = subtotal - discount + shipping + tax``. Where prices contain the tax, ``tax`` is zero
    and ``included_tax`` tells how much of the total it is; the tax of an item is told either way.
    """

    model_config = example(
        {
            "items": [
                {
                    "sku": "TEE-BLK-M",
                    "name": "Plain tee - Black, M",
                    "quantity": 2,
                    "unit_price": _money(1999),
                    "total": _money(3998),
                    "discount": _money(400),
                    "tax": _money(288),
                    "backordered": None,
                }
            ],
            "subtotal": _money(3998),
            "discount": _money(400),
            "shipping": _money(500),
            "tax": _money(328),
            "included_tax": _money(0),
            "total": _money(4426),
            "promotions": [
                {"code": "WELCOME10", "name": "10 % off", "amount": _money(400)},
            ],
            "expires_at": AT_EXAMPLE,
        }
    )

    items: list[QuoteLine]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    included_tax: Money
    total: Money
    promotions: list[AppliedPromotion]
    expires_at: Moment


def _no_card_number(value: object) -> object:
    if isinstance(value, str) and holds_card_number(value):
        raise ValueError(
            "a card number is not taken: send the token that the payment provider gave for it"
        )
    return value


class PaymentChoice(Schema):
    """``payment_method`` is the provider's token, never a card.

    Without a ``provider`` the shop's rules choose one by currency and country; for a further
    payment it is the order's. At Paystack the method is a saved authorization (``AUTH_…``), or
    ``checkout`` for its own page.
    """

    provider: (
        Annotated[str, StringConstraints(pattern=ENUM_LIKE), Field(examples=["stripe"])] | None
    ) = None
    payment_method: Annotated[
        str,
        BeforeValidator(_no_card_number),
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$"),
        Field(examples=["pm_card_visa"]),
    ]


class CheckoutRequest(Schema):
    """Either ``items`` or ``cart_id``; a guest gives the cart, its ``Cart-Token`` and ``email``.

    The ``email`` of somebody with an account is not looked at: the account has one.
    """

    model_config = example(
        {
            "items": _ITEMS,
            "currency": "USD",
            "shipping_address": ADDRESS_EXAMPLE,
            "shipping_method": "standard",
            "payment": {"provider": "stripe", "payment_method": "pm_card_visa"},
            "cart_id": None,
            "email": None,
            "hold_id": None,
            "promotion_code": None,
        }
    )

    items: ItemsUnlessCart
    cart_id: Annotated[str, text(64)] | None = None
    currency: CurrencyCode
    email: Email | None = None
    shipping_address: Address
    shipping_method: ShippingMethod
    payment: PaymentChoice
    hold_id: Annotated[str, text(64)] | None = None
    promotion_code: PromotionCode | None = None


class HoldRequest(Schema):
    model_config = example({"items": _ITEMS, "ttl_seconds": 600})

    items: Items
    ttl_seconds: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]


class Hold(Schema):
    """Units kept until ``expires_at``, unless a checkout consumes them first."""

    model_config = example(
        {"id": _HOLD_ID, "status": "active", "expires_at": AT_EXAMPLE, "items": _ITEMS}
    )

    id: str
    status: Literal["active", "consumed", "released", "expired"]
    expires_at: Moment
    items: list[Item]
