"""An activity that runs twice: the second run changes nothing and returns the first result."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.payments import GatewayPaymentActivities
from core.domain.events import Actor
from core.domain.statuses import OrderStatus
from core.resources import open_resources
from core.settings import Settings
from tests.promotions import promote, uses
from tests.shop import PRICE, SHIPPING, Shop
from workflows.ports.checkout import CloseOrder, ConfirmOrder, OpenOrder
from workflows.ports.fulfillment import CancelOrder, OrderRef
from workflows.ports.payments import AuthorizePayment, PaymentRef


async def twice(activity: Any, step: Any) -> Any:
    first = await ActivityEnvironment().run(activity, step)
    assert await ActivityEnvironment().run(activity, step) == first
    return first


async def test_steps_of_a_canceled_order_twice(settings: Settings, sandbox_url: str) -> None:
    async with open_resources(settings) as resources:
        shop = Shop(resources.database, resources.temporal)
        checkout = PostgresCheckoutActivities(resources.database, resources.temporal, settings)
        fulfillment = PostgresFulfillmentActivities(resources.database, settings.fulfillment)
        payments = GatewayPaymentActivities(resources.database, resources.payments)
        shelf = await shop.stock_up(5)
        order_id = await shop.draft(shelf, 2)

        opened = await twice(checkout.open_order, OpenOrder(order_id=order_id))
        payment = await twice(
            payments.authorize_payment, AuthorizePayment(order_id=order_id, terms=opened.terms)
        )
        confirm = ConfirmOrder(order_id=order_id, payment=payment)
        assert await twice(checkout.confirm_order, confirm) is OrderStatus.CONFIRMED
        plan = await twice(fulfillment.plan_fulfillment, OrderRef(order_id=order_id))
        assert len(plan.shipments) == 1
        ref = PaymentRef(
            order_id=order_id,
            payment_id=opened.terms.payment_id,
            provider="stripe",
            provider_payment_id=payment.provider_payment_id,
        )
        await twice(payments.fetch_payment, ref)
        await twice(payments.void_payment, ref)
        cancel = CancelOrder(order_id=order_id, reason="", actor=Actor.SYSTEM)
        assert await twice(fulfillment.cancel_order, cancel) is OrderStatus.CANCELED
        events = await shop.events(order_id)
        assert len(events) == len(set(events))
        assert await shop.levels(shelf) == (5, 0)


async def test_close_of_an_open_order_twice(settings: Settings) -> None:
    async with open_resources(settings) as resources:
        shop = Shop(resources.database, resources.temporal)
        checkout = PostgresCheckoutActivities(resources.database, resources.temporal, settings)
        shelf = await shop.stock_up(5)
        order_id = await shop.draft(shelf, 2)
        await twice(checkout.open_order, OpenOrder(order_id=order_id))
        close = CloseOrder(
            order_id=order_id,
            status=OrderStatus.CANCELED,
            code="canceled",
            reason="",
            actor=Actor.SYSTEM,
        )
        assert await twice(checkout.close_order, close) is OrderStatus.CANCELED
        assert await shop.levels(shelf) == (5, 0)
        assert await shop.events(order_id) == [
            "order.placed",
            "stock.reserved",
            "stock.released",
            "order.canceled",
        ]


async def test_opening_and_closing_of_an_order_with_a_promotion_twice(settings: Settings) -> None:
    async with open_resources(settings) as resources:
        shop = Shop(resources.database, resources.temporal)
        checkout = PostgresCheckoutActivities(resources.database, resources.temporal, settings)
        shelf = await shop.stock_up(5)
        once = await promote(resources.database, usage_limit_per_customer=1)
        order_id = await shop.draft(shelf, 2, promotions=[once])
        other_id = await shop.draft(shelf, 2, promotions=[once])
        opened = await twice(checkout.open_order, OpenOrder(order_id=order_id))
        assert opened.terms.amount == 2 * PRICE - 300 + SHIPPING
        assert await uses(resources.database, once) == (1, ["reserved"])
        refused = await twice(checkout.open_order, OpenOrder(order_id=other_id))
        assert refused.status is OrderStatus.FAILED
        close = CloseOrder(
            order_id=order_id,
            status=OrderStatus.CANCELED,
            code="canceled",
            reason="",
            actor=Actor.SYSTEM,
        )
        assert await twice(checkout.close_order, close) is OrderStatus.CANCELED
        assert await uses(resources.database, once) == (0, ["released"])
        assert await shop.levels(shelf) == (5, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"starts_at": datetime(2100, 1, 1, tzinfo=UTC)},
        {"ends_at": datetime(2025, 1, 2, tzinfo=UTC)},
        {"usage_limit": 0},
        {"usage_limit_per_customer": 0, "code": None, "name": "Sale"},
    ],
)
async def test_promotion_that_is_over_fails_the_order_and_reserves_nothing(
    settings: Settings, change: dict[str, Any]
) -> None:
    async with open_resources(settings) as resources:
        shop = Shop(resources.database, resources.temporal)
        checkout = PostgresCheckoutActivities(resources.database, resources.temporal, settings)
        shelf = await shop.stock_up(5)
        over = await promote(resources.database, **change)
        runs = await promote(resources.database)
        order_id = await shop.draft(shelf, 2, promotions=[runs, over])

        opened = await twice(checkout.open_order, OpenOrder(order_id=order_id))

        assert opened.status is OrderStatus.FAILED
        assert (await shop.order(order_id))["failure"] == {
            "code": "promotion-unavailable",
            "promotion": over.code or "Sale",
        }
        assert await uses(resources.database, runs) == (0, [])
        assert await uses(resources.database, over) == (0, [])
        assert await shop.levels(shelf) == (5, 0)


async def test_promotion_on_a_sold_out_order_is_not_used(settings: Settings) -> None:
    async with open_resources(settings) as resources:
        shop = Shop(resources.database, resources.temporal)
        checkout = PostgresCheckoutActivities(resources.database, resources.temporal, settings)
        once = await promote(resources.database)
        order_id = await shop.draft(await shop.stock_up(1), 2, promotions=[once])

        await twice(checkout.open_order, OpenOrder(order_id=order_id))

        assert (await shop.order(order_id))["failure"]["code"] == "out-of-stock"
        assert await uses(resources.database, once) == (0, [])
