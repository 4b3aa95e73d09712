"""Stripe's test payment methods and what each does (docs.stripe.com/testing)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Decline:
    """`code` and `decline_code` as in Stripe's card errors."""

    code: str
    decline_code: str | None
    message: str
    param: str | None = None


@dataclass(frozen=True, kw_only=True)
class TestCard:
    """`decline` happens when charged, after the challenge if there is one.

    `refund` is the state in which a refund to the card begins; `dispute` is the reason for which
    its bank disputes the charge, or only asks about it in an `inquiry`.
    """

    brand: str
    last4: str
    challenge: bool = False
    decline: Decline | None = None
    refund: str = "succeeded"
    dispute: str | None = None
    inquiry: bool = False


GENERIC = Decline(
    code="card_declined", decline_code="generic_decline", message="Your card was declined."
)
INSUFFICIENT_FUNDS = Decline(
    code="card_declined",
    decline_code="insufficient_funds",
    message="Your card has insufficient funds.",
)
AUTHENTICATION_REQUIRED = Decline(
    code="authentication_required",
    decline_code="authentication_required",
    message="Your card was declined. This transaction requires authentication.",
)


def _declined(decline_code: str) -> Decline:
    return Decline(
        code="card_declined", decline_code=decline_code, message="Your card was declined."
    )


TEST_CARDS: dict[str, TestCard] = {
    "pm_card_visa": TestCard(brand="visa", last4="4242"),
    "pm_card_visa_debit": TestCard(brand="visa", last4="5556"),
    "pm_card_mastercard": TestCard(brand="mastercard", last4="4444"),
    "pm_card_mastercard_debit": TestCard(brand="mastercard", last4="3222"),
    "pm_card_mastercard_prepaid": TestCard(brand="mastercard", last4="5100"),
    "pm_card_amex": TestCard(brand="amex", last4="8431"),
    "pm_card_discover": TestCard(brand="discover", last4="9424"),
    "pm_card_diners": TestCard(brand="diners", last4="3237"),
    "pm_card_jcb": TestCard(brand="jcb", last4="0505"),
    "pm_card_unionpay": TestCard(brand="unionpay", last4="0005"),
    "pm_card_visa_chargeDeclined": TestCard(brand="visa", last4="0002", decline=GENERIC),
    "pm_card_visa_chargeDeclinedInsufficientFunds": TestCard(
        brand="visa", last4="9995", decline=INSUFFICIENT_FUNDS
    ),
    "pm_card_visa_chargeDeclinedLostCard": TestCard(
        brand="visa", last4="9987", decline=_declined("lost_card")
    ),
    "pm_card_visa_chargeDeclinedStolenCard": TestCard(
        brand="visa", last4="9979", decline=_declined("stolen_card")
    ),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": TestCard(
        brand="visa", last4="6975", decline=_declined("card_velocity_exceeded")
    ),
    "pm_card_chargeDeclinedFraudulent": TestCard(
        brand="visa", last4="0019", decline=_declined("fraudulent")
    ),
    "pm_card_chargeCustomerFail": TestCard(brand="visa", last4="0341", decline=GENERIC),
    "pm_card_chargeDeclinedExpiredCard": TestCard(
        brand="visa",
        last4="0069",
        decline=Decline(
            code="expired_card",
            decline_code="expired_card",
            message="Your card has expired.",
            param="exp_month",
        ),
    ),
    "pm_card_chargeDeclinedIncorrectCvc": TestCard(
        brand="visa",
        last4="0127",
        decline=Decline(
            code="incorrect_cvc",
            decline_code="incorrect_cvc",
            message="Your card's security code is incorrect.",
            param="cvc",
        ),
    ),
    "pm_card_chargeDeclinedProcessingError": TestCard(
        brand="visa",
        last4="0119",
        decline=Decline(
            code="processing_error",
            decline_code="processing_error",
            message="An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
    "pm_card_pendingRefund": TestCard(brand="visa", last4="7726", refund="pending"),
    "pm_card_createDispute": TestCard(brand="visa", last4="0259", dispute="fraudulent"),
    "pm_card_createDisputeProductNotReceived": TestCard(
        brand="visa", last4="2685", dispute="product_not_received"
    ),
    "pm_card_createDisputeInquiry": TestCard(
        brand="visa", last4="1976", dispute="fraudulent", inquiry=True
    ),
    "pm_card_authenticationRequired": TestCard(brand="visa", last4="3155", challenge=True),
    "pm_card_authenticationRequiredOnSetup": TestCard(brand="visa", last4="3184", challenge=True),
    "pm_card_threeDSecureRequired": TestCard(brand="visa", last4="3063", challenge=True),
    "pm_card_threeDSecure2Required": TestCard(brand="visa", last4="3220", challenge=True),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": TestCard(
        brand="visa", last4="8260", challenge=True, decline=INSUFFICIENT_FUNDS
    ),
    "pm_card_threeDSecureRequiredChargeDeclined": TestCard(
        brand="visa", last4="8446", challenge=True, decline=GENERIC
    ),
}

_ALIASES = {
    # Stripe documents these declines with and without the brand; both are in use.
    "pm_card_visa_chargeDeclinedExpiredCard": "pm_card_chargeDeclinedExpiredCard",
    "pm_card_visa_chargeDeclinedIncorrectCvc": "pm_card_chargeDeclinedIncorrectCvc",
    "pm_card_visa_chargeDeclinedProcessingError": "pm_card_chargeDeclinedProcessingError",
    "pm_card_visa_chargeDeclinedFraudulent": "pm_card_chargeDeclinedFraudulent",
    "pm_card_chargeDeclined": "pm_card_visa_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds": "pm_card_visa_chargeDeclinedInsufficientFunds",
}
TEST_CARDS |= {alias: TEST_CARDS[name] for alias, name in _ALIASES.items()}
