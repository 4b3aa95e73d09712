"""The two statements on every order's path, each one transaction and one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.allocation import Allocation
from core.domain.events import TimelineEntry
from core.domain.payments import ProviderPayment
from models.repositories.ledger_payments import AUTHORIZED_POSTING
from models.repositories.timeline import RECORD_CHANGE, parameters

OUT_OF_STOCK_STATE = "PD001"
"""SQLSTATE of ``perdure_require``: a line could not be reserved, so nothing was."""

# Drafts from before there was a column for it.
_SHIPPING_TAX = """
CAST(cart ->> 'tax' AS bigint) - (SELECT sum(CAST(line ->> 'tax' AS bigint))
                                  FROM jsonb_array_elements(cart -> 'lines') line)
"""

_ORDER_ROWS = f"""
changed AS (
    INSERT INTO orders (
        id, number, customer_id, status, payment_status, fulfillment_status, currency,
        subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount,
        tax_included, shipping_discount_amount, shipping_tax_amount, email, allocation,
        shipping_method, shipping_address, failure, version, workflow_id
    )
    SELECT order_id, number, customer_id, :status, :payment_status, 'unfulfilled',
        cart ->> 'currency', CAST(cart ->> 'subtotal' AS bigint),
        CAST(cart ->> 'discount' AS bigint), CAST(cart ->> 'shipping' AS bigint),
        CAST(cart ->> 'tax' AS bigint), CAST(cart ->> 'total' AS bigint),
        coalesce(CAST(cart ->> 'tax_included' AS boolean), false),
        coalesce(CAST(cart ->> 'shipping_discount' AS bigint), 0),
        coalesce(CAST(cart ->> 'shipping_tax' AS bigint), {_SHIPPING_TAX}),
        cart ->> 'email', coalesce(cart ->> 'allocation', 'fewest_shipments'),
        cart ->> 'shipping_method', cart -> 'shipping_address', CAST(:failure AS jsonb),
        :entry_count, :workflow_id
    FROM ready
    RETURNING id, status, version
), items AS (
    INSERT INTO order_items (
        order_id, position, id, sku, variant_id, vendor_id, name, quantity,
        unit_price_amount, total_amount, discount_amount, tax_amount
    )
    SELECT ready.order_id, line.position, line.id, line.sku, line.variant_id, line.vendor_id,
        line.name, line.quantity, line.unit_price, line.total, coalesce(line.discount, 0), line.tax
    FROM ready, jsonb_to_recordset(ready.cart -> 'lines') AS line (
        position int, id text, sku text, variant_id text, vendor_id text, name text,
        quantity int, unit_price bigint, total bigint, discount bigint, tax bigint
    )
), payment AS (
    INSERT INTO payments (
        id, order_id, attempt, provider, payment_method, status, currency, amount,
        authorized_amount, captured_amount, refunded_amount
    )
    SELECT :payment_id, order_id, 1, cart ->> 'provider', cart ->> 'payment_method',
        :payment_status, cart ->> 'currency', CAST(cart ->> 'total' AS bigint), 0, 0, 0
    FROM ready
), {RECORD_CHANGE}
SELECT order_id, cart ->> 'provider' AS provider, cart ->> 'payment_method' AS payment_method,
    CAST(cart ->> 'total' AS bigint) AS amount, cart ->> 'currency' AS currency,
    cart ->> 'hold_id' AS hold_id
