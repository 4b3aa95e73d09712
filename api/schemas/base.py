"""Shapes that every schema shares."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

NO_CONTROLS = r"^[^\u0000-\u001f\u007f-\u009f]*$"
"""No control characters: PostgreSQL stores no NUL, and labels, logs and mails want none."""
COUNTRY = r"^[A-Z]{2}$"
CURRENCY = r"^[A-Z]{3}$"
ENUM_LIKE = r"^[a-z0-9][a-z0-9_-]{0,63}$"
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON client reads exactly."""

Sku = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
    Field(examples=["TEE-BLK-M"]),
]
Quantity = Annotated[int, Field(strict=True, ge=1, le=MAX_INTEGER, examples=[2])]
CountryCode = Annotated[str, StringConstraints(pattern=COUNTRY), Field(examples=["US"])]
CurrencyCode = Annotated[str, StringConstraints(pattern=CURRENCY), Field(examples=["USD"])]


def text(maximum: int, minimum: int = 1) -> Any:
    """Return constraints of a line of text."""
    return StringConstraints(min_length=minimum, max_length=maximum, pattern=NO_CONTROLS)


def example(*values: dict[str, Any]) -> ConfigDict:
    """Return a model's configuration with its examples; unknown fields are refused."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [*values]})


def normal_email(value: str) -> str:
    """Return an address in its normal form; no DNS, so that the answer depends on nobody.

    Raises:
        ValueError: it is not written like an address.
    """
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None


Email = Annotated[
    str, StringConstraints(min_length=3, max_length=254), AfterValidator(normal_email)
]


class Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


MONEY_EXAMPLE = {"amount": 1999, "currency": "USD"}
AT_EXAMPLE = "2026-11-22T09:30:00.000000Z"
Moment = datetime


class Money(Schema):
    """Integer minor units of an ISO 4217 currency: 1999 USD is 19.99 dollars."""

    model_config = example(MONEY_EXAMPLE)

    amount: int
    currency: CurrencyCode


class FieldProblem(Schema):
    """``pointer`` is a JSON pointer into the body, or starts with /query, /path or /header."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """RFC 9457; some kinds carry more members, such as ``items`` or ``decline_code``."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldProblem] | None = None
