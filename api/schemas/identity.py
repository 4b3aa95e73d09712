"""Accounts and sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import AT_EXAMPLE, Email, Moment, Schema, example, text
from api.schemas.totp import TotpCode
from core.security import MAX_PASSWORD_LENGTH

_EXAMPLE_EMAIL = "ada@shop.perdure.dev"
_EXAMPLE_PASSWORD = "plum-kettle-orbit-42"  # noqa: S105  # an example in the documentation
_EXAMPLE_TOKEN = "nN0sYwq2mXo6yqv2o3cJm0m0kKp3vWQm2cQf0d1rXgA"  # noqa: S105


Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PASSWORD_LENGTH)]
Name = Annotated[str, text(200)]


class Registration(Schema):
    model_config = example(
        {"email": _EXAMPLE_EMAIL, "password": _EXAMPLE_PASSWORD, "name": "Ada Lovelace"}
    )

    email: Email
    password: Password
    name: Name


class Login(Schema):
    model_config = example({"email": _EXAMPLE_EMAIL, "password": _EXAMPLE_PASSWORD})

    email: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    password: Password
    totp_code: TotpCode | None = None


class RefreshRequest(Schema):
    model_config = example({"refresh_token": _EXAMPLE_TOKEN})

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Session(Schema):
    """``expires_in`` in seconds, of the access token."""

    model_config = example(
        {
            "access_token": "eyJhbGciOiJIUzI1NiIsImtpZCI6ImVtYmVkZGVkLTEifQ.e30.c2lnbmF0dXJl",
            "refresh_token": _EXAMPLE_TOKEN,
            "token_type": "Bearer",
            "expires_in": 3600,
        }
    )

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class User(Schema):
    model_config = example(
        {
            "id": "usr_01jd7x9k2me8kv1qzr5t0w3y4b",
            "email": _EXAMPLE_EMAIL,
            "name": "Ada Lovelace",
            "role": "customer",
            "vendor_id": None,
            "created_at": AT_EXAMPLE,
        }
    )

    id: str
    email: str
    name: str
    role: Literal["customer", "vendor", "staff"]
    vendor_id: str | None
    created_at: Moment


class ProfileChange(Schema):
    model_config = example({"name": "Ada King"})

    name: Annotated[Name | None, Field()] = None
