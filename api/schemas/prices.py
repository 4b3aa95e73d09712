"""Prices as those who sell write and read them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from api.schemas.base import MONEY_EXAMPLE, CurrencyCode, Moment, Money, Schema, example, text
from core.domain.money import MAX_AMOUNT

Reason = Annotated[str, text(500, 0)]


class WrittenPrice(Schema):
    """The price of one unit in integer minor units."""

    model_config = example(MONEY_EXAMPLE)

    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]
    currency: CurrencyCode


Prices = Annotated[list[WrittenPrice], Field(max_length=50)]


class WrittenPeriod(Schema):
    """A price from ``starts_at`` (else now) until before ``ends_at`` (else for good)."""

    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]
    currency: CurrencyCode
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class PricesChange(Schema):
    """All prices of a variant; a period needs a price in its currency to go back to."""

    model_config = example(
        {
            "prices": [MONEY_EXAMPLE],
            "periods": [
                {
                    "amount": 1499,
                    "currency": "USD",
                    "starts_at": "2026-11-27T00:00:00Z",
                    "ends_at": "2026-11-30T00:00:00Z",
                }
            ],
        }
    )

    prices: Annotated[list[WrittenPrice], Field(min_length=1, max_length=50)]
    periods: Annotated[list[WrittenPeriod], Field(max_length=100)] = Field(default_factory=list)
    reason: Reason = ""


class Period(Schema):
    id: str
    amount: int
    currency: CurrencyCode
    starts_at: Moment
    ends_at: Moment | None


class VariantPrices(Schema):
    """``periods`` are those that run or will; ``version`` is the product's."""

    model_config = example(
        {
            "variant_id": "var_01jd7x9k2me8kv1qzr5t0w3y4b",
            "prices": [MONEY_EXAMPLE],
            "periods": [
                {
                    "id": "prc_01jd7x9k2me8kv1qzr5t0w3y4b",
                    "amount": 1499,
                    "currency": "USD",
                    "starts_at": "2026-11-27T00:00:00Z",
                    "ends_at": "2026-11-30T00:00:00Z",
                }
            ],
            "version": 3,
        }
    )

    variant_id: str
    prices: list[Money]
    periods: list[Period]
    version: int
