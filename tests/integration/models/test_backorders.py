"""Orders that wait for stock, from the checkout to their last parcel, at the repositories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.stock import PostgresStockActivities
from core.domain.errors import Shortage
from core.domain.events import Actor
from core.domain.ids import Prefix, new_id
from core.domain.payments import ProviderPayment
from core.domain.statuses import HoldStatus, OrderStatus, PaymentStatus
from core.resources import open_resources
from core.settings import Settings
from models.repositories import backorders, orders, reservations, shares, shipments, stock_moves
from models.repositories.invariants import INVARIANTS, rows_that_break
from models.repositories.stock_moves import Movement
from tests.shop import PRICE, SHIPPING, Shelf, Shop
from workflows.ports.checkout import CloseOrder, ConfirmOrder, OpenOrder
from workflows.ports.fulfillment import FulfillmentPlan, OrderRef
from workflows.ports.stock import PlaceHold, WantedItem

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)


@dataclass(frozen=True, kw_only=True)
class Counter:
    """The shop with the steps that a test takes at it."""

    shop: Shop
    checkout: PostgresCheckoutActivities
    fulfillment: PostgresFulfillmentActivities
    stock: PostgresStockActivities

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


@pytest.fixture
async def counter(settings: Settings, database_url: str) -> AsyncIterator[Counter]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    settings = settings.model_copy(update={"postgres": postgres})
    async with open_resources(settings) as resources:
        counter = Counter(
            shop=Shop(resources.database, resources.temporal),
            checkout=PostgresCheckoutActivities(resources.database, resources.temporal, settings),
            fulfillment=PostgresFulfillmentActivities(resources.database, settings.fulfillment),
            stock=PostgresStockActivities(resources.database),
        )
        yield counter
        assert await counter.broken_promises() == {}


async def test_order_for_more_than_there_is_takes_that_and_waits_for_the_rest(
    counter: Counter,
) -> None:
    shelf = await counter.shop.stock_up(2)
    await counter.allow(shelf, "backorder")

    order_id = await counter.confirm(shelf, 5)

    assert await counter.shop.levels(shelf) == (2, 2)
    assert await counter.waiting(order_id) == [(1, 3, "waiting")]
    entries = await counter.shop.timeline(order_id)
    assert [entry["type"] for entry in entries][:3] == [
        "order.placed",
        "stock.reserved",
        "stock.backordered",
    ]
    assert entries[2]["detail"] == f"3 of {shelf.sku}, expected {SOON:%Y-%m-%d}"


async def test_order_that_waits_for_everything_has_no_stock_reserved(counter: Counter) -> None:
    shelf = await counter.shop.stock_up(0)
    await counter.allow(shelf, "backorder")

    order_id = await counter.confirm(shelf, 2)

    assert await counter.waiting(order_id) == [(1, 2, "waiting")]
    assert await counter.shop.lines(order_id) == []
    assert "stock.reserved" not in await counter.shop.events(order_id)


async def test_buyers_at_once_never_wait_beyond_the_limit(counter: Counter) -> None:
    shelf = await counter.shop.stock_up(1)
    await counter.allow(shelf, "backorder", limit=3)

    placed = await asyncio.gather(*(counter.open(shelf, 1) for _ in range(8)))

    statuses = [await counter.shop.status(order_id) for order_id in placed]
    assert sorted(map(str, statuses)) == ["failed"] * 4 + ["pending"] * 4
    [row] = await counter.execute("SELECT sum(quantity) AS units FROM backorders")
    assert row["units"] == 3
    failed = placed[statuses.index("failed")]
    failure = (await counter.shop.order(failed))["failure"]
    assert failure == {
        "code": "out-of-stock",
        "items": [{"sku": shelf.sku, "requested": 1, "available": 0}],
    }


async def test_preorder_waits_although_there_is_stock_and_gets_it_on_its_date(
    counter: Counter,
) -> None:
    shelf = await counter.shop.stock_up(5)
    await counter.allow(shelf, "preorder")

    order_id = await counter.confirm(shelf, 2)
    early = await counter.arrive(shelf, 1)
    await counter.allow(shelf, "preorder", at=datetime.now(UTC) - timedelta(seconds=1))
    async with counter.shop.database.transaction() as session:
        places = await backorders.overdue_places(session)
        served = await backorders.allocate_waiting(session, places)

    assert early == []
    assert served == [order_id]
    assert await counter.shop.levels(shelf) == (6, 2)


async def test_hold_never_waits_for_stock(counter: Counter) -> None:
    shelf = await counter.shop.stock_up(1)

    async def hold(quantity: int) -> tuple[HoldStatus, list[Shortage]]:
        step = PlaceHold(
            hold_id=new_id(Prefix.HOLD),
            owner_id=counter.shop.customer_id,
            items=[WantedItem(sku=shelf.sku, quantity=quantity)],
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
        placed = await ActivityEnvironment().run(counter.stock.place_hold, step)
        return placed.status, list(placed.shortages)

    await counter.allow(shelf, "backorder")
    assert await hold(2) == (
        HoldStatus.RELEASED,
        [Shortage(sku=shelf.sku, requested=2, available=1)],
    )
    await counter.allow(shelf, "preorder")
    assert await hold(1) == (
        HoldStatus.RELEASED,
        [Shortage(sku=shelf.sku, requested=1, available=0)],
    )
    await counter.allow(shelf, "preorder", at=datetime.now(UTC) - timedelta(seconds=1))
    assert await hold(1) == (HoldStatus.ACTIVE, [])


async def test_arriving_stock_goes_to_the_oldest_orders_and_splits_where_it_ends(
    counter: Counter,
) -> None:
    shelf = await counter.shop.stock_up(0)
    await counter.allow(shelf, "backorder")
    first, second, third = [await counter.confirm(shelf, 3) for _ in range(3)]

    assert await counter.arrive(shelf, 5) == sorted([first, second])

    assert await counter.waiting(first) == [(1, 3, "allocated")]
    assert await counter.waiting(second) == [(1, 1, "waiting"), (2, 2, "allocated")]
    assert await counter.waiting(third) == [(1, 3, "waiting")]
    assert await counter.shop.levels(shelf) == (5, 5)
    entry = (await counter.shop.timeline(second))[-1]
    assert (entry["type"], entry["detail"]) == (
        "stock.backorder_allocated",
        f"2 of {shelf.sku}",
    )

    assert await counter.arrive(shelf, 9) == sorted([second, third])
    assert await counter.waiting(second) == [(1, 1, "allocated"), (2, 2, "allocated")]
    assert await counter.shop.levels(shelf) == (14, 9)


async def test_same_inflow_twice_counts_once(counter: Counter) -> None:
    shelf = await counter.shop.stock_up(0)
    await counter.allow(shelf, "backorder")
    order_id = await counter.confirm(shelf, 4)
    movement = Movement(
        warehouse_id=shelf.warehouse_id,
        sku=shelf.sku,
        delta=3,
        reason="returned",
        reference=f"return:{order_id}",
    )

    served = []
    for _ in range(2):
        async with counter.shop.database.transaction() as session:
            served.append(await stock_moves.receive(session, [movement], actor="test"))

    assert served == [[order_id], []]
    assert await counter.shop.levels(shelf) == (3, 3)
    assert await counter.waiting(order_id) == [(1, 1, "waiting"), (2, 3, "allocated")]


async def test_order_that_is_busy_is_passed_over_and_served_by_the_next_look(
    counter: Counter,
) -> None:
    shelf = await counter.shop.stock_up(0)
    await counter.allow(shelf, "backorder")
    busy, free = [await counter.confirm(shelf, 1) for _ in range(2)]

    async with counter.shop.database.transaction() as session:
        await orders.lock(session, busy)
        assert await counter.arrive(shelf, 2) == [free]
    async with counter.shop.database.transaction() as session:
        places = await backorders.overdue_places(session)
        assert await backorders.allocate_waiting(session, places) == [busy]
        assert await backorders.overdue_places(session) == []


async def test_unpaid_and_ended_orders_get_nothing(counter: Counter) -> None:
    shelf = await counter.shop.stock_up(0)
    await counter.allow(shelf, "backorder")
    unpaid, ended = await counter.open(shelf, 1), await counter.open(shelf, 1)
    close = CloseOrder(
        order_id=ended,
        status=OrderStatus.CANCELED,
        code="canceled",
        reason="",
        actor=Actor.SYSTEM,
    )

    for _ in range(2):
        await ActivityEnvironment().run(counter.checkout.close_order, close)

    assert await counter.arrive(shelf, 5) == []
    assert await counter.waiting(unpaid) == [(1, 1, "waiting")]
    assert await counter.waiting(ended) == [(1, 1, "canceled")]
    assert await counter.shop.levels(shelf) == (5, 0)


async def test_partly_backordered_order_is_planned_and_shared_out_part_by_part(
    counter: Counter,
) -> None:
    shelf = await counter.shop.stock_up(1)
    await counter.allow(shelf, "backorder")
    order_id = await counter.confirm(shelf, 4)
    total = 4 * PRICE + SHIPPING

    first = await counter.plan(order_id)
    async with counter.shop.database.transaction() as session:
        assert await backorders.any_waiting(session, order_id)
        rest = await shares.reshare(session, await orders.lock(session, order_id))
    assert [one.capture_amount for one in first.shipments] == [total - rest]
    assert rest == 3 * PRICE + 3 * SHIPPING // 4

    await counter.arrive(shelf, 1)
    async with counter.shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        assert await shares.reshare(session, order) == rest  # given stock, not in a parcel yet
        assert len(await shipments.plan(session, order)) == 2
        assert await shares.reshare(session, order) == 2 * PRICE + SHIPPING // 2
    assert await counter.broken_promises() == {}

    await counter.arrive(shelf, 2)
    last = await counter.plan(order_id)

    assert sum(one.capture_amount for one in last.shipments) == total
    assert [one.capture_amount for one in last.shipments] == [2124, 2124, 4248]
    parcels = await counter.execute(
        "SELECT quantity FROM shipment_items JOIN shipments s ON s.id = shipment_id"
        " WHERE order_id = :id ORDER BY number",
        id=order_id,
    )
    assert [parcel["quantity"] for parcel in parcels] == [1, 1, 2]


async def test_fulfilment_that_missed_the_news_is_found_after_a_minute(counter: Counter) -> None:
    shelf = await counter.shop.stock_up(1)
    await counter.allow(shelf, "backorder")
    order_id = await counter.confirm(shelf, 2)
    await counter.plan(order_id)
    await counter.arrive(shelf, 1)

    async with counter.shop.database.transaction() as session:
        assert await backorders.untold_orders(session) == []
        await session.execute(
            text("UPDATE reservation_lines SET created_at = now() - interval '61 seconds'")
        )
        assert await backorders.untold_orders(session) == [order_id]
    await counter.plan(order_id)
    async with counter.shop.database.transaction() as session:
        assert await backorders.untold_orders(session) == []


async def test_stock_of_a_canceled_order_is_released_once_and_given_to_who_waits(
    counter: Counter,
) -> None:
    shelf = await counter.shop.stock_up(2)
    await counter.allow(shelf, "backorder")
    gone, waits = await counter.open(shelf, 2), await counter.confirm(shelf, 1)
    close = CloseOrder(
        order_id=gone, status=OrderStatus.FAILED, code="payment-declined", reason="", actor="system"
    )
    await ActivityEnvironment().run(counter.checkout.close_order, close)

    async with counter.shop.database.transaction() as session:
        assert await reservations.release_order(session, gone) == 0
        places = await backorders.overdue_places(session)
        assert await backorders.allocate_waiting(session, places) == [waits]
    assert await counter.shop.levels(shelf) == (2, 1)
