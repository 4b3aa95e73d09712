"""What is payable, drawn up at random moments of random sales: paid once, never too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.domain.statuses import OrderStatus
from core.settings import PostgresSettings
from models.repositories import payables, settlement_views, settlements
from models.repositories.invariants import INVARIANTS, rows_that_break
from models.settlements import Settlement
from tests.vendor_books import CURRENCY, VendorBooks, soon

_LINES = text("SELECT count(*) AS n FROM settlement_lines")
_NAMES = {
    "settlement_is_its_lines",
    "line_is_its_entry",
    "entry_is_settled_once",
    "paid_settlement_is_posted",
    "settlement_is_approved",
}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url), pool_size=5))
    yield database
    broken = {
        one.name: await rows_that_break(database, one) for one in INVARIANTS if one.name in _NAMES
    }
    assert set(broken) == _NAMES
    assert {name: rows for name, rows in broken.items() if rows} == {}
    await database.close()


@pytest.fixture
async def books(database: Database) -> VendorBooks:
    return await VendorBooks(database=database).open()


async def draw_up(books: VendorBooks, until: datetime) -> Settlement | None:
    async with books.database.transaction() as session:
        return await settlements.draw_up(
            session,
            settlements.Draft(
                settlement_id=new_id(Prefix.SETTLEMENT),
                vendor_id=books.vendor_id,
                currency=CURRENCY,
                period_end_at=until,
                created_by="system",
                automatic_amount=0,
                two_person_amount=0,
            ),
        )


async def give_up(books: VendorBooks, settlement_id: str) -> None:
    async with books.database.transaction() as session:
        await settlements.cancel(
            session,
            settlements.Decision(
                settlement_id=settlement_id, actor="staff:usr_1", reason="", update_id=settlement_id
            ),
        )


async def balance(books: VendorBooks) -> payables.Balance:
    (found,) = await payables.balances(books.database, soon(), vendor_id=books.vendor_id)
    return found


@dataclass
class Sold:
    """An order as the rule of what is payable sees it; ``entries`` are amounts and settlements."""

    id: str
    ended: bool = False
    returning: bool = False
    disputed: bool = False
    entries: list[list[int | str | None]] = field(default_factory=list)

    def payable(self) -> list[list[int | str | None]]:
        settled = any(settlement is not None for _, settlement in self.entries)
        ready = self.ended and not self.returning and not self.disputed
        return [
            entry
            for number, entry in enumerate(self.entries)
            if entry[1] is None and (ready or (settled and number > 0))
        ]


class Life:
    """Random sales, refunds, returns and disputes of one vendor, and what they should come to."""

    def __init__(self, books: VendorBooks, seed: int) -> None:
        self.books, self.random = books, Random(seed)  # noqa: S311  # a test, repeatable
        self.orders: list[Sold] = []
        self.made: list[str] = []
        self.settled = 0
        self.until = soon()

    async def step(self) -> None:
        often = [self.sell, self.end, self.settle] * 3
        rare = [self.refund, self.turn_return, self.turn_dispute, self.cancel]
        await self.random.choice([*often, *rare])()
        await self.check()

    async def sell(self) -> None:
        order = Sold(await self.books.order(OrderStatus.DELIVERED))
        net = self.random.randint(1, 5_000)
        await self.books.sale(order.id, net, commission=self.random.randint(0, 500))
        order.entries.append([net, None])
        self.orders.append(order)

    async def end(self) -> None:
        for order in self.random.sample(self.orders, min(2, len(self.orders))):
            order.ended = True
            await self.books.move_order(order.id, OrderStatus.COMPLETED)

    async def refund(self) -> None:
        if self.orders:
            order = self.random.choice(self.orders)
            amount = self.random.randint(1, 3_000)
            await self.books.refund(order.id, amount, commission=self.random.randint(0, 50))
            order.entries.append([-amount, None])

    async def turn_return(self) -> None:
        if self.orders:
            order = self.random.choice(self.orders)
            order.returning = not order.returning
            await self.books.returned(order.id, "received" if order.returning else "refunded")

    async def turn_dispute(self) -> None:
        if self.orders:
            order = self.random.choice(self.orders)
            order.disputed = not order.disputed
            await self.books.disputed(order.id, "under_review" if order.disputed else "won")

    async def settle(self) -> None:
        self.until += timedelta(seconds=1)
        wanted = [entry for order in self.orders for entry in order.payable()]
        total = _sum(wanted)
        settlement = await draw_up(self.books, self.until)
        assert (settlement.amount if settlement else None) == (total if total > 0 else None)
        if settlement is not None:
            self.settled += 1
            self.made.append(settlement.id)
            for entry in wanted:
                entry[1] = settlement.id

    async def cancel(self) -> None:
        if self.made:
            settlement_id = self.made.pop(self.random.randrange(len(self.made)))
            await give_up(self.books, settlement_id)
            for order in self.orders:
                for entry in order.entries:
                    entry[1] = None if entry[1] == settlement_id else entry[1]

    async def check(self) -> None:
        entries = [entry for order in self.orders for entry in order.entries]
        if not entries:
            return
        found = await balance(self.books)
        payable = _sum([entry for order in self.orders for entry in order.payable()])
        settling = _sum([entry for entry in entries if entry[1] is not None])
        assert (found.owed, found.payable, found.settling) == (_sum(entries), payable, settling)
        assert found.waiting == found.owed - payable - settling


def _sum(entries: list[list[int | str | None]]) -> int:
    return sum(int(amount or 0) for amount, _ in entries)


@pytest.mark.parametrize("seed", range(4))
async def test_random_sales_are_settled_once_and_to_the_last_unit(
    books: VendorBooks, seed: int
) -> None:
    life = Life(books, seed)
    for _ in range(40):
        await life.step()
    assert life.settled > 1, "the seed settles next to nothing"


async def test_settlements_at_once_settle_nothing_twice(books: VendorBooks) -> None:
    order_id = await books.order()
    for _ in range(5):
        await books.sale(order_id, 100)
    end = soon()

    made = await asyncio.gather(
        *(draw_up(books, end + timedelta(seconds=number)) for number in range(5))
    )

    assert [one.amount for one in made if one is not None] == [500]
    assert (await books.database.statement(_LINES, {}))[0]["n"] == 5


async def test_refund_after_the_settlement_is_taken_back_from_the_next(
    books: VendorBooks,
) -> None:
    end = soon()
    first, second = await books.order(), await books.order(OrderStatus.DELIVERED)
    await books.sale(first, 1_000, commission=100)
    paid = await draw_up(books, end)
    assert paid is not None
    await books.returned(first, "received")
    await books.refund(first, 1_000, commission=100)
    assert await draw_up(books, end + timedelta(seconds=1)) is None
    owing = await payables.balances(books.database, soon(), owing=True)
    assert [(one.vendor_id, one.payable) for one in owing] == [(books.vendor_id, -1_000)]

    await books.sale(second, 1_500, commission=200)
    assert await draw_up(books, end + timedelta(seconds=2)) is None
    await books.move_order(second, OrderStatus.COMPLETED)
    following = await draw_up(books, end + timedelta(seconds=3))

    assert following is not None
    assert (following.sales_amount, following.refunds_amount, following.commission_amount) == (
        1_700, -1_100, 100
    )  # fmt: skip
    assert (following.amount, following.period_start_at) == (500, end)
    lines = await settlement_views.lines_of(books.database, following.id)
    assert [(line.kind, line.gross, line.commission, line.net) for line in lines] == [
        ("refund", -1_100, -100, -1_000),
        ("sale", 1_700, 200, 1_500),
    ]
    assert {line.order_id for line in lines} == {first, second}
    assert all(line.order_number for line in lines)


async def test_statement_begins_with_what_the_last_one_carried_over(books: VendorBooks) -> None:
    end = soon()
    await books.sale(await books.order(), 1_000)
    await books.sale(await books.order(OrderStatus.DELIVERED), 300)
    first = await draw_up(books, end)
    assert first is not None
    assert (first.opening_amount, first.amount, first.carried_amount) == (0, 1_000, 300)
    await books.adjustment(50)
    second = await draw_up(books, end + timedelta(seconds=5))
    assert second is not None

    assert (second.opening_amount, second.amount, second.carried_amount) == (350, 50, 300)
    assert second.adjustments_amount == 50


async def test_disputed_sale_is_held_back_until_it_is_won(books: VendorBooks) -> None:
    order_id = await books.order()
    await books.sale(order_id, 800)
    await books.disputed(order_id, "needs_response")
    await books.dispute_opened(order_id, 800)

    assert await draw_up(books, soon()) is None
    found = await balance(books)
    assert (found.owed, found.payable, found.waiting, found.held) == (0, 0, 0, 800)


async def test_period_that_is_over_already_settles_nothing(books: VendorBooks) -> None:
    end = soon()
    await books.adjustment(10)
    assert await draw_up(books, end) is not None
    await books.adjustment(10)

    assert await draw_up(books, end) is None
    assert await draw_up(books, end - timedelta(hours=1)) is None
    assert (await balance(books)).payable == 10
