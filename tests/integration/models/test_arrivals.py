"""Stock that comes in goes to the orders that wait for it, and into their parcels."""

from __future__ import annotations

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from core.domain.events import Actor
from core.domain.statuses import OrderStatus
from models.repositories import (
    backorders,
    orders,
    reservations,
    shares,
    shipments,
    stock_alerts,
    stock_moves,
)
from models.repositories.stock_moves import Movement
from tests.integration.models.counter import Counter
from tests.shop import PRICE, SHIPPING
from workflows.ports.checkout import CloseOrder
from workflows.ports.housekeeping import Housekeeping


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


async def test_housekeeping_serves_who_was_passed_over_and_tells_of_low_stock_once(
    counter: Counter,
) -> None:
    shelf = await counter.shop.stock_up(2)
    await counter.allow(shelf, "backorder")
    waits = await counter.confirm(shelf, 3)
    await counter.execute(
        "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = :sku", sku=shelf.sku
    )  # as if it had come free
    await counter.execute(
        "INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)"
        " VALUES (:place, :sku, 1, 'test', 'test', 'test')",
        place=shelf.warehouse_id,
        sku=shelf.sku,
    )
    await counter.execute("UPDATE variants SET low_stock_threshold = 1")

    tidied = await ActivityEnvironment().run(counter.housekeeping.tidy, Housekeeping())
    again = await ActivityEnvironment().run(counter.housekeeping.tidy, Housekeeping())

    assert (tidied.served_orders, tidied.stock_alerts) == (1, 1)
    assert (again.served_orders, again.stock_alerts) == (0, 0)
    assert await counter.waiting(waits) == [(1, 1, "allocated")]
    await counter.arrive(shelf, 1)
    assert await stock_alerts.watch(counter.shop.database) == [shelf.sku]
    events = await counter.execute(
        "SELECT type, sequence, payload ->> 'available' AS available FROM outbox"
        " WHERE aggregate_id = :id ORDER BY sequence",
        id=shelf.variant_id,
    )
    assert events == [
        {"type": "stock.low", "sequence": 1, "available": "0"},
        {"type": "stock.recovered", "sequence": 2, "available": "1"},
    ]


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
