"""A shop with the steps that orders take in the database, without their workflows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.housekeeping import PostgresHousekeepingActivities
from activities.stock import PostgresStockActivities
from core.domain.ids import Prefix, new_id
from core.domain.payments import ProviderPayment
from core.domain.statuses import OrderStatus, PaymentStatus
from models.repositories import (
    stock_moves,
)
from models.repositories.invariants import INVARIANTS, rows_that_break
from models.repositories.stock_moves import Movement
from tests.shop import PRICE, SHIPPING, Shelf, Shop
from workflows.ports.checkout import ConfirmOrder, OpenOrder
from workflows.ports.fulfillment import FulfillmentPlan, OrderRef

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)


@dataclass(frozen=True, kw_only=True)
class Counter:
    """The shop with the steps that a test takes at it."""

    shop: Shop
    checkout: PostgresCheckoutActivities
    fulfillment: PostgresFulfillmentActivities
    stock: PostgresStockActivities
    housekeeping: PostgresHousekeepingActivities

    async def execute(self, sql: str, **values: object) -> list[dict[str, Any]]:
        rows = await self.shop.database.statement(text(sql), values)
        return [dict(row) for row in rows]

    async def allow(
        self, shelf: Shelf, policy: str, *, limit: int | None = None, at: datetime | None = SOON
    ) -> None:
        await self.execute(
            "UPDATE variants SET backorder_policy = :policy, backorder_limit = :limit,"
            " promised_at = :at WHERE sku = :sku",
            policy=policy,
            limit=limit,
            at=at,
            sku=shelf.sku,
        )

    async def open(self, shelf: Shelf, quantity: int) -> str:
        order_id = await self.shop.draft(shelf, quantity)
        # The API plans nothing for a cart of which anything waits.
        await self.execute("UPDATE checkout_drafts SET cart = jsonb_set(cart, '{plan}', '[]')")
        await ActivityEnvironment().run(self.checkout.open_order, OpenOrder(order_id=order_id))
        return order_id

    async def confirm(self, shelf: Shelf, quantity: int) -> str:
        order_id = await self.open(shelf, quantity)
        payment = ProviderPayment(
            provider_payment_id=f"pi_{order_id}",
            status=PaymentStatus.AUTHORIZED,
            amount=PRICE * quantity + SHIPPING,
            authorized_amount=PRICE * quantity + SHIPPING,
            currency="USD",
        )
        step = ConfirmOrder(order_id=order_id, payment=payment)
        status = await ActivityEnvironment().run(self.checkout.confirm_order, step)
        assert status is OrderStatus.CONFIRMED
        return order_id

    async def plan(self, order_id: str) -> FulfillmentPlan:
        step = OrderRef(order_id=order_id)
        await ActivityEnvironment().run(self.fulfillment.plan_fulfillment, step)
        return await ActivityEnvironment().run(self.fulfillment.plan_fulfillment, step)

    async def arrive(self, shelf: Shelf, units: int) -> list[str]:
        movement = Movement(
            warehouse_id=shelf.warehouse_id,
            sku=shelf.sku,
            delta=units,
            reason="delivery",
            reference=new_id(Prefix.EVENT),
        )
        async with self.shop.database.transaction() as session:
            return await stock_moves.receive(session, [movement], actor="test")

    async def waiting(self, order_id: str) -> list[tuple[int, int, str]]:
        rows = await self.execute(
            "SELECT number, quantity, status FROM backorders WHERE order_id = :id ORDER BY number",
            id=order_id,
        )
        return [(row["number"], row["quantity"], row["status"]) for row in rows]

    async def broken_promises(self) -> dict[str, object]:
        found = {one.name: await rows_that_break(self.shop.database, one) for one in INVARIANTS}
        return {name: rows for name, rows in found.items() if rows}
