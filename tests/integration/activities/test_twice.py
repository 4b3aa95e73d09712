"""An activity that runs twice: the second run changes nothing and returns the first result."""

from __future__ import annotations

from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.payments import GatewayPaymentActivities
from core.domain.events import Actor
from core.domain.statuses import OrderStatus
from core.resources import open_resources
from core.settings import Settings
from tests.shop import Shop
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
        cancel = CancelOrder(order_id=order_id, reason="", actor=Actor.SYSTEM, voided=True)
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