FROM ready
"""

_DRAFT = """
draft AS (
    SELECT order_id, number, customer_id, cart FROM checkout_drafts
    WHERE order_id = :order_id AND NOT EXISTS (SELECT FROM orders WHERE id = :order_id)
)
"""

_OPEN = text(f"""
WITH {_DRAFT}, plan AS (
    SELECT line.warehouse_id, line.sku, line.quantity
    FROM draft, jsonb_to_recordset(draft.cart -> 'plan')
        AS line (warehouse_id text, sku text, quantity int)
    WHERE draft.cart ->> 'hold_id' IS NULL
        AND (CAST(:locked AS boolean) OR coalesce(draft.cart -> 'promotions', '[]') = '[]')
), locked AS (
    SELECT s.warehouse_id, s.sku, plan.quantity
    FROM plan JOIN stock s USING (warehouse_id, sku)
    ORDER BY s.warehouse_id, s.sku FOR NO KEY UPDATE OF s
), reserved AS (
    UPDATE stock s SET reserved = s.reserved + locked.quantity FROM locked
    WHERE s.warehouse_id = locked.warehouse_id AND s.sku = locked.sku
        AND s.on_hand - s.reserved >= locked.quantity
    RETURNING s.warehouse_id, s.sku, locked.quantity
), lines AS (
    INSERT INTO reservation_lines (order_id, warehouse_id, sku, quantity, status)
    SELECT :order_id, warehouse_id, sku, quantity, 'held' FROM reserved
), ready AS (
    SELECT draft.* FROM draft WHERE perdure_require(
        (SELECT count(*) FROM reserved) = (SELECT count(*) FROM plan)
            AND EXISTS (SELECT FROM plan),
        'out-of-stock'
    )
), {_ORDER_ROWS}
""")

_OPEN_WITHOUT_STOCK = text(f"WITH {_DRAFT}, ready AS (SELECT * FROM draft), {_ORDER_ROWS}")

_OPENED = text("""
SELECT o.status, h.id AS hold_id, p.provider, p.payment_method, p.amount, p.currency
FROM orders o
JOIN checkout_drafts d ON d.order_id = o.id
JOIN payments p ON p.order_id = o.id AND p.attempt = 1
LEFT JOIN holds h ON h.id = d.cart ->> 'hold_id' AND h.order_id = o.id
WHERE o.id = :order_id
""")

_CONFIRM = text(f"""
WITH changed AS (
    UPDATE orders SET status = 'confirmed', payment_status = 'authorized', next_action = NULL,
        workflow_id = :workflow_id, version = version + :entry_count,
        updated_at = now()
    WHERE id = :order_id AND status IN ('pending', 'requires_action')
        AND total_amount = :authorized_amount AND currency = :currency
    RETURNING id, status, version
), paid AS (
    UPDATE payments SET status = 'authorized', provider_payment_id = :provider_payment_id,
        authorized_amount = :authorized_amount, capture_before = :capture_before,
        taken_at_once = :taken_at_once, updated_at = now()
    FROM changed WHERE payments.order_id = changed.id AND payments.attempt = 1
    RETURNING payments.id, payments.order_id, payments.provider, payments.currency,
        payments.authorized_amount, payments.taken_at_once
), {AUTHORIZED_POSTING}, committed AS (
    UPDATE reservation_lines SET status = 'committed', expires_at = NULL
    FROM changed WHERE reservation_lines.order_id = changed.id
        AND reservation_lines.status = 'held'
), promoted AS (
    UPDATE promotion_uses SET status = 'used'
    FROM changed WHERE promotion_uses.order_id = changed.id
        AND promotion_uses.status = 'reserved'
), {RECORD_CHANGE}
SELECT status FROM changed
""")

_LOCK_DRAFT = text("""
SELECT d.customer_id, d.cart, EXISTS (SELECT FROM orders WHERE id = d.order_id) AS opened
FROM checkout_drafts d WHERE d.order_id = :order_id FOR UPDATE
""")

_REPLAN = text("""
UPDATE checkout_drafts
SET cart = jsonb_set(cart || '{"hold_id": null}', '{plan}', CAST(:plan AS jsonb))
WHERE order_id = :order_id
""")


async def open_order(database: Database, parameters_: dict[str, object]) -> RowMapping | None:
    """Reserve by the draft's plan and write the order; None when there is nothing to open.

    Raises:
        DBAPIError: with SQLSTATE ``PD001`` when a planned line is no longer available, or when
            there is more to reserve than stock (a hold, promotions): then rows must be locked.
    """
    rows = await database.statement(_OPEN, {**parameters_, "locked": False})
    return rows[0] if rows else None


async def open_planned(session: AsyncSession, parameters_: dict[str, object]) -> RowMapping:
    """The same inside a transaction that holds the locks, so that it cannot be short."""
    parameters_ = {**parameters_, "locked": True}
    return (await session.execute(_OPEN, parameters_)).mappings().one()


async def open_without_stock(session: AsyncSession, parameters_: dict[str, object]) -> RowMapping:
    """Write the order and leave the stock alone: it failed, or a hold has its units."""
    return (await session.execute(_OPEN_WITHOUT_STOCK, parameters_)).mappings().one()


async def opened(database: Database, order_id: str) -> RowMapping | None:
    """How an order stands that was opened before, with the hold whose units it took over."""
    rows = await database.statement(_OPENED, {"order_id": order_id})
    return rows[0] if rows else None


async def lock_draft(session: AsyncSession, order_id: str) -> RowMapping | None:
    """The draft, locked, and whether its order was opened; None when there is no draft."""
    return (await session.execute(_LOCK_DRAFT, {"order_id": order_id})).mappings().one_or_none()


async def replan(session: AsyncSession, order_id: str, plan: Sequence[Allocation]) -> None:
    """Give the draft a plan made under locks, and let go of a hold that is no more."""
    document = [
        {"warehouse_id": line.warehouse_id, "sku": line.sku, "quantity": line.quantity}
        for line in plan
    ]
    await session.execute(_REPLAN, {"order_id": order_id, "plan": orjson.dumps(document).decode()})


def opening(
    *,
    order_id: str,
    payment_id: str,
    workflow_id: str,
    entries: Sequence[TimelineEntry],
    status: str = "pending",
    payment_status: str = "pending",
    failure: dict[str, Any] | None = None,
) -> dict[str, object]:
    """Parameters of the opening statements."""
    return {
        "order_id": order_id,
        "payment_id": payment_id,
        "workflow_id": workflow_id,
        "status": status,
        "payment_status": payment_status,
        "failure": None if failure is None else orjson.dumps(failure).decode(),
        **parameters(entries),
    }


async def confirm_order(
    database: Database,
    *,
    order_id: str,
    payment: ProviderPayment,
    workflow_id: str,
    entries: Sequence[TimelineEntry],
) -> bool:
    """Confirm an unfinished order whose total is authorized to the last minor unit.

    Returns:
        False when the order is not unfinished any more, or the amounts differ.
    """
    rows = await database.statement(
        _CONFIRM,
        {
            "order_id": order_id,
            "workflow_id": workflow_id,
            "provider_payment_id": payment.provider_payment_id,
            "authorized_amount": payment.authorized_amount,
            "currency": payment.currency,
            "capture_before": payment.capture_before,
            "taken_at_once": payment.taken_at_once,
            **parameters(entries),
        },
    )
    return bool(rows)
