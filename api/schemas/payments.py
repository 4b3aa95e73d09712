"""Money that goes back, and money that is asked for once more."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from api.schemas.base import MAX_INTEGER, NO_CONTROLS, Quantity, Schema, example
from api.schemas.checkout import PaymentChoice

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
MAX_ITEMS = 100


class RefundItem(Schema):
    item_id: Annotated[str, StringConstraints(max_length=64, pattern=NO_CONTROLS)]
    quantity: Quantity


class RefundRequest(Schema):
    """An `amount` (minor units), units of `items`, or neither: everything that is left."""

    model_config = example({"amount": 500, "reason": "a scratch on the box"})

    amount: Annotated[int, Field(strict=True, ge=1, le=MAX_INTEGER)] | None = None
    items: Annotated[list[RefundItem], Field(min_length=1, max_length=MAX_ITEMS)] | None = None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_CONTROLS)]

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.amount is not None and self.items is not None:
            raise ValueError("either an amount or items, not both")
        ids = [item.item_id for item in self.items or ()]
        if len(ids) != len(set(ids)):
            raise ValueError("each item once")
        return self


class PaymentRequest(Schema):
    """Another payment method for an order whose authorization has lapsed."""

    model_config = example(
        {"payment": {"provider": "stripe", "payment_method": "pm_card_mastercard"}}
    )

    payment: PaymentChoice
