"""Accounts and sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from api.schemas.base import AT_EXAMPLE, Email, Moment, Schema, example, normal_email, text
from api.schemas.totp import TotpCode
from core.phone_numbers import e164
from core.security import MAX_PASSWORD_LENGTH

_EXAMPLE_EMAIL = "ada@shop.perdure.dev"
_EXAMPLE_PASSWORD = "plum-kettle-orbit-42"  # noqa: S105  # an example in the documentation
_EXAMPLE_LINK = "msg_01jd7x9k2me8kv1qzr5t0w3y4b.nN0sYwq2mXo6yqv2o3cJm0m0kKp3vWQm2cQf0d1rXgA"
_SESSION = {
    "id": "ses_01jd7x9k2me8kv1qzr5t0w3y4b",
    "method": "password",
    "device": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "address": "203.0.113.7",
    "impersonator_id": None,
    "reason": "",
    "current": True,
    "created_at": AT_EXAMPLE,
    "last_used_at": AT_EXAMPLE,
    "expires_at": "2026-12-22T09:30:00.000000Z",
}
_EXAMPLE_TOKEN = "nN0sYwq2mXo6yqv2o3cJm0m0kKp3vWQm2cQf0d1rXgA"  # noqa: S105  # an example too


Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PASSWORD_LENGTH)]
Name = Annotated[str, text(200)]
Phone = Annotated[str, text(32), AfterValidator(e164)]
OneTimeToken = Annotated[str, text(200)]
OneTimeCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


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
            "expires_in": 900,
        }
    )

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class EmailAddress(Schema):
    model_config = example({"email": _EXAMPLE_EMAIL})

    email: Email


class EmailToken(Schema):
    """What the link in the message has behind ``#token=``."""

    model_config = example({"token": _EXAMPLE_LINK})

    token: OneTimeToken


class PasswordReset(Schema):
    model_config = example({"token": _EXAMPLE_LINK, "password": _EXAMPLE_PASSWORD})

    token: OneTimeToken
    password: Password


class PasswordChange(Schema):
    """``current_password`` may be left out by those who have none yet."""

    model_config = example(
        {"current_password": _EXAMPLE_PASSWORD, "password": "orbit-plum-kettle-77"}
    )

    current_password: Password | None = None
    password: Password


class CodeRequest(Schema):
    """``to`` is an e-mail address, or a number with the code of its country."""

    model_config = example(
        {"channel": "sms", "to": "+447400123456"}, {"channel": "email", "to": _EXAMPLE_EMAIL}
    )

    channel: Literal["email", "sms"]
    to: Annotated[str, StringConstraints(min_length=3, max_length=254)]

    @field_validator("to")
    @classmethod
    def _in_normal_form(cls, value: str, info: ValidationInfo) -> str:
        match info.data.get("channel"):
            case "email":
                return normal_email(value)
            case "sms":
                return e164(value)
        return value


class CodeProof(CodeRequest):
    model_config = example({"channel": "sms", "to": "+447400123456", "code": "042137"})

    code: OneTimeCode
    totp_code: TotpCode | None = None


class PhoneProof(Schema):
    """The code that was sent to the number."""

    model_config = example({"phone": "+447400123456", "code": "042137"})

    phone: Phone
    code: OneTimeCode


class User(Schema):
    """``email`` and ``phone`` are those that sign in; a new one counts when it is proved."""

    model_config = example(
        {
            "id": "usr_01jd7x9k2me8kv1qzr5t0w3y4b",
            "email": _EXAMPLE_EMAIL,
            "email_verified": True,
            "phone": None,
            "name": "Ada Lovelace",
            "role": "customer",
            "vendor_id": None,
            "created_at": AT_EXAMPLE,
        }
    )

    id: str
    email: str | None
    email_verified: bool
    phone: str | None
    name: str
    role: Literal["customer", "vendor", "staff"]
    vendor_id: str | None
    created_at: Moment


class ProfileChange(Schema):
    """What is sent is changed; ``current_password`` goes with a new ``email`` or ``phone``.

    A link goes to a new ``email`` and a code to a new ``phone``: they count when they are proved.
    """

    model_config = example(
        {"name": "Ada King"},
        {"email": "ada@king.perdure.dev", "current_password": _EXAMPLE_PASSWORD},
    )

    name: Annotated[Name | None, Field()] = None
    email: Email | None = None
    phone: Phone | None = None
    current_password: Password | None = None


class SignedInSession(Schema):
    """A sign-in that lasts; ``impersonator_id`` is who of staff acts as the account, for support.

    ``current`` marks the one that asks.
    """

    model_config = example(_SESSION)

    id: str
    method: Literal["password", "otp", "google", "impersonation"]
    device: str
    address: str
    impersonator_id: str | None
    reason: str
    current: bool
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment


class SessionPage(Schema):
    model_config = example({"data": [_SESSION], "next_cursor": None})

    data: list[SignedInSession]
    next_cursor: str | None
