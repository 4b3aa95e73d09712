"""Confirming a payment intent: charge it, decline it, or ask the customer's bank first."""

from __future__ import annotations

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.attempts import close_challenge, open_attempt
from deploy.sandbox.stripe.cards import AUTHENTICATION_REQUIRED, Decline, TestCard
from deploy.sandbox.stripe.charges import make_charge
from deploy.sandbox.stripe.context import PAYMENT_METHOD, Context, new_id
from deploy.sandbox.stripe.customers import test_card_of
from deploy.sandbox.stripe.disputes import dispute_if_the_card_does
from deploy.sandbox.stripe.errors import StripeError

AUTHENTICATION_FAILURE = (
    "We are unable to authenticate your payment method. Please choose a different payment method "
    "and try again."
)


def confirm_intent(
    context: Context, intent: Json, *, off_session: bool, return_url: str | None
) -> None:
    """Attempt the payment with the intent's payment method and save the outcome.

    Raises:
        StripeError: The card was declined; the failed charge and the changed intent are kept.
    """
    card = test_card_of(context, intent["payment_method"])
    if card.challenge and not off_session:
        _ask_bank(context, intent, return_url=return_url)
        return
    decline = AUTHENTICATION_REQUIRED if card.challenge else card.decline
    charge = make_charge(context, intent, card, decline=decline, challenged=False)
    intent["latest_charge"] = charge["id"]
    if decline is None:
        _authorize(context, intent)
        open_attempt(context, intent, status=intent["status"], charge=charge["id"])
        _announce_success(context, intent, charge)
        return
    open_attempt(context, intent, status="failed", charge=charge["id"])
    raise _record_decline(context, intent, charge, decline)


def pass_challenge(context: Context, intent: Json) -> None:
    """The customer proved who they are: the charge is attempted now."""
    card: TestCard = test_card_of(context, intent["payment_method"])
    charge = make_charge(context, intent, card, decline=card.decline, challenged=True)
    intent |= {"latest_charge": charge["id"], "next_action": None}
    if card.decline is None:
        _authorize(context, intent)
        close_challenge(context, intent, status=intent["status"], charge=charge["id"])
        _announce_success(context, intent, charge)
        return
    close_challenge(context, intent, status="failed", charge=charge["id"])
    _record_decline(context, intent, charge, card.decline)


def fail_challenge(context: Context, intent: Json) -> None:
    """The customer did not pass: another payment method is needed."""
    error = StripeError(
        AUTHENTICATION_FAILURE,
        code="payment_intent_authentication_failure",
        payment_method=context.fetch(PAYMENT_METHOD, intent["payment_method"]),
    ).error
    close_challenge(context, intent, status="failed", charge=None)
    _require_payment_method(context, intent, error)


def _ask_bank(context: Context, intent: Json, *, return_url: str | None) -> None:
    if return_url is None:
        action: Json = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "type": "three_d_secure_redirect",
                "source": new_id("src"),
                "stripe_js": f"https://hooks.stripe.com/redirect/{intent['id']}",
            },
        }
    else:
        action = {
            "type": "redirect_to_url",
            "redirect_to_url": {
                "return_url": return_url,
                "url": f"https://hooks.stripe.com/3d_secure_2/hosted?intent={intent['id']}",
            },
        }
    intent |= {"status": "requires_action", "next_action": action, "last_payment_error": None}
    context.transaction.documents.save(intent)
    open_attempt(context, intent, status="requires_action", charge=None)
    context.emit("payment_intent.requires_action", intent)


def _authorize(context: Context, intent: Json) -> None:
    intent["last_payment_error"] = None
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    else:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    context.transaction.documents.save(intent)


def _announce_success(context: Context, intent: Json, charge: Json) -> None:
    context.emit("charge.succeeded", charge)
    if intent["status"] == "requires_capture":
        context.emit("payment_intent.amount_capturable_updated", intent)
    else:
        context.emit("payment_intent.succeeded", intent)
        dispute_if_the_card_does(context, charge)


def _record_decline(context: Context, intent: Json, charge: Json, decline: Decline) -> StripeError:
    card_error = {
        "code": decline.code,
        "error_type": "card_error",
        "param": decline.param,
        "decline_code": decline.decline_code,
        "charge": charge["id"],
        "payment_method": context.fetch(PAYMENT_METHOD, charge["payment_method"]),
    }
    recorded = StripeError(decline.message, **card_error).error
    context.emit("charge.failed", charge)
    _require_payment_method(context, intent, recorded)
    return StripeError(
        decline.message,
        status=402,
        executed=True,
        keeps_effects=True,
        payment_intent=intent,
        **card_error,
    )


def _require_payment_method(context: Context, intent: Json, error: Json) -> None:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
    }
    context.transaction.documents.save(intent)
    context.emit("payment_intent.payment_failed", intent)
