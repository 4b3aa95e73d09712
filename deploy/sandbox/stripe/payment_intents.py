"""Payment intents: created, updated and confirmed."""

from __future__ import annotations

import re
import secrets

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.confirmation import confirm_intent
from deploy.sandbox.stripe.context import CUSTOMER, PAYMENT_INTENT, Context, new_id
from deploy.sandbox.stripe.customers import resolve_payment_method
from deploy.sandbox.stripe.errors import StripeError, unexpected_state
from deploy.sandbox.stripe.parameters import Parameters
from deploy.sandbox.stripe.settlement import lapse_if_due

_TEXTS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")
_DETAILS = {
    *_TEXTS,
    "amount",
    "currency",
    "customer",
    "metadata",
    "payment_method",
    "payment_method_options",
    "payment_method_types",
    "setup_future_usage",
    "shipping",
    "transfer_group",
}
_CONFIRMATION = {"off_session", "return_url", "error_on_requires_action", "mandate_data"}
_CREATION = {"automatic_payment_methods", "capture_method", "confirm", "confirmation_method"}
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_UPDATABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_ALWAYS_UPDATABLE = {"metadata", "description", "receipt_email", "shipping", "transfer_group"}
_CURRENCY = re.compile(r"[a-z]{3}")


def create_intent(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown(_DETAILS | _CONFIRMATION | _CREATION)
    amount = parameters.amount("amount")
    if amount is None:
        parameters.required("amount")
    customer = parameters.text("customer")
    if customer is not None:
        context.fetch(CUSTOMER, customer, param="customer")
    confirm = parameters.boolean("confirm")
    automatic = _automatic_payment_methods(parameters)
    if confirm:
        _require_return_url(parameters, automatic)
    intent = _new_intent(context, automatic) | {
        "amount": amount,
        "currency": _currency(parameters),
        "customer": customer,
    }
    _apply_details(context, intent)
    context.transaction.documents.add(
        PAYMENT_INTENT,
        intent,
        created=context.now,
        customer=customer,
        reference=intent["metadata"].get("order_id"),
    )
    context.emit("payment_intent.created", intent)
    if confirm:
        _confirm(context, intent)
    return intent


def update_intent(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown(_DETAILS)
    intent = context.fetch(PAYMENT_INTENT, context.path["id"])
    changes = {name for name in _DETAILS if name in parameters}
    if intent["status"] not in _UPDATABLE and not changes <= _ALWAYS_UPDATABLE:
        raise unexpected_state(
            "This PaymentIntent could not be updated because it has a status of "
            f"{intent['status']}. You may only update the PaymentIntent of this status with "
            f"{', '.join(sorted(_ALWAYS_UPDATABLE))}.",
            intent,
        )
    amount = parameters.amount("amount")
    if amount is not None:
        intent["amount"] = amount
    if "currency" in parameters:
        intent["currency"] = _currency(parameters)
    if "customer" in parameters:
        customer = context.fetch(CUSTOMER, parameters.required("customer"), param="customer")
        intent["customer"] = customer["id"]
    _apply_details(context, intent)
    context.transaction.documents.save(intent)
    context.transaction.documents.index(
        intent["id"],
        customer=intent["customer"],
        reference=intent["metadata"].get("order_id"),
    )
    return intent


def confirm(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown(
        _CONFIRMATION
        | {
            "capture_method",
            "payment_method",
            "payment_method_options",
            "payment_method_types",
            "receipt_email",
            "setup_future_usage",
            "shipping",
        }
    )
    intent = context.fetch(PAYMENT_INTENT, context.path["id"])
    if intent["status"] not in _CONFIRMABLE:
        after = (
            "because it has already succeeded after being previously confirmed."
            if intent["status"] == "succeeded"
            else f"because it has a status of {intent['status']}. Only a PaymentIntent with one of "
            f"the following statuses may be confirmed: {', '.join(_CONFIRMABLE)}."
        )
        raise unexpected_state(f"You cannot confirm this PaymentIntent {after}", intent)
    automatic = intent["automatic_payment_methods"]
    _require_return_url(parameters, automatic)
    capture_method = parameters.choice("capture_method", _CAPTURE_METHODS)
    if capture_method is not None:
        intent["capture_method"] = capture_method
    _apply_details(context, intent)
    _confirm(context, intent)
    return intent


def retrieve_intent(context: Context) -> Json:
    intent = context.fetch(PAYMENT_INTENT, context.path["id"])
    lapse_if_due(context, intent)
    return intent


def _confirm(context: Context, intent: Json) -> None:
    parameters = context.parameters
    if intent["payment_method"] is None:
        raise StripeError(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    off_session = parameters.text("off_session") not in {None, "false"}
    confirm_intent(
        context,
        intent,
        off_session=off_session or parameters.boolean("error_on_requires_action"),
        return_url=parameters.text("return_url"),
    )


_CAPTURE_METHODS = ("automatic", "automatic_async", "manual")


def _new_intent(context: Context, automatic: Json | None) -> Json:
    parameters = context.parameters
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": 0,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": parameters.choice("capture_method", _CAPTURE_METHODS)
        or "automatic_async",
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": parameters.choice("confirmation_method", ("automatic", "manual"))
        or "automatic",
        "created": context.now,
        "currency": "",
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def _apply_details(context: Context, intent: Json) -> None:
    """Take over the descriptive parameters; a payment method makes the intent confirmable."""
    parameters = context.parameters
    intent |= {name: parameters.text(name) for name in _TEXTS if name in parameters}
    for name in ("transfer_group", "setup_future_usage"):
        if name in parameters:
            intent[name] = parameters.text(name)
    if "shipping" in parameters:
        intent["shipping"] = parameters.mapping("shipping") or None
    intent["metadata"] = parameters.merged_metadata(intent["metadata"])
    types = parameters.sequence("payment_method_types")
    if types and types != ["card"]:
        raise StripeError(
            f'The payment method type "{next(one for one in types if one != "card")}" is invalid.',
            code="payment_intent_invalid_parameter",
            param="payment_method_types",
        )
    options = parameters.mapping("payment_method_options").get("card", {})
    if not isinstance(options, dict):
        raise StripeError("Invalid object", param="payment_method_options[card]")
    intent["payment_method_options"]["card"] |= options
    method = parameters.text("payment_method")
    if method is not None:
        resolved = resolve_payment_method(context, method, param="payment_method")
        intent |= {"payment_method": resolved["id"], "status": "requires_confirmation"}
        intent["next_action"] = None


def _automatic_payment_methods(parameters: Parameters) -> Json | None:
    """On unless types are listed, as at Stripe since 2023-08-16."""
    if parameters.sequence("payment_method_types"):
        return None
    given = parameters.mapping("automatic_payment_methods")
    if given.get("enabled") == "false":
        return None
    allow_redirects = given.get("allow_redirects", "always")
    if allow_redirects not in {"always", "never"}:
        raise StripeError(
            "Invalid automatic_payment_methods[allow_redirects]: must be one of always, never",
            param="automatic_payment_methods[allow_redirects]",
        )
    return {"allow_redirects": allow_redirects, "enabled": True}


def _require_return_url(parameters: Parameters, automatic: Json | None) -> None:
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    if redirects and parameters.text("return_url") is None:
        raise StripeError(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, "
            "you must provide a `return_url`. If you don't want to accept redirect-based payment "
            "methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents "
            "and Payment Intents.",
            param="return_url",
        )


def _currency(parameters: Parameters) -> str:
    currency = parameters.required("currency").lower()
    if not _CURRENCY.fullmatch(currency):
        raise StripeError(f"Invalid currency: {currency}", param="currency")
    return currency
