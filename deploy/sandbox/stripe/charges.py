"""Charges: the single attempt to move money that a payment intent makes."""

from __future__ import annotations

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.balance import book_charge
from deploy.sandbox.stripe.cards import Decline, TestCard
from deploy.sandbox.stripe.context import CHARGE, Context, new_id
from deploy.sandbox.stripe.customers import card_facts

AUTHORIZATION_SECONDS = 7 * 86_400
"""How long an uncaptured card charge is good (docs.stripe.com/payments/place-a-hold)."""


def make_charge(
    context: Context, intent: Json, card: TestCard, *, decline: Decline | None, challenged: bool
) -> Json:
    """Record the attempt, declined or not; a manual capture leaves it uncaptured."""
    manual = intent["capture_method"] == "manual"
    charge: Json = {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {"address": {}, "email": None, "name": None, "phone": None},
        "calculated_statement_descriptor": "PERDURE",
        "captured": False,
        "created": context.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": _outcome(decline),
        "paid": decline is None,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {
            "card": _card_details(
                context, intent, card, holds=manual and decline is None, challenged=challenged
            ),
            "type": "card",
        },
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "failed" if decline else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
    if decline is None and not manual:
        charge |= {"amount_captured": intent["amount"], "captured": True}
        charge["balance_transaction"] = book_charge(context, charge, intent["amount"])["id"]
    _keep(context, charge)
    return charge


def _keep(context: Context, charge: Json) -> None:
    context.transaction.documents.add(
        CHARGE,
        charge,
        created=context.now,
        customer=charge["customer"],
        payment_intent=charge["payment_intent"],
    )


def _card_details(
    context: Context, intent: Json, card: TestCard, *, holds: bool, challenged: bool
) -> Json:
    requested = intent["payment_method_options"]["card"].get("request_multicapture")
    multicapture = "available" if requested == "if_available" else "unavailable"
    details: Json = card_facts(card) | {
        "amount_authorized": intent["amount"],
        "authorization_code": "123456",
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": multicapture},
        "network": card.brand,
        "network_token": {"used": False},
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }
    if holds:
        details["capture_before"] = context.now + AUTHORIZATION_SECONDS
    if challenged:
        details["three_d_secure"] = {
            "authentication_flow": "challenge",
            "result": "authenticated",
            "result_reason": None,
            "version": "2.2.0",
        }
    return details


def _outcome(decline: Decline | None) -> Json:
    if decline is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 10,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": "try_again_later",
        "network_advice_code": None,
        "network_decline_code": "05",
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "risk_level": "normal",
        "risk_score": 10,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def retrieve_charge(context: Context) -> Json:
    return context.fetch(CHARGE, context.path["id"])
