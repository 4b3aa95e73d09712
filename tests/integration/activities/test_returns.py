"""The database steps of returns, each run twice: the second run changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from activities.returns import PostgresReturnActivities
from core.domain.errors import InvalidStateError
from core.domain.statuses import ReturnStatus
from core.resources import Resources, open_resources
from core.settings import Settings
from core.settings_trade import ReturnSettings
from models.repositories.returns import NotReturnableError
from tests.integration.activities.test_twice import twice
from tests.returning import Sold, broken, delivered, requested, row
from tests.shop import PRICE, SHIPPING, Shop
from workflows.ports.returns import (
    DropExchange,
    MoveReturn,
    OpenReturn,
    ReceivedItem,
    ReceiveReturn,
    ReturnRef,
    ReturnState,
)

STAFF = "staff:usr_test"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Desk:
    """Staff that takes returns in, on a database of its own."""

    def __init__(self, resources: Resources, **policy: Any) -> None:
        self.resources = resources
        self.database = resources.database
        self.shop = Shop(resources.database, resources.temporal)
        self.steps = PostgresReturnActivities(
            resources.database, ReturnSettings(**policy), resources.settings.fulfillment
        )

    async def move(self, sold: Sold, return_id: str, status: ReturnStatus) -> ReturnState:
        step = MoveReturn(
            order_id=sold.order_id, return_id=return_id, status=status, actor=STAFF, reason="why"
        )
        state: ReturnState = await twice(self.steps.move_return, step)
        return state

    async def receive(
        self,
        sold: Sold,
        return_id: str,
        *,
        sellable: int = 0,
        damaged: int = 0,
        item: int = 0,
        refusal: str | None = None,
    ) -> ReturnState:
        await self.move(sold, return_id, ReturnStatus.APPROVED)
        state: ReturnState = await twice(
            self.steps.receive_return,
            ReceiveReturn(
                order_id=sold.order_id,
                return_id=return_id,
                items=[ReceivedItem(item_id=sold.items[item], sellable=sellable, damaged=damaged)],
                actor=STAFF,
                refusal=refusal,
            ),
        )
        return state

    async def credit(self, return_id: str) -> int:
        return int((await row(self.database, "returns", return_id))["refund_amount"])

    async def movements(self, return_id: str) -> list[tuple[int, str]]:
        rows = await self.database.statement(
            text(
                "SELECT delta, reason FROM stock_movements"
                " WHERE starts_with(reference, 'return:' || :id) ORDER BY reference"
            ),
            {"id": return_id},
        )
        return [(one["delta"], one["reason"]) for one in rows]

    async def price(self, sku: str, amount: int) -> None:
        await self.database.statement(
            text(
                "UPDATE variant_prices SET amount = :amount FROM variants v"
                " WHERE v.id = variant_id AND v.sku = :sku"
            ),
            {"sku": sku, "amount": amount},
        )


@pytest.fixture
async def resources(settings: Settings, database_url: str) -> AsyncIterator[Resources]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    own = settings.model_copy(update={"postgres": postgres})
    async with open_resources(own) as opened:
        yield opened


@pytest.fixture
async def desk(resources: Resources) -> AsyncIterator[Desk]:
    desk = Desk(resources)
    yield desk
    assert await broken(resources.database) == {}


async def test_two_returns_of_one_unit_at_once_one_wins(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(2)
    sold = await delivered(desk.resources, desk.shop, shelf)
    both = await asyncio.gather(
        requested(desk.database, sold),
        requested(desk.database, sold),
        return_exceptions=True,
    )

    (refused,) = [one for one in both if isinstance(one, NotReturnableError)]
    assert len([one for one in both if isinstance(one, str)]) == 1
    assert refused.extra() == {
        "state": "delivered",
        "allowed": ["completed"],
        "errors": [{"pointer": "/items/0/quantity", "detail": "0 of 1 delivered can be returned"}],
    }


async def test_return_of_more_than_was_delivered_is_refused(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(3)
    sold = await delivered(desk.resources, desk.shop, shelf, 2)

    with pytest.raises(NotReturnableError) as refusal:
        await requested(desk.database, sold, 3)
    assert refusal.value.allowed == (f"return up to 2 of {sold.items[0]}",)


async def test_return_after_its_window_is_refused(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(1)
    sold = await delivered(desk.resources, desk.shop, shelf)
    late = text(
        "UPDATE shipments SET delivered_at = now() - interval '15 days' WHERE order_id = :id"
    )
    await desk.database.statement(late, {"id": sold.order_id})

    with pytest.raises(InvalidStateError, match="state is delivered"):
        await requested(desk.database, sold)


@pytest.mark.parametrize(
    ("amount", "status"), [(PRICE, ReturnStatus.APPROVED), (PRICE - 1, ReturnStatus.REQUESTED)]
)
async def test_policy_approves_what_is_worth_little(
    resources: Resources, amount: int, status: ReturnStatus
) -> None:
    desk = Desk(resources, auto_approve_reasons=("damaged",), auto_approve_amount=amount)
    sold = await delivered(resources, desk.shop, await desk.shop.stock_up(1))
    return_id = await requested(desk.database, sold)
    terms = await twice(
        desk.steps.open_return, OpenReturn(order_id=sold.order_id, return_id=return_id, at=NOW)
    )

    days = 14 if status is ReturnStatus.APPROVED else 2
    assert terms.state == ReturnState(
        status=status, deadline_at=NOW + timedelta(days=days), shipments=[]
    )


async def test_parts_of_a_line_come_back_worth_the_line_to_the_last_unit(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(3)
    sold = await delivered(desk.resources, desk.shop, shelf, 3, discount=100, tax=473)
    credited = []
    for _ in range(3):
        return_id = await requested(desk.database, sold, reason="changed_mind")
        state = await desk.receive(sold, return_id, sellable=1)
        assert state.status is ReturnStatus.INSPECTED
        credited.append(await desk.credit(return_id))

    assert credited == [2124, 2122, 2124]
    assert sum(credited) == 3 * PRICE - 100 + 473
    assert await desk.shop.levels(shelf) == (3, 0)
    assert (await desk.shop.order(sold.order_id))["fulfillment_status"] == "returned"


async def test_damaged_goods_are_paid_and_written_off_and_what_did_not_come_is_neither(
    desk: Desk,
) -> None:
    shelf = await desk.shop.stock_up(5)
    sold = await delivered(desk.resources, desk.shop, shelf, 4)
    return_id = await requested(desk.database, sold, 4)
    state = await desk.receive(sold, return_id, sellable=1, damaged=2)

    assert await desk.credit(return_id) == 3 * PRICE
    assert await desk.movements(return_id) == [
        (1, "returned"),
        (2, "damaged"),
        (-2, "written_off"),
    ]
    assert await desk.shop.levels(shelf) == (2, 0)
    refund = await row(desk.database, "refunds", state.refund_id or "")
    assert refund["items"] == [{"item_id": sold.items[0], "quantity": 3}]
    again = await requested(desk.database, sold)
    assert (await row(desk.database, "returns", again))["status"] == "requested"


@pytest.mark.parametrize(("reason", "shipping"), [("damaged", SHIPPING), ("changed_mind", 0)])
async def test_shipping_goes_back_only_for_the_shops_fault(
    desk: Desk, reason: str, shipping: int
) -> None:
    sold = await delivered(desk.resources, desk.shop, await desk.shop.stock_up(1))
    return_id = await requested(desk.database, sold, reason=reason)
    await desk.receive(sold, return_id, sellable=1)

    assert await desk.credit(return_id) == PRICE + shipping


async def test_goods_refused_after_inspection_are_not_paid_and_not_restocked(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(1)
    sold = await delivered(desk.resources, desk.shop, shelf)
    return_id = await requested(desk.database, sold)
    state = await desk.receive(sold, return_id, damaged=1, refusal="worn (goods sent_back)")

    assert (state.status, state.refund_id) == (ReturnStatus.REJECTED, None)
    assert await desk.movements(return_id) == []
    audit = await desk.database.statement(
        text("SELECT action, reason FROM audit_log WHERE target = :id ORDER BY id"),
        {"id": return_id},
    )
    assert [(one["action"], one["reason"]) for one in audit] == [
        ("return.approved", "why"),
        ("return.received", ""),
        ("return.rejected", "worn (goods sent_back)"),
    ]


@pytest.mark.parametrize(
    ("price", "refund", "to_authorize"),
    [(PRICE, 0, 0), (PRICE - 500, 500, 0), (PRICE + 700, 0, 700)],
    ids=["same", "cheaper", "dearer"],
)
async def test_exchange_is_reserved_and_only_the_difference_is_paid(
    desk: Desk, price: int, refund: int, to_authorize: int
) -> None:
    shelf, other = await desk.shop.stock_up(1), await desk.shop.stock_up(2)
    await desk.price(other.sku, price)
    sold = await delivered(desk.resources, desk.shop, shelf)
    return_id = await requested(desk.database, sold, exchange_sku=other.sku)
    state = await desk.receive(sold, return_id, sellable=1)

    assert (await desk.credit(return_id), state.to_authorize) == (refund, to_authorize)
    (parcel,) = state.shipments
    assert (parcel.number, parcel.capture_amount) == (2, to_authorize)
    assert await desk.shop.levels(other) == (2, 1)
    assert await desk.shop.levels(shelf) == (1, 0)
    ref = ReturnRef(order_id=sold.order_id, return_id=return_id)
    if not refund:
        closed = await twice(desk.steps.close_return, ref)
        assert closed.status is ReturnStatus.REFUNDED


async def test_exchange_that_is_not_paid_becomes_a_refund_of_everything(desk: Desk) -> None:
    shelf, other = await desk.shop.stock_up(1), await desk.shop.stock_up(2)
    await desk.price(other.sku, PRICE + 700)
    sold = await delivered(desk.resources, desk.shop, shelf)
    return_id = await requested(desk.database, sold, exchange_sku=other.sku)
    await desk.receive(sold, return_id, sellable=1)
    state = await twice(
        desk.steps.drop_exchange,
        DropExchange(order_id=sold.order_id, return_id=return_id, reason="declined"),
    )

    assert (state.to_authorize, state.shipments) == (0, [])
    assert await desk.credit(return_id) == PRICE + SHIPPING
    assert await desk.shop.levels(other) == (2, 0)


async def test_exchange_that_is_out_of_stock_becomes_a_refund(desk: Desk) -> None:
    shelf, other = await desk.shop.stock_up(1), await desk.shop.stock_up(0)
    sold = await delivered(desk.resources, desk.shop, shelf)
    return_id = await requested(desk.database, sold, exchange_sku=other.sku)
    state = await desk.receive(sold, return_id, sellable=1)

    assert (state.to_authorize, list(state.shipments)) == (0, [])
    assert await desk.credit(return_id) == PRICE + SHIPPING
    told = [entry["title"] for entry in await desk.shop.timeline(sold.order_id)]
    assert f"No exchange for {other.sku}: refunded instead" in told
