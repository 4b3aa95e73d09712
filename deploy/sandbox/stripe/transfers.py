"""Connect transfers: money to the accounts of vendors, there at once, and taken back."""

from __future__ import annotations

import re

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.balance import book
from deploy.sandbox.stripe.context import TRANSFER, TRANSFER_REVERSAL, Context, new_id
from deploy.sandbox.stripe.errors import StripeError, missing

_CURRENCY = re.compile(r"[a-z]{3}")
UNKNOWN_ACCOUNT = "acct_unknown"
RESTRICTED_ACCOUNT = "acct_restricted"
POOR_ACCOUNT = "acct_insufficient"
"""Destinations that begin so are refused, each with the error of Stripe's that its name says."""


def create_transfer(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown(
        {
            "amount",
            "currency",
            "description",
            "destination",
            "metadata",
            "source_transaction",
            "source_type",
            "transfer_group",
        }
    )
    amount = parameters.amount("amount")
    if amount is None:
        parameters.required("amount")
    currency = parameters.required("currency").lower()
    if not _CURRENCY.fullmatch(currency):
        raise StripeError(f"Invalid currency: {currency}", param="currency")
    destination = parameters.required("destination")
    _require_payable(destination)
    transfer_id = new_id("tr")
    transfer: Json = {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": context.now,
        "currency": currency,
        "description": parameters.text("description"),
        "destination": destination,
        "destination_payment": new_id("py"),
        "livemode": False,
        "metadata": parameters.merged_metadata({}),
        "reversals": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/transfers/{transfer_id}/reversals",
        },
        "reversed": False,
        "source_transaction": parameters.text("source_transaction"),
        "source_type": "card",
        "transfer_group": parameters.text("transfer_group"),
    }
    transfer["balance_transaction"] = book(
        context, transfer, kind="transfer", amount=-transfer["amount"]
    )["id"]
    context.transaction.documents.add(
        TRANSFER,
        transfer,
        created=context.now,
        customer=destination,
        reference=transfer["transfer_group"],
    )
    context.emit("transfer.created", transfer)
    return transfer


def _require_payable(destination: str) -> None:
    if not destination.startswith("acct_") or destination.startswith(UNKNOWN_ACCOUNT):
        raise missing("destination", destination, param="destination")
    if destination.startswith(RESTRICTED_ACCOUNT):
        raise StripeError(
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
            executed=True,
        )
    if destination.startswith(POOR_ACCOUNT):
        raise StripeError(
            "You have insufficient funds in your Stripe account for this transfer. Your card "
            "balance is too low. You can use the /v1/balance endpoint to view your Stripe balance "
            "(for more details, see stripe.com/docs/api#balance).",
            code="balance_insufficient",
            executed=True,
        )


def retrieve_transfer(context: Context) -> Json:
    return context.fetch(TRANSFER, context.path["id"])


def update_transfer(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown({"description", "metadata"})
    transfer = context.fetch(TRANSFER, context.path["id"])
    if "description" in parameters:
        transfer["description"] = parameters.text("description")
    transfer["metadata"] = parameters.merged_metadata(transfer["metadata"])
    context.transaction.documents.save(transfer)
    context.emit("transfer.updated", transfer)
    return transfer


def create_reversal(context: Context) -> Json:
    parameters = context.parameters
    parameters.refuse_unknown({"amount", "description", "metadata", "refund_application_fee"})
    transfer = context.fetch(TRANSFER, context.path["id"])
    amount = parameters.amount("amount")
    return reverse(context, transfer, amount, metadata=parameters.merged_metadata({}))


def reverse(
    context: Context, transfer: Json, amount: int | None, *, metadata: dict[str, str] | None = None
) -> Json:
    """Take back a part, or all that is left when ``amount`` is None."""
    remaining = transfer["amount"] - transfer["amount_reversed"]
    amount = remaining if amount is None else amount
    if not 0 < amount <= remaining:
        raise StripeError(
            f"Transfer {transfer['id']} has {remaining} left to reverse.",
            param="amount",
            executed=True,
        )
    reversal: Json = {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": context.now,
        "currency": transfer["currency"],
        "destination_payment_refund": new_id("pyr"),
        "metadata": metadata or {},
        "source_refund": None,
        "transfer": transfer["id"],
    }
    entry = book(context, reversal, kind="transfer_refund", amount=amount)
    reversal["balance_transaction"] = entry["id"]
    context.transaction.documents.add(TRANSFER_REVERSAL, reversal, created=context.now)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, reversal)
    transfer["reversals"]["total_count"] += 1
    context.transaction.documents.save(transfer)
    context.emit("transfer.reversed", transfer)
    return reversal
