"""Promotions as staff see and make them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from api.schemas.base import (
    AT_EXAMPLE,
    MAX_INTEGER,
    CurrencyCode,
    Moment,
    Money,
    Schema,
    example,
    text,
)

MAX_TARGETS = 500
MAX_CURRENCIES = 50
_ID = "prm_01jd7x9k2me8kv1qzr5t0w3y4b"
_TERMS: dict[str, Any] = {
    "name": "10 % off the first order",
    "code": "WELCOME10",
    "kind": "percent",
    "scope": "order",
    "target_ids": [],
    "basis_points": 1000,
    "amounts": [],
    "buy_quantity": None,
    "get_quantity": None,
    "minimum_amounts": [{"amount": 2000, "currency": "USD"}],
    "starts_at": AT_EXAMPLE,
    "ends_at": None,
    "usage_limit": None,
    "usage_limit_per_customer": 1,
    "active": True,
}
_PROMOTION = {
    "id": _ID,
    **_TERMS,
    "used": 17,
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}


class Amount(Schema):
    """Integer minor units, at least one."""

    amount: Annotated[int, Field(strict=True, ge=1, le=MAX_INTEGER)]
    currency: CurrencyCode


Name = Annotated[str, text(200)]
Code = Annotated[str, text(64)]
Targets = Annotated[list[Annotated[str, text(64)]], Field(max_length=MAX_TARGETS)]
Amounts = Annotated[list[Amount], Field(max_length=MAX_CURRENCIES)]
Share = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Units = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Uses = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
Kind = Literal["percent", "fixed", "free_shipping", "buy_x_get_y"]
Scope = Literal["order", "product", "category"]
Reason = Annotated[str, text(500, 0)]


class PromotionTerms(Schema):
    """Without a code it applies by itself, with one to whoever gives it, once in an order.

    ``percent`` takes ``basis_points`` off; ``fixed`` an amount of ``amounts``; ``buy_x_get_y``
    reduces of each ``buy_quantity + get_quantity`` covered units the cheapest ``get_quantity``, by
    ``basis_points`` or to nothing; ``free_shipping`` takes the fee off when it covers any item.
    ``minimum_amounts`` is the least subtotal by currency; empty for any.
    """

    name: Name
    code: Code | None = None
    kind: Kind
    scope: Scope = "order"
    target_ids: Targets = Field(default_factory=list)
    basis_points: Share | None = None
    amounts: Amounts = Field(default_factory=list)
    buy_quantity: Units | None = None
    get_quantity: Units | None = None
    minimum_amounts: Amounts = Field(default_factory=list)
    starts_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    ends_at: AwareDatetime | None = None
    usage_limit: Uses | None = None
    usage_limit_per_customer: Uses | None = None
    active: bool = True


class NewPromotion(PromotionTerms):
    model_config = example({**_TERMS, "reason": "the spring campaign"})

    reason: Reason = ""


class PromotionChange(Schema):
    """What is sent is changed, the rest stays; the kind of a promotion never changes."""

    model_config = example({"active": False, "reason": "the campaign is over"})

    name: Name | None = None
    code: Code | None = None
    scope: Scope | None = None
    target_ids: Targets | None = None
    basis_points: Share | None = None
    amounts: Amounts | None = None
    buy_quantity: Units | None = None
    get_quantity: Units | None = None
    minimum_amounts: Amounts | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    usage_limit: Uses | None = None
    usage_limit_per_customer: Uses | None = None
    active: bool | None = None
    reason: Reason = ""


class Promotion(Schema):
    """``used`` counts the orders that use it now; those that failed or were canceled do not."""

    model_config = example(_PROMOTION)

    id: str
    name: str
    code: str | None
    kind: Kind
    scope: Scope
    target_ids: list[str]
    basis_points: int | None
    amounts: list[Money]
    buy_quantity: int | None
    get_quantity: int | None
    minimum_amounts: list[Money]
    starts_at: Moment
    ends_at: Moment | None
    usage_limit: int | None
    usage_limit_per_customer: int | None
    active: bool
    used: int
    created_at: Moment
    updated_at: Moment


class PromotionPage(Schema):
    model_config = example({"data": [_PROMOTION], "next_cursor": None})

    data: list[Promotion]
    next_cursor: str | None
