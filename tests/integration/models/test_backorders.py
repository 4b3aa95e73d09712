"""What an order takes from stock, and what of it waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.testing import ActivityEnvironment

from core.domain.errors import Shortage
from core.domain.ids import Prefix, new_id
from core.domain.statuses import HoldStatus
from models.repositories import (
    backorders,
)
from tests.integration.models.counter import SOON, Counter
from workflows.ports.stock import PlaceHold, WantedItem


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
