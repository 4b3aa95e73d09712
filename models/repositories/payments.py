"""Payments and their captures, as rows."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.statuses import PaymentStatus
from models.orders import Order
from models.payments import Capture, Payment

_CAPTURE_STATE = text("""
SELECT p.provider, p.provider_payment_id, p.currency, p.amount, p.authorized_amount,
    p.captured_amount, p.status,
    EXISTS (SELECT FROM captures c WHERE c.payment_id = p.id AND c.number = :number) AS captured
FROM payments p WHERE p.id = :payment_id
""")

_KEEP_CHALLENGE = text("""
WITH payment AS (
    UPDATE payments SET provider_payment_id = :provider_payment_id, status = 'requires_action',
        updated_at = now()
    WHERE id = :payment_id AND status IN ('pending', 'requires_action', 'unknown')
    RETURNING order_id
)
UPDATE orders SET next_action = CAST(:next_action AS jsonb)
FROM payment WHERE orders.id = payment.order_id
""")


async def capture_state(database: Database, payment_id: str, number: int) -> RowMapping | None:
    """The payment and whether that capture is recorded already."""
    rows = await database.statement(_CAPTURE_STATE, {"payment_id": payment_id, "number": number})
    return rows[0] if rows else None


async def keep_challenge(
    database: Database,
    *,
    payment_id: str,
    provider_payment_id: str | None,
    next_action: dict[str, Any],
) -> None:
    """Keep what the customer's client needs; it stays out of Temporal's history."""
    await database.statement(
        _KEEP_CHALLENGE,
        {
            "payment_id": payment_id,
            "provider_payment_id": provider_payment_id,
            "next_action": orjson.dumps(next_action).decode(),
        },
    )


async def record_capture(
    session: AsyncSession,
    order: Order,
    payment: Payment,
    *,
    number: int,
    amount: int,
    final: bool,
) -> bool:
    """Add a capture of a payment whose order is locked; tell whether it was new."""
    added = await session.execute(
        insert(Capture)
        .values(payment_id=payment.id, number=number, amount=amount)
        .on_conflict_do_nothing()
        .returning(Capture.__table__.c.number)  # type: ignore[attr-defined]  # set by SQLModel
    )
    if added.first() is None:
        return False
    payment.captured_amount += amount
    whole = final or payment.captured_amount == payment.authorized_amount
    payment.status = order.payment_status = (
        PaymentStatus.CAPTURED if whole else PaymentStatus.PARTIALLY_CAPTURED
    )
    return True
