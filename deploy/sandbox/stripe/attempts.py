"""The provider's own book of charge attempts, which `GET /_control/ledger` shows."""

from __future__ import annotations

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.context import Context


def open_attempt(context: Context, intent: Json, *, status: str, charge: str | None) -> None:
    """Book a new attempt; an older one that still waits for its challenge has ended."""
    connection = context.transaction.connection
    connection.execute(
        "UPDATE attempt SET status = 'failed'"
        " WHERE payment_intent = ? AND status = 'requires_action'",
        (intent["id"],),
    )
    connection.execute(
        "INSERT INTO attempt (payment_intent, charge, amount, currency, status, captured,"
        " idempotency_key, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            intent["id"],
            charge,
            intent["amount"],
            intent["currency"],
            status,
            intent["amount_received"],
            context.idempotency_key,
            context.now,
        ),
    )


def close_challenge(context: Context, intent: Json, *, status: str, charge: str | None) -> None:
    """Book how the attempt that waited for a challenge went on."""
    context.transaction.connection.execute(
        "UPDATE attempt SET status = ?, charge = ?, captured = ?"
        " WHERE payment_intent = ? AND status = 'requires_action'",
        (status, charge, intent["amount_received"], intent["id"]),
    )


def settle_attempt(context: Context, charge: Json, *, status: str) -> None:
    context.transaction.connection.execute(
        "UPDATE attempt SET status = ?, captured = ?, refunded = ? WHERE charge = ?",
        (status, charge["amount_captured"], charge["amount_refunded"], charge["id"]),
    )


def cancel_attempts(context: Context, intent: Json) -> None:
    context.transaction.connection.execute(
        "UPDATE attempt SET status = 'canceled' WHERE payment_intent = ?"
        " AND status IN ('requires_action', 'requires_capture')",
        (intent["id"],),
    )
