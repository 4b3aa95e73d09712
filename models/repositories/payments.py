"""The payments of an order, as rows; changes happen while the order's row is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.errors import NotFoundError
from core.domain.ids import Prefix, derived_id
from core.domain.payments import PaymentFigures, ProviderPayment, settled_status, summary_of
from core.domain.statuses import PAYMENT_MOVES, PaymentStatus, can_move
from models.orders import Order
from models.payments import Capture, CaptureStatus, Payment
from models.repositories import ledger_payments, orders

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

_BEGUN = text("""
SELECT coalesce(o.email, u.email) AS email,
    CASE WHEN p.status = 'requires_action' THEN p.provider_payment_id END AS challenged
FROM payments p JOIN orders o ON o.id = p.order_id LEFT JOIN users u ON u.id = o.customer_id
WHERE p.id = :payment_id
""")

ENDED = (PaymentStatus.VOIDED, PaymentStatus.FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """The customer's e-mail address; the payment at the provider whose challenge was kept."""

    email: str | None = None
    challenged: str | None = None


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


async def begun(database: Database, payment_id: str) -> Begun:
    """Return what a provider needs besides the amounts, and what it has begun already."""
    rows = await database.statement(_BEGUN, {"payment_id": payment_id})
    return Begun(**rows[0]) if rows else Begun()


async def of_order(session: AsyncSession, order_id: str) -> Sequence[Payment]:
    """The payments of an order in the order of their attempts."""
    statement = select(Payment).where(Payment.order_id == order_id).order_by(col(Payment.attempt))
    return (await session.scalars(statement)).all()


async def get(session: AsyncSession, payment_id: str) -> Payment:
    """Return one payment.

    Raises:
        NotFoundError: there is no such payment.
    """
    payment = await session.get(Payment, payment_id)
    if payment is None:
        raise NotFoundError(f"no payment {payment_id}")
    return payment


async def add(
    session: AsyncSession,
    order: Order,
    *,
    purpose: str,
    reference: str,
    amount: int,
    provider: str | None = None,
    payment_method: str | None = None,
) -> Payment:
    """Write a further payment of a locked order before the provider is asked; once per reference.

    Without a method it is paid like the last payment that was not declined.
    """
    payment_id = derived_id(Prefix.PAYMENT, order.id, purpose, reference)
    existing = await session.get(Payment, payment_id)
    if existing is not None:
        return existing
    before = await of_order(session, order.id)
    good = [one for one in before if one.status != PaymentStatus.FAILED]
    like = (good or before)[-1]
    payment = Payment(
        id=payment_id,
        order_id=order.id,
        attempt=before[-1].attempt + 1,
        provider=provider or like.provider,
        payment_method=payment_method or like.payment_method,
        status=PaymentStatus.PENDING,
        currency=order.currency,
        amount=amount,
        purpose=purpose,
    )
    session.add(payment)
    await session.flush()
    await show(session, order)
    return payment


def figures_of(payment: Payment) -> PaymentFigures:
    return PaymentFigures(
        status=PaymentStatus(payment.status),
        authorized=payment.authorized_amount,
        captured=payment.captured_amount,
        refunded=payment.refunded_amount,
        disputed=payment.disputed_amount,
    )


async def settle(session: AsyncSession, order: Order, payment: Payment) -> None:
    """Give a payment whose amounts changed the state that they ask for, and its order the sum."""
    payment.status = settled_status(figures_of(payment))
    payment.updated_at = orders.now()
    await show(session, order)


async def show(session: AsyncSession, order: Order) -> None:
    """Show on a locked order what all its payments come to."""
    await session.flush()
    payments = await of_order(session, order.id)
    order.payment_status = summary_of(figures_of(payment) for payment in payments)
    await session.flush()


async def record_authorization(
    session: AsyncSession,
    order: Order,
    payment: Payment,
    found: ProviderPayment,
    challenge: dict[str, Any] | None = None,
) -> bool:
    """Record what the provider says of an authorization; tell whether that was a step forward."""
    wanted = found.status
    if not can_move(PAYMENT_MOVES, PaymentStatus(payment.status), wanted):
        return False
    shown = payment.next_action
    payment.status = wanted
    payment.provider_payment_id = found.provider_payment_id or payment.provider_payment_id
    payment.decline_code = found.decline_code
    payment.next_action = challenge
    payment.updated_at = orders.now()
    if wanted is PaymentStatus.AUTHORIZED:
        payment.authorized_amount = found.authorized_amount
        payment.capture_before = found.capture_before
        payment.taken_at_once = found.taken_at_once
        await ledger_payments.authorized(session, payment)
    if challenge is not None or order.next_action == shown:
        order.next_action = challenge
    await show(session, order)
    return True


async def let_go(session: AsyncSession, order: Order, payment: Payment) -> int:
    """Record that the provider let go of what is not captured; return how much (minor units).

    What is planned and not captured stays in the books until its own capture finds out.
    """
    await session.flush()
    planned = await planned_on(session, payment.id)
    if payment.status in ENDED:
        return 0
    if order.next_action is not None and order.next_action == payment.next_action:
        order.next_action = None
    payment.next_action = None
    before = figures_of(payment)
    gone = payment.authorized_amount - payment.captured_amount
    if payment.captured_amount:
        payment.authorized_amount = payment.captured_amount + planned
    else:
        payment.status = PaymentStatus.VOIDED
    await settle(session, order, payment)
    await ledger_payments.released(session, payment, before, figures_of(payment))
    return gone


async def planned_on(session: AsyncSession, payment_id: str) -> int:
    """What is set aside on a payment and not captured yet, minor units."""
    statement = select(Capture).where(
        Capture.payment_id == payment_id, Capture.status == CaptureStatus.PLANNED
    )
    return sum(one.amount for one in (await session.scalars(statement)).all())
