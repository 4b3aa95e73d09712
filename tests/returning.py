"""Delivered orders for tests of returns, without the workflows that deliver them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, text

from activities.checkout import PostgresCheckoutActivities
from core.database import Database
from core.domain.ids import Prefix, new_id
from core.domain.statuses import OrderStatus, PaymentStatus, ShipmentStatus
from core.gateways.payments import Authorization
from core.resources import Resources
from models.payments import Capture, Payment
from models.repositories import orders, reservations, returns, shares, shipments
from models.repositories.invariants import rows_that_break
from models.repositories.invariants.returns import RETURNS
from models.repositories.invariants.stock import STOCK
from models.repositories.returns import WantedReturn
from tests.shop import Shelf, Shop
from workflows.ports.checkout import OpenOrder

WINDOW = 14 * 86_400
ACTOR = "customer:usr_test"

_COMMIT = text("UPDATE reservation_lines SET status = 'committed' WHERE order_id = :id")
_AMOUNTS = text("""
UPDATE order_items SET discount_amount = :discount, tax_amount = :tax
WHERE order_id = :id AND position = 0
""")


@dataclass(frozen=True, kw_only=True)
class Sold:
    """An order and its items' ids, in their order."""

    order_id: str
    items: Sequence[str]


async def delivered(
    resources: Resources,
    shop: Shop,
    shelf: Shelf,
    quantity: int = 1,
    *,
    more: Sequence[Shelf] = (),
    discount: int = 0,
    tax: int = 0,
    at_the_provider: bool = False,
) -> Sold:
    """An order that was paid and delivered; discount and tax are of its first item.

    Its payment is in the rows alone, unless it has to be refunded ``at_the_provider``.
    """
    order_id = await shop.draft(shelf, quantity, more=more)
    checkout = PostgresCheckoutActivities(
        resources.database, resources.temporal, resources.settings
    )
    await checkout.open_order(OpenOrder(order_id=order_id))
    async with resources.database.transaction() as session:
        order = await orders.lock(session, order_id)
        await session.execute(_COMMIT, {"id": order_id})
        await session.execute(_AMOUNTS, {"id": order_id, "discount": discount, "tax": tax})
        order.discount_amount, order.tax_amount = discount, tax
        order.total_amount += tax - discount
        order.payment_status = PaymentStatus.CAPTURED
        order.status = OrderStatus.DELIVERED
        order.delivered_at = datetime.now(UTC)
        parcels = await shipments.plan(session, order)
        await shares.reshare(session, order)
        payment = await orders.first_payment(session, order_id)
        payment.amount = payment.authorized_amount = order.total_amount
        payment.captured_amount = order.total_amount
        payment.status = PaymentStatus.CAPTURED
        payment.provider_payment_id = (
            await _charged(resources, payment) if at_the_provider else f"pi_{order_id}"
        )
        for parcel in parcels:
            await reservations.consume_shipment(session, parcel.id)
            parcel.status, parcel.delivered_at = ShipmentStatus.DELIVERED, datetime.now(UTC)
            session.add(
                Capture(payment_id=payment.id, number=parcel.number, amount=parcel.capture_amount)
            )
    rows = await resources.database.statement(
        text("SELECT id FROM order_items WHERE order_id = :id ORDER BY position"), {"id": order_id}
    )
    return Sold(order_id=order_id, items=[row["id"] for row in rows])


async def _charged(resources: Resources, payment: Payment) -> str:
    gateway = resources.payments[payment.provider]
    answer = await gateway.authorize(
        Authorization(
            order_id=payment.order_id,
            payment_id=payment.id,
            amount=payment.amount,
            currency=payment.currency,
            payment_method=payment.payment_method,
            key=f"{payment.order_id}:authorize:1",
        )
    )
    provider_payment_id = answer.payment.provider_payment_id
    assert provider_payment_id is not None
    await gateway.capture(
        provider_payment_id,
        amount=payment.amount,
        final=True,
        key=f"{payment.order_id}:capture:1",
    )
    return provider_payment_id


async def requested(
    database: Database, sold: Sold, quantity: int = 1, *, item: int = 0, **wanted: Any
) -> str:
    """Write a return as the API does; its id."""
    one = {"reason": "damaged", **wanted}
    return_id = new_id(Prefix.RETURN)
    async with database.transaction() as session:
        await returns.request(
            session,
            await orders.lock(session, sold.order_id),
            return_id=return_id,
            wanted=[WantedReturn(item_id=sold.items[item], quantity=quantity, **one)],
            actor=ACTOR,
            window_seconds=WINDOW,
        )
    return return_id


async def row(database: Database, table: str, id_: str) -> RowMapping:
    """The row with this id."""
    rows = await database.statement(text(f"SELECT * FROM {table} WHERE id = :id"), {"id": id_})  # noqa: S608  # names of tests
    return rows[0]


async def broken(database: Database) -> dict[str, list[dict[str, Any]]]:
    """What breaks an invariant of returns or of stock."""
    found = {one.name: await rows_that_break(database, one) for one in (*RETURNS, *STOCK)}
    return {name: rows for name, rows in found.items() if rows}
