"""A small shop with an order in every state, as the platform itself would have left it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg
from pydantic import SecretStr

from core.database import Database
from core.domain.ids import Prefix, derived_id
from core.settings import PostgresSettings
from models.migrations.opening_postings import carry_over

ROOT = "usr_01jgfjjz00e008000000000000"
CUSTOMER = derived_id(Prefix.USER, ROOT, "customer")
WAREHOUSE = derived_id(Prefix.WAREHOUSE, ROOT, "warehouse")
VENDOR = derived_id(Prefix.VENDOR, ROOT, "vendor")
PRODUCT = derived_id(Prefix.PRODUCT, ROOT, "product")
VARIANT = derived_id(Prefix.VARIANT, ROOT, "variant")
SKU = "TEE"
INITIAL = 1_000

QUANTITY, UNIT_PRICE, SHIPPING, TAX = 2, 1999, 500, 225
ITEM_TAX = 200
SUBTOTAL = QUANTITY * UNIT_PRICE
TOTAL = SUBTOTAL + SHIPPING + TAX


def order_id(status: str) -> str:
    """The id of the one order that has the status."""
    return derived_id(Prefix.ORDER, ROOT, status)


def payment_id(status: str) -> str:
    return derived_id(Prefix.PAYMENT, order_id(status), 1)


def shipment_id(status: str) -> str:
    return derived_id(Prefix.SHIPMENT, order_id(status), 1)


PROMOTION = derived_id(Prefix.PROMOTION, ROOT, "promotion")
HOLD = derived_id(Prefix.HOLD, ROOT, "active")


@dataclass(frozen=True, kw_only=True)
class State:
    """What rows an order of that status has; ``captured`` in minor units."""

    payment: str
    line: str
    events: tuple[str, ...]
    fulfillment: str = "unfulfilled"
    shipment: str | None = None
    captured: int = 0
    authorized: int = TOTAL


_PLACED = ("order.placed", "stock.reserved")
_CONFIRMED = (*_PLACED, "payment.authorized", "order.confirmed")
_PROCESSING = (*_CONFIRMED, "shipment.planned", "order.processing")
_SHIPPED = (*_PROCESSING, "payment.captured", "shipment.changed", "order.shipped")
_DELIVERED = (*_SHIPPED, "shipment.changed", "order.delivered")

STATES = {
    "pending": State(payment="pending", line="held", events=_PLACED, authorized=0),
    "requires_action": State(
        payment="requires_action",
        line="held",
        events=(*_PLACED, "payment.requires_action"),
        authorized=0,
    ),
    "confirmed": State(payment="authorized", line="committed", events=_CONFIRMED),
    "processing": State(
        payment="authorized", line="committed", events=_PROCESSING, shipment="planned"
    ),
    "shipped": State(
        payment="captured",
        line="consumed",
        events=_SHIPPED,
        fulfillment="shipped",
        shipment="in_transit",
        captured=TOTAL,
    ),
    "delivered": State(
        payment="captured",
        line="consumed",
        events=_DELIVERED,
        fulfillment="delivered",
        shipment="delivered",
        captured=TOTAL,
    ),
    "completed": State(
        payment="captured",
        line="consumed",
        events=(*_DELIVERED, "order.completed", "dispute.opened", "dispute.won"),
        fulfillment="delivered",
        shipment="delivered",
        captured=TOTAL,
    ),
    "failed": State(
        payment="failed",
        line="released",
        events=(*_PLACED, "payment.declined", "stock.released", "order.failed"),
        authorized=0,
    ),
    "canceled": State(
        payment="voided",
        line="released",
        events=(*_PROCESSING, "payment.voided", "stock.released", "order.canceled"),
        shipment="canceled",
    ),
}


async def write_orders_in_every_state(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        await _write_catalogue(connection)
        for number, (status, state) in enumerate(STATES.items(), start=1):
            await _write_order(connection, number, status, state)
            await _write_money(connection, status, state)
            await _write_shipment(connection, status, state)
            await _write_history(connection, status, state)
        await _write_promotion(connection)
        await _write_dispute(connection)
        await connection.execute(
            "INSERT INTO holds (id, owner_id, status, expires_at)"
            " VALUES ($1, $2, 'active', now() + interval '10 minutes')",
            HOLD,
            CUSTOMER,
        )
        await connection.execute(
            "INSERT INTO reservation_lines (hold_id, warehouse_id, sku, quantity, status,"
            " expires_at) VALUES ($1, $2, $3, 3, 'held', now() + interval '10 minutes')",
            HOLD,
            WAREHOUSE,
            SKU,
        )
        await connection.execute(
            "UPDATE stock SET reserved = (SELECT sum(quantity) FROM reservation_lines"
            " WHERE status IN ('held', 'committed')),"
            " on_hand = (SELECT sum(delta) FROM stock_movements)"
        )


async def _write_catalogue(connection: asyncpg.Connection) -> None:
    for sql, *values in (
        ("INSERT INTO vendors (id, name, slug) VALUES ($1, 'Vendor', 'vendor')", VENDOR),
        (
            (
                "INSERT INTO products (id, vendor_id, name, slug, description, status)"
                " VALUES ($1, $2, 'Tee', 'tee', '', 'published')"
            ),
            PRODUCT,
            VENDOR,
        ),
        (
            (
                "INSERT INTO variants (id, product_id, sku, title, attributes, status, position)"
                " VALUES ($1, $2, $3, 'M', '{}', 'active', 0)"
            ),
            VARIANT,
            PRODUCT,
            SKU,
        ),
        (
            "INSERT INTO warehouses (id, name, country, priority) VALUES ($1, 'One', 'US', 0)",
            WAREHOUSE,
        ),
        (
            "INSERT INTO stock (warehouse_id, sku, on_hand) VALUES ($1, $2, $3)",
            WAREHOUSE,
            SKU,
            INITIAL,
        ),
    ):
        await connection.execute(sql, *values)
    await _move(connection, INITIAL, "initial", "initial")


async def _write_promotion(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "INSERT INTO promotions (id, name, kind, scope, target_ids, amounts, minimum_amounts,"
        " starts_at, usage_limit, used)"
        " VALUES ($1, 'Free', 'free_shipping', 'order', '[]', '{}', '{}', now(), 2, 2)",
        PROMOTION,
    )
    for status, use in (("pending", "reserved"), ("confirmed", "used"), ("failed", "released")):
        await connection.execute(
            "INSERT INTO promotion_uses (order_id, promotion_id, customer_id, amount, currency,"
            " status) VALUES ($1, $2, $3, 0, 'USD', $4)",
            order_id(status),
            PROMOTION,
            CUSTOMER,
            use,
        )


async def _write_dispute(connection: asyncpg.Connection) -> None:
    """Money of the completed order that a bank took back and gave back again."""
    dispute = derived_id(Prefix.DISPUTE, order_id("completed"), "du_won")
    await connection.execute(
        "INSERT INTO disputes (id, order_id, payment_id, provider, provider_dispute_id, status,"
        " reason, currency, amount, withdrawn, held, opened_at, closed_at)"
        " VALUES ($1, $2, $3, 'stripe', 'du_won', 'won', 'fraudulent', 'USD', 100, true, $4,"
        " now(), now())",
        dispute,
        order_id("completed"),
        payment_id("completed"),
        f'[{{"vendor_id": "{VENDOR}", "amount": 80}}]',
    )
    for step, sign in (("opened", 1), ("won", -1)):
        await connection.execute(
            "INSERT INTO ledger_postings (key, kind, currency, order_id, reference)"
            " VALUES ($1, $2, 'USD', $3, $4)",
            f"{dispute}:{step}",
            f"dispute_{step}",
            order_id("completed"),
            payment_id("completed"),
        )
        for position, (account, holder, amount) in enumerate(
            (
                ("disputes", "stripe", 100),
                ("provider_balance", "stripe", -100),
                ("vendor_payable", VENDOR, 80),
                ("vendor_held", VENDOR, -80),
            )
        ):
            await connection.execute(
                "INSERT INTO ledger_entries (posting_key, position, account, holder, currency,"
                " amount) VALUES ($1, $2, $3, $4, 'USD', $5)",
                f"{dispute}:{step}",
                position,
                account,
                holder,
                sign * amount,
            )


async def _move(connection: asyncpg.Connection, delta: int, reason: str, reference: str) -> None:
    await connection.execute(
        "INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)"
        " VALUES ($1, $2, $3, $4, $5, 'system')",
        WAREHOUSE,
        SKU,
        delta,
        reason,
        reference,
    )


async def _write_order(
    connection: asyncpg.Connection, number: int, status: str, state: State
) -> None:
    order = order_id(status)
    await connection.execute(
        "INSERT INTO idempotency_keys (caller_id, key, request_hash, resource_id)"
        " VALUES ($1, $2, 'hash', $3)",
        CUSTOMER,
        f"key-{status}",
        order,
    )
    await connection.execute(
        "INSERT INTO checkout_drafts (order_id, number, customer_id, cart)"
        " VALUES ($1, $2, $3, '{}')",
        order,
        number,
        CUSTOMER,
    )
    columns: dict[str, Any] = {
        "id": order,
        "number": number,
        "customer_id": CUSTOMER,
        "status": status,
        "payment_status": state.payment,
        "fulfillment_status": state.fulfillment,
        "currency": "USD",
        "subtotal_amount": SUBTOTAL,
        "discount_amount": 0,
        "shipping_amount": SHIPPING,
        "tax_amount": TAX,
        "total_amount": TOTAL,
        "shipping_tax_amount": TAX - ITEM_TAX,
        "shipping_method": "standard",
        "shipping_address": "{}",
        "version": len(state.events),
        "workflow_id": f"checkout/{order}",
    }
    await _insert(connection, "orders", columns)
    await _write_item(connection, order)
    await connection.execute(
        "INSERT INTO reservation_lines (order_id, warehouse_id, sku, quantity, status)"
        " VALUES ($1, $2, $3, $4, $5)",
        order,
        WAREHOUSE,
        SKU,
        QUANTITY,
        state.line,
    )
    if state.line == "consumed":
        await _move(connection, -QUANTITY, "shipped", f"shipped:{order}")


async def _write_item(connection: asyncpg.Connection, order: str) -> None:
    await connection.execute(
        "INSERT INTO order_items (order_id, position, id, sku, variant_id, vendor_id, name,"
        " quantity, unit_price_amount, total_amount, tax_amount)"
        " VALUES ($1, 0, $2, $3, $4, $5, 'Tee', $6, $7, $8, $9)",
        order,
        derived_id(Prefix.ITEM, order, 0),
        SKU,
        VARIANT,
        VENDOR,
        QUANTITY,
        UNIT_PRICE,
        SUBTOTAL,
        ITEM_TAX,
    )


async def _write_money(connection: asyncpg.Connection, status: str, state: State) -> None:
    columns = {
        "id": payment_id(status),
        "order_id": order_id(status),
        "attempt": 1,
        "provider": "stripe",
        "provider_payment_id": f"pi_{status}",
        "payment_method": "pm_card_visa",
        "status": state.payment,
        "currency": "USD",
        "amount": TOTAL,
        "authorized_amount": state.authorized,
        "captured_amount": state.captured,
        "refunded_amount": 0,
    }
    await _insert(connection, "payments", columns)
    if state.captured:
        await connection.execute(
            "INSERT INTO captures (payment_id, number, amount) VALUES ($1, 1, $2)",
            payment_id(status),
            state.captured,
        )


async def _write_shipment(connection: asyncpg.Connection, status: str, state: State) -> None:
    if state.shipment is None:
        return
    columns = {
        "id": shipment_id(status),
        "order_id": order_id(status),
        "number": 1,
        "vendor_id": VENDOR,
        "warehouse_id": WAREHOUSE,
        "status": state.shipment,
        "capture_amount": TOTAL,
    }
    await _insert(connection, "shipments", columns)
    await connection.execute(
        "INSERT INTO shipment_items (shipment_id, item_id, sku, quantity) VALUES ($1, $2, $3, $4)",
        shipment_id(status),
        derived_id(Prefix.ITEM, order_id(status), 0),
        SKU,
        QUANTITY,
    )
    await connection.execute(
        "UPDATE reservation_lines SET shipment_id = $1 WHERE order_id = $2",
        shipment_id(status),
        order_id(status),
    )


async def _write_history(connection: asyncpg.Connection, status: str, state: State) -> None:
    for sequence, event in enumerate(state.events, start=1):
        await connection.execute(
            "INSERT INTO order_timeline (order_id, sequence, type, title, detail, actor)"
            " VALUES ($1, $2, $3, '', '', 'system')",
            order_id(status),
            sequence,
            event,
        )
        await connection.execute(
            "INSERT INTO outbox (aggregate_id, sequence, type, payload) VALUES ($1, $2, $3, '{}')",
            order_id(status),
            sequence,
            event,
        )


async def _insert(connection: asyncpg.Connection, table: str, columns: dict[str, Any]) -> None:
    names = ", ".join(columns)
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    sql = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608  # fixed names
    await connection.execute(sql, *columns.values())


async def carry_ledger_over(database_url: str) -> None:
    """Post for the orders what an upgrade posts for those that are older than the ledger."""
    database = Database.open(PostgresSettings(url=SecretStr(database_url), pool_size=1))
    async with database.engine.begin() as connection:
        await connection.run_sync(carry_over)
    await database.close()
