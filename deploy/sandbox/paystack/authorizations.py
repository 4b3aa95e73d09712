"""Saved authorizations: those for tests, and those that a paid page leaves behind."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from deploy.sandbox.documents import Json
from deploy.sandbox.paystack.context import AUTHORIZATION, Context
from deploy.sandbox.paystack.errors import PaystackError


@dataclass(frozen=True, kw_only=True)
class TestAuthorization:
    """`response` is the bank's answer to a charge; `refund` how its refunds end."""

    __test__ = False

    response: str = "Approved"
    declined: bool = False
    challenge: bool = False
    refund: str = "processed"
    disputed: bool = False


TEST_AUTHORIZATIONS = {
    "AUTH_test_success": TestAuthorization(),
    "AUTH_test_declined": TestAuthorization(response="Declined", declined=True),
    "AUTH_test_insufficient_funds": TestAuthorization(response="Insufficient Funds", declined=True),
    "AUTH_test_expired_card": TestAuthorization(response="Expired Card", declined=True),
    "AUTH_test_challenge": TestAuthorization(challenge=True),
    "AUTH_test_slow_refund": TestAuthorization(refund="pending"),
    "AUTH_test_disputed": TestAuthorization(disputed=True),
}
"""Each may be charged for any customer."""


def authorization_for(context: Context, code: str, email: str) -> TestAuthorization:
    """What a charge of the authorization does.

    Raises:
        PaystackError: there is none, or it belongs to another customer.
    """
    known = TEST_AUTHORIZATIONS.get(code)
    if known is not None:
        return known
    saved = context.find(AUTHORIZATION, code)
    if saved is None:
        raise PaystackError(
            "Authorization code does not exist or has been deactivated.",
            code="authorization_not_found",
        )
    if saved.private["email"] != email:
        raise PaystackError(
            "Email does not match Authorization code. Authorization may be inactive or belong to "
            "a different email. Please confirm.",
            code="invalid_authorization",
        )
    return TestAuthorization()


def save_authorization(context: Context, email: str) -> str:
    """A page that was paid leaves an authorization that can be charged again."""
    code = f"AUTH_{secrets.token_hex(5)}"
    context.add(AUTHORIZATION, code, {}, private={"email": email})
    return code


def shown(code: str) -> Json:
    """The authorization as a transaction shows it; the card is always the same one."""
    return {
        "authorization_code": code,
        "bin": "408408",
        "last4": "4081",
        "exp_month": "12",
        "exp_year": "2030",
        "channel": "card",
        "card_type": "visa ",
        "bank": "TEST BANK",
        "country_code": "NG",
        "brand": "visa",
        "reusable": True,
        "signature": f"SIG_{code.removeprefix('AUTH_')}",
        "account_name": None,
    }
