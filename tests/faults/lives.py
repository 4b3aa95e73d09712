"""The short lives of orders. Each step waits until what it needs is there, and for no time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from core.domain.statuses import OrderStatus, RefundStatus
from deploy.sandbox.webhook_modes import WebhookMode
from models.repositories import orders, refunds
from tests.eventually import eventually
from tests.faults.combination import Combination, Life
from tests.shop import PRICE, SHIPPING, Shelf, Shop
from tests.workflows.outside import Outside
from workflows import workflow_ids
from workflows.checkout import CheckoutWorkflow
from workflows.fulfillment import FulfillmentWorkflow
from workflows.messages import CancelRequest, RefundRequest
from workflows.refund import RefundWorkflow
from workflows.task_queues import TaskQueue

T = TypeVar("T")

TOTAL = PRICE + SHIPPING
PART = 700
PATIENCE_SECONDS = 150
LIFE_SECONDS = 240
LOOK_EVERY_SECONDS = 0.25
STAFF = "staff:test"

CARDS: Mapping[str, Mapping[Life, str]] = {
    "stripe": {
        Life.DECLINED: "pm_card_chargeDeclined",
        Life.CHALLENGE_PASSED: "pm_card_authenticationRequired",
        Life.CHALLENGE_FAILED: "pm_card_authenticationRequired",
        Life.ABANDONED: "pm_card_authenticationRequired",
    },
    "paystack": {
        Life.DECLINED: "AUTH_test_declined",
        Life.CHALLENGE_PASSED: "AUTH_test_challenge",
        Life.CHALLENGE_FAILED: "AUTH_test_challenge",
        Life.ABANDONED: "AUTH_test_challenge",
    },
}
GOOD_CARD = {"stripe": "pm_card_visa", "paystack": "AUTH_test_success"}

GOES_ON = (OrderStatus.CONFIRMED, OrderStatus.PROCESSING, OrderStatus.SHIPPED)
"""What a paid checkout answers; the later ones when a workflow task of its had to be done again."""

LEAVES = {Life.SHIPPED, Life.TWO_PARCELS, Life.REFUNDED, Life.REFUNDED_IN_PART}
"""The parcels of the other lives wait for their vendor, who never comes."""


@dataclass(kw_only=True)
class Troubled:
    """One order and its trouble."""

    combination: Combination
    shop: Shop
    outside: Outside
    order_id: str

    async def until(
        self, look: Callable[[], Awaitable[T]], wanted: Callable[[T], object] = bool
    ) -> T:
        return await eventually(
            look, wanted, within_seconds=PATIENCE_SECONDS, look_every_seconds=LOOK_EVERY_SECONDS
        )

    async def until_status(self, *wanted: str) -> None:
        await self.until(lambda: self.shop.status(self.order_id), lambda status: status in wanted)

    async def placed(self, *expected: OrderStatus) -> None:
        answer = await self.shop.place(self.order_id)
        assert answer.status in expected, answer

    async def live(self) -> None:
        """Live until nothing is left to be done.

        Raises:
            AssertionError: it did not get there.
            TimeoutError: nor anywhere else.
        """
        async with asyncio.timeout(LIFE_SECONDS):
            await LIVES[self.combination.life](self)


async def drafted(combination: Combination, shop: Shop, outside: Outside) -> Troubled:
    """Draft an order with goods of its own, from two vendors if it is to be two parcels."""
    shelf = await shop.stock_up(3)
    more: list[Shelf] = []
    if combination.life is Life.TWO_PARCELS:
        more.append(await shop.stock_up(3))
    if combination.life not in LEAVES:
        await shop.database.statement(
            text("UPDATE vendors SET fulfillment = 'manual' WHERE id = :id RETURNING id"),
            {"id": shelf.vendor_id},
        )
    provider = combination.provider
    order_id = await shop.draft(
        shelf,
        provider=provider,
        payment_method=CARDS[provider].get(combination.life, GOOD_CARD[provider]),
        email="ada@example.com",
        more=more,
    )
    return Troubled(combination=combination, shop=shop, outside=outside, order_id=order_id)


async def _bought(one: Troubled) -> None:
    await one.placed(*GOES_ON)
    await one.until(lambda: one.shop.shipments(one.order_id))


async def _shipped(one: Troubled) -> None:
    await one.placed(*GOES_ON)
    await one.until_status(OrderStatus.SHIPPED)


async def _canceled(one: Troubled) -> None:
    await _bought(one)
    status = await one.shop.fulfillment(one.order_id).execute_update(
        FulfillmentWorkflow.cancel, CancelRequest(actor=STAFF, reason="so be it")
    )
    assert status in {OrderStatus.CANCELED, OrderStatus.PROCESSING}, status
    await one.until_status(OrderStatus.CANCELED)


async def _refunded(one: Troubled) -> None:
    await _shipped(one)
    refund_id, amount = new_id(Prefix.REFUND), MONEY[one.combination.life].refunded
    async with one.shop.database.transaction() as session:
        order = await orders.lock(session, one.order_id)
        await refunds.request(
            session, order, refund_id=refund_id, amount=amount, reason="late", actor=STAFF
        )
    status: Any = await one.shop.temporal.execute_workflow(
        RefundWorkflow.run,
        RefundRequest(order_id=one.order_id, refund_id=refund_id),
        id=workflow_ids.refund(refund_id),
        task_queue=TaskQueue.PAYMENTS,
    )
    assert status is RefundStatus.SUCCEEDED, status


async def _declined(one: Troubled) -> None:
    await one.placed(OrderStatus.FAILED)


async def _challenged(one: Troubled, outcome: str, *statuses: OrderStatus) -> None:
    await one.placed(OrderStatus.REQUIRES_ACTION)
    # Not the provider's only one: a page whose address was lost is left behind, and never paid.
    payment = await one.until(
        lambda: one.shop.payment(one.order_id), lambda row: row["provider_payment_id"]
    )
    await one.outside.answer_challenge(payment["provider_payment_id"], outcome)
    if one.combination.webhooks is WebhookMode.DROP:
        await one.shop.checkout(one.order_id).signal(CheckoutWorkflow.payment_changed)
    await one.until_status(*statuses)


async def _challenge_passed(one: Troubled) -> None:
    await _challenged(one, "succeeded", *GOES_ON)
    await one.until(lambda: one.shop.shipments(one.order_id))


async def _challenge_failed(one: Troubled) -> None:
    await _challenged(one, "failed", OrderStatus.FAILED)


async def _abandoned(one: Troubled) -> None:
    await one.placed(OrderStatus.REQUIRES_ACTION)
    status = await one.shop.checkout(one.order_id).execute_update(
        CheckoutWorkflow.cancel, CancelRequest(actor="customer:test", reason="too much to do")
    )
    assert status is OrderStatus.CANCELED, status


LIVES: Mapping[Life, Callable[[Troubled], Awaitable[None]]] = {
    Life.BOUGHT: _bought,
    Life.SHIPPED: _shipped,
    Life.TWO_PARCELS: _shipped,
    Life.CANCELED: _canceled,
    Life.REFUNDED: _refunded,
    Life.REFUNDED_IN_PART: _refunded,
    Life.DECLINED: _declined,
    Life.CHALLENGE_PASSED: _challenge_passed,
    Life.CHALLENGE_FAILED: _challenge_failed,
    Life.ABANDONED: _abandoned,
}


@dataclass(frozen=True, kw_only=True)
class Money:
    """What an order has to come to, minor units; ``charges`` hold or have taken money for good.

    ``paid`` is what its customer agreed to, and ``let_go`` what was not wanted of it.
    """

    order: str
    payment: str
    charges: int
    paid: int = 0
    captured: int = 0
    refunded: int = 0
    let_go: int = 0


_KEPT = Money(order="shipped", payment="captured", charges=1, paid=TOTAL, captured=TOTAL)
_HELD = Money(order="processing", payment="authorized", charges=1, paid=TOTAL)
_GONE = Money(order="canceled", payment="voided", charges=0)
_REFUSED = Money(order="failed", payment="failed", charges=0)
MONEY: Mapping[Life, Money] = {
    Life.BOUGHT: _HELD,
    Life.SHIPPED: _KEPT,
    Life.TWO_PARCELS: replace(_KEPT, paid=TOTAL + PRICE, captured=TOTAL + PRICE),
    Life.CANCELED: replace(_GONE, paid=TOTAL, let_go=TOTAL),
    Life.REFUNDED: replace(_KEPT, payment="refunded", refunded=TOTAL),
    Life.REFUNDED_IN_PART: replace(_KEPT, payment="partially_refunded", refunded=PART),
    Life.DECLINED: _REFUSED,
    Life.CHALLENGE_PASSED: _HELD,
    Life.CHALLENGE_FAILED: _REFUSED,
    Life.ABANDONED: _GONE,
}
"""The end of an order, whatever the trouble."""
