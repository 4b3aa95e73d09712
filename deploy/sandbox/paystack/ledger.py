"""The balance and every movement of it."""

from __future__ import annotations

import orjson

from deploy.sandbox.documents import Json
from deploy.sandbox.paystack.context import DOMAIN, INTEGRATION, LEDGER, Context, new_number
from deploy.sandbox.paystack.fees import CURRENCIES


def book(
    context: Context,
    *,
    model: str,
    number: int,
    currency: str,
    difference: int,
    reason: str,
    order_id: str | None = None,
) -> None:
    """Move the balance by `difference` (hundredths) because of a record of `model`."""
    row_number = new_number()
    row: Json = {
        "integration": INTEGRATION,
        "domain": DOMAIN,
        "balance": balance_of(context, currency) + difference,
        "currency": currency,
        "difference": difference,
        "reason": reason,
        "model_responsible": model,
        "model_row": number,
        "id": row_number,
        "createdAt": context.now,
        "updatedAt": context.now,
    }
    context.add(LEDGER, str(row_number), row, order_id=order_id, customer=currency)


def balance_of(context: Context, currency: str) -> int:
    """What the newest row of the currency says is there, hundredths."""
    row = context.transaction.connection.execute(
        "SELECT body FROM document WHERE kind = ? AND customer = ? ORDER BY seq DESC LIMIT 1",
        (LEDGER, currency),
    ).fetchone()
    if row is None:
        return 0
    balance: int = orjson.loads(row["body"])["wire"]["balance"]
    return balance


def check_balance(context: Context) -> list[Json]:
    return [
        {"currency": currency, "balance": balance_of(context, currency)}
        for currency in sorted(CURRENCIES)
    ]
