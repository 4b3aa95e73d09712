"""What staff change about orders, and the rules that hold orders for review."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from api.schemas.base import (
    AT_EXAMPLE,
    MAX_INTEGER,
    NO_CONTROLS,
    CountryCode,
    CurrencyCode,
    Moment,
    Schema,
    Sku,
    example,
    text,
)
from api.schemas.checkout import ADDRESS_EXAMPLE, Address
from models.oversight import ReviewKind

_RULE = {
    "name": "large orders",
    "kind": "amount",
    "currency": "USD",
    "amount": 100_000,
    "country": None,
    "orders": None,
    "window_seconds": None,
    "active": True,
}
_SHOWN_RULE = {"id": "rul_01jd7x9k2me8kv1qzr5t0w3y4b", **_RULE, "created_at": AT_EXAMPLE}
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_CONTROLS)]


class NewAddress(Address):
    """Where the parcels shall go instead."""

    model_config = example(ADDRESS_EXAMPLE)


class WithReason(Schema):
    """Why; it is told in the timeline and in the audit log."""

    model_config = example({"reason": "the card's country differs from the parcel's"})

    reason: Reason


class ReviewDecision(Schema):
    """Let a held order go on, or cancel it."""

    model_config = example({"decision": "approve", "reason": "the customer called back"})

    decision: Literal["approve", "reject"]
    reason: Reason


class Change(Schema):
    sku: Sku
    quantity: Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER, examples=[2])]
    """The quantity that the order shall have; 0 takes the item off."""


class EditRequest(Schema):
    """For each SKU the quantity that the order shall have; SKUs that are not named stay."""

    model_config = example(
        {
            "changes": [{"sku": "TEE-BLK-M", "quantity": 3}],
            "reason": "the customer wants one more",
        }
    )

    changes: Annotated[list[Change], Field(min_length=1, max_length=100)]
    reason: Reason


class ReviewRuleRequest(Schema):
    """What an order is held for.

    ``amount``: a total above it, in a currency. ``country``: where it goes. ``velocity``: more than
    so many orders of one customer within the window.
    """

    model_config = example(_RULE)

    name: Annotated[str, text(100)]
    kind: ReviewKind
    currency: CurrencyCode | None = None
    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)] | None = None
    country: CountryCode | None = None
    orders: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    window_seconds: Annotated[int, Field(strict=True, ge=1, le=366 * 86_400)] | None = None
    active: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {
            ReviewKind.AMOUNT: {"currency", "amount"},
            ReviewKind.COUNTRY: {"country"},
            ReviewKind.VELOCITY: {"orders", "window_seconds"},
        }
        limits = {"currency", "amount", "country", "orders", "window_seconds"}
        given = {name for name in limits if getattr(self, name) is not None}
        if given != needed[self.kind]:
            raise ValueError(f"needs exactly {', '.join(sorted(needed[self.kind]))}")
        return self


class ReviewRuleChange(Schema):
    model_config = example({"active": False, "reason": "too many false alarms"})

    name: Annotated[str, text(100)] | None = None
    active: bool | None = None
    reason: Reason


class ReviewRule(Schema):
    model_config = example(_SHOWN_RULE)

    id: str
    name: str
    kind: ReviewKind
    currency: str | None
    amount: int | None
    country: str | None
    orders: int | None
    window_seconds: int | None
    active: bool
    created_at: Moment


class ReviewRuleList(Schema):
    model_config = example({"data": [_SHOWN_RULE], "next_cursor": None})

    data: list[ReviewRule]
    next_cursor: str | None
