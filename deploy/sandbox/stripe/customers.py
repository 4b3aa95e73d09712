"""Customers and payment methods: just enough for a payment to refer to them."""

from __future__ import annotations

from typing import Any

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.cards import TEST_CARDS, TestCard
from deploy.sandbox.stripe.context import CUSTOMER, PAYMENT_METHOD, Context, new_id
from deploy.sandbox.stripe.errors import missing

_CUSTOMER_TEXTS = ("description", "email", "name", "phone")


def create_customer(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown({*_CUSTOMER_TEXTS, "address", "metadata", "shipping"})
    customer: Json = {
        "id": new_id("cus"),
        "object": "customer",
        "address": parameters.mapping("address") or None,
        "balance": 0,
        "created": context.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_prefix": None,
        "livemode": False,
        "metadata": parameters.merged_metadata({}),
        "preferred_locales": [],
        "shipping": parameters.mapping("shipping") or None,
        "tax_exempt": "none",
    }
    customer |= {name: parameters.text(name) for name in _CUSTOMER_TEXTS}
    context.transaction.documents.add(CUSTOMER, customer, created=context.now)
    context.emit("customer.created", customer)
    return customer


def retrieve_customer(context: Context) -> Json:
    return context.fetch(CUSTOMER, context.path["id"])


def update_customer(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown({*_CUSTOMER_TEXTS, "address", "metadata", "shipping"})
    customer = context.fetch(CUSTOMER, context.path["id"])
    customer |= {name: parameters.text(name) for name in _CUSTOMER_TEXTS if name in parameters}
    customer |= {
        name: parameters.mapping(name) or None
        for name in ("address", "shipping")
        if name in parameters
    }
    customer["metadata"] = parameters.merged_metadata(customer["metadata"])
    context.transaction.documents.save(customer)
    context.emit("customer.updated", customer)
    return customer


def retrieve_payment_method(context: Context) -> Json:
    method_id = context.path["id"]
    if method_id in TEST_CARDS:
        return instantiate(context, method_id, customer=None)
    return context.fetch(PAYMENT_METHOD, method_id)


def attach_payment_method(context: Context) -> Json:
    context.parameters.refuse_unknown({"customer"})
    customer = context.fetch(CUSTOMER, context.parameters.required("customer"), param="customer")
    method = resolve_payment_method(context, context.path["id"], param=None)
    method["customer"] = customer["id"]
    context.transaction.documents.save(method)
    context.emit("payment_method.attached", method)
    return method


def resolve_payment_method(context: Context, method_id: str, *, param: str | None) -> Json:
    """The payment method; a test name such as `pm_card_visa` stands for a new one, as at Stripe.

    Raises:
        StripeError: resource_missing.
    """
    if method_id in TEST_CARDS:
        return instantiate(context, method_id, customer=None)
    found = context.transaction.documents.get(method_id, PAYMENT_METHOD)
    if found is None:
        raise missing("PaymentMethod", method_id, param=param)
    return found


def instantiate(context: Context, test_name: str, *, customer: str | None) -> Json:
    card = TEST_CARDS[test_name]
    method: Json = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": {
                "city": None,
                "country": None,
                "line1": None,
                "line2": None,
                "postal_code": None,
                "state": None,
            },
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "card": card_facts(card)
        | {
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "three_d_secure_usage": {"supported": True},
        },
        "created": context.now,
        "customer": customer,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    context.transaction.documents.add(
        PAYMENT_METHOD, method, created=context.now, reference=test_name
    )
    return method


def card_facts(card: TestCard) -> dict[str, Any]:
    return {
        "brand": card.brand,
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"fingerprint{card.brand}{card.last4}",
        "funding": "credit",
        "last4": card.last4,
    }


def test_card_of(context: Context, method_id: str) -> TestCard:
    """What the card behind a payment method does."""
    name = context.transaction.documents.reference(method_id)
    if name is None:
        raise missing("PaymentMethod", method_id, param="payment_method")
    return TEST_CARDS[name]
