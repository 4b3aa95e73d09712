"""Balance transactions: what each movement adds to the merchant's balance, and its fee."""

from __future__ import annotations

import sqlite3

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.context import BALANCE_TRANSACTION, Context, new_id

FEE_PER_MILLE = 29
FEE_FIXED = 30
DISPUTE_FEE = 1500
"""Since June 2025 it stays paid when the dispute is won (docs.stripe.com/disputes)."""
AVAILABLE_AFTER_SECONDS = 2 * 86_400

_BY_TYPE = """
SELECT json_extract(CAST(body AS TEXT), '$.currency') AS currency, reference AS type,
    count(*) AS movements, sum(json_extract(CAST(body AS TEXT), '$.amount')) AS amount,
    sum(json_extract(CAST(body AS TEXT), '$.fee')) AS fee
FROM document WHERE kind = ? GROUP BY 1, 2 ORDER BY 1, 2
"""


def processing_fee(amount: int) -> int:
    """2.9 % rounded half up, and 30 minor units."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FEE_FIXED


def book_charge(context: Context, charge: Json, amount: int) -> Json:
    return book(context, charge, kind="charge", amount=amount, fee=processing_fee(amount))


def book_refund(context: Context, refund: Json) -> Json:
    """The fee of the charge is not given back."""
    return book(context, refund, kind="refund", amount=-refund["amount"])


def book(
    context: Context,
    source: Json,
    *,
    kind: str,
    amount: int,
    fee: int = 0,
    category: str | None = None,
) -> Json:
    """Move the balance; ``category`` is the reporting category where it is not the type."""
    fee_detail = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    entry: Json = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": context.now + AVAILABLE_AFTER_SECONDS,
        "balance_type": "payments",
        "created": context.now,
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [fee_detail] if fee else [],
        "net": amount - fee,
        "reporting_category": category or kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    context.transaction.documents.add(
        BALANCE_TRANSACTION, entry, created=context.now, reference=kind, charge=source["id"]
    )
    return entry


def retrieve_balance_transaction(context: Context) -> Json:
    return context.fetch(BALANCE_TRANSACTION, context.path["id"])


def balances(connection: sqlite3.Connection) -> list[Json]:
    """The balance of each currency, as the sum of its movements, in all and by their types."""
    found: dict[str, Json] = {}
    for row in connection.execute(_BY_TYPE, (BALANCE_TRANSACTION,)):
        whole = found.setdefault(
            row["currency"],
            {"currency": row["currency"], "amount": 0, "fee": 0, "net": 0, "types": {}},
        )
        whole["amount"] += row["amount"]
        whole["fee"] += row["fee"]
        whole["net"] += row["amount"] - row["fee"]
        whole["types"][row["type"]] = {name: row[name] for name in ("movements", "amount", "fee")}
    return list(found.values())
