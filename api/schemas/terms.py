"""On which terms the shop sells: taxes and shipping, as staff see and set them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas.base import (
    ENUM_LIKE,
    MAX_INTEGER,
    CountryCode,
    CurrencyCode,
    Schema,
    example,
    text,
)

MAX_GRAMS = 10_000_000
_RULE = {"country": "US", "region": "CA", "basis_points": 725, "prices_include_tax": False}
_OPTION = {
    "method": "standard",
    "zone_id": "zon_01jd7x9k2me8kv1qzr5t0w3y4b",
    "currency": "USD",
    "from_grams": 0,
    "amount": 500,
}
_ETAG = '"6a0c4bb9f1d2e7c8"'
Reason = Annotated[str, text(500, 0)]
Region = Annotated[
    str,
    StringConstraints(pattern=r"^[^\u0000-\u001f\u007f-\u009f]*$", max_length=100, to_upper=True),
    Field(description="Upper case; empty for the whole country"),
]


class TaxRule(Schema):
    """The rate of a country, or of one of its regions, which goes before the country's.

    Rates are in basis points: 725 is 7.25 %.
    """

    model_config = example(_RULE)

    country: CountryCode
    region: Region = ""
    basis_points: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    prices_include_tax: bool = False


class TaxRuleRow(TaxRule):
    """``etag`` is for the `If-Match` of the next change."""

    model_config = example({**_RULE, "etag": _ETAG})

    etag: str


class TaxRuleChange(TaxRule):
    model_config = example({**_RULE, "reason": "the rate of January"})

    reason: Reason = ""


class TaxRulePage(Schema):
    model_config = example({"data": [{**_RULE, "etag": _ETAG}], "next_cursor": None})

    data: list[TaxRuleRow]
    next_cursor: str | None


class ShippingOption(Schema):
    """The fee of a method in a zone from a weight on, in minor units of the currency."""

    model_config = example(_OPTION)

    method: Annotated[str, StringConstraints(pattern=ENUM_LIKE)]
    zone_id: Annotated[str, text(64)]
    currency: CurrencyCode
    from_grams: Annotated[int, Field(strict=True, ge=0, le=MAX_GRAMS)] = 0
    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)]


class ShippingOptionRow(ShippingOption):
    """``etag`` is for the `If-Match` of the next change."""

    model_config = example({**_OPTION, "etag": _ETAG})

    etag: str


class ShippingOptionChange(ShippingOption):
    model_config = example({**_OPTION, "reason": "the carrier's new tariff"})

    reason: Reason = ""


class ShippingOptionPage(Schema):
    model_config = example({"data": [{**_OPTION, "etag": _ETAG}], "next_cursor": None})

    data: list[ShippingOptionRow]
    next_cursor: str | None
