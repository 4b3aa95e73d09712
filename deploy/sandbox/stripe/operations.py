"""The operations of `/stripe`: method, path, the name that faults use, and what is done."""

from __future__ import annotations

from collections.abc import Callable

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe import (
    balance,
    charges,
    customers,
    disputes,
    payment_intents,
    payouts,
    refunds,
    search,
    settlement,
    transfers,
)
from deploy.sandbox.stripe.context import (
    BALANCE_TRANSACTION,
    CHARGE,
    CUSTOMER,
    DISPUTE,
    EVENT,
    PAYMENT_INTENT,
    PAYOUT,
    REFUND,
    TRANSFER,
    Context,
)
from deploy.sandbox.stripe.lists import listing

Operation = Callable[[Context], Json]


def retrieve_event(context: Context) -> Json:
    return context.fetch(EVENT, context.path["id"])


OPERATIONS: tuple[tuple[str, str, str, Operation], ...] = (
    ("POST", "/v1/payment_intents", "payment_intents.create", payment_intents.create_intent),
    (
        "GET",
        "/v1/payment_intents",
        "payment_intents.list",
        listing(PAYMENT_INTENT, "/v1/payment_intents", filters={"customer": "customer"}),
    ),
    ("GET", "/v1/payment_intents/search", "payment_intents.search", search.search_intents),
    (
        "GET",
        "/v1/payment_intents/{id}",
        "payment_intents.retrieve",
        payment_intents.retrieve_intent,
    ),
    ("POST", "/v1/payment_intents/{id}", "payment_intents.update", payment_intents.update_intent),
    (
        "POST",
        "/v1/payment_intents/{id}/confirm",
        "payment_intents.confirm",
        payment_intents.confirm,
    ),
    ("POST", "/v1/payment_intents/{id}/capture", "payment_intents.capture", settlement.capture),
    ("POST", "/v1/payment_intents/{id}/cancel", "payment_intents.cancel", settlement.cancel),
    (
        "GET",
        "/v1/charges",
        "charges.list",
        listing(
            CHARGE,
            "/v1/charges",
            filters={"customer": "customer", "payment_intent": "payment_intent"},
        ),
    ),
    ("GET", "/v1/charges/{id}", "charges.retrieve", charges.retrieve_charge),
    ("POST", "/v1/refunds", "refunds.create", refunds.create_refund),
    (
        "GET",
        "/v1/refunds",
        "refunds.list",
        listing(
            REFUND,
            "/v1/refunds",
            filters={"charge": "charge", "payment_intent": "payment_intent"},
        ),
    ),
    ("GET", "/v1/refunds/{id}", "refunds.retrieve", refunds.retrieve_refund),
    ("POST", "/v1/refunds/{id}", "refunds.update", refunds.update_refund),
    ("POST", "/v1/customers", "customers.create", customers.create_customer),
    ("GET", "/v1/customers", "customers.list", listing(CUSTOMER, "/v1/customers")),
    ("GET", "/v1/customers/{id}", "customers.retrieve", customers.retrieve_customer),
    ("POST", "/v1/customers/{id}", "customers.update", customers.update_customer),
    (
        "GET",
        "/v1/payment_methods/{id}",
        "payment_methods.retrieve",
        customers.retrieve_payment_method,
    ),
    (
        "POST",
        "/v1/payment_methods/{id}/attach",
        "payment_methods.attach",
        customers.attach_payment_method,
    ),
    (
        "GET",
        "/v1/balance_transactions",
        "balance_transactions.list",
        listing(
            BALANCE_TRANSACTION,
            "/v1/balance_transactions",
            filters={"type": "reference", "source": "charge"},
        ),
    ),
    (
        "GET",
        "/v1/balance_transactions/{id}",
        "balance_transactions.retrieve",
        balance.retrieve_balance_transaction,
    ),
    (
        "GET",
        "/v1/disputes",
        "disputes.list",
        listing(
            DISPUTE,
            "/v1/disputes",
            filters={"charge": "charge", "payment_intent": "payment_intent"},
        ),
    ),
    ("GET", "/v1/disputes/{id}", "disputes.retrieve", disputes.retrieve_dispute),
    ("POST", "/v1/disputes/{id}", "disputes.update", disputes.update_dispute),
    ("POST", "/v1/disputes/{id}/close", "disputes.close", disputes.close_dispute),
    ("POST", "/v1/transfers", "transfers.create", transfers.create_transfer),
    (
        "GET",
        "/v1/transfers",
        "transfers.list",
        listing(
            TRANSFER,
            "/v1/transfers",
            filters={"destination": "customer", "transfer_group": "reference"},
        ),
    ),
    ("GET", "/v1/transfers/{id}", "transfers.retrieve", transfers.retrieve_transfer),
    ("POST", "/v1/transfers/{id}", "transfers.update", transfers.update_transfer),
    (
        "POST",
        "/v1/transfers/{id}/reversals",
        "transfers.reverse",
        transfers.create_reversal,
    ),
    ("GET", "/v1/payouts", "payouts.list", listing(PAYOUT, "/v1/payouts")),
    ("GET", "/v1/payouts/{id}", "payouts.retrieve", payouts.retrieve_payout),
    (
        "GET",
        "/v1/events",
        "events.list",
        listing(EVENT, "/v1/events", filters={"type": "reference"}, plural="types"),
    ),
    ("GET", "/v1/events/{id}", "events.retrieve", retrieve_event),
)
