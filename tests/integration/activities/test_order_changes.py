"""Changes of a confirmed order that run twice: the second run changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.order_changes import PostgresOrderChangeActivities
from activities.payments import GatewayPaymentActivities
from activities.review import PostgresReviewActivities
from core.domain.errors import InvalidRequestError, InvalidStateError, OutOfStockError
from core.domain.ids import Prefix, derived_id
from core.domain.statuses import EditStatus, OrderStatus
from core.resources import open_resources
from core.settings import Settings
from tests.integration.activities.test_twice import twice
from tests.shop import PRICE, SHIPPING, Shelf, Shop
from workflows.messages import ItemQuantity
from workflows.ports.checkout import ConfirmOrder, OpenOrder
from workflows.ports.fulfillment import CancelOrder, OrderRef
from workflows.ports.order_changes import (
    ApplyEdit,
    DecideReview,
    EditOrder,
    RefuseEdit,
    RequestCancellation,
)
from workflows.ports.payments import AuthorizePayment
from workflows.ports.stock import WantedItem

STAFF = "staff:usr_1"


class Bench:
    """A confirmed order of three units, and the steps that change it."""

    def __init__(self, resources: Any, settings: Settings) -> None:
        self.shop = Shop(resources.database, resources.temporal)
        self.checkout = PostgresCheckoutActivities(resources.database, resources.temporal, settings)
        self.fulfillment = PostgresFulfillmentActivities(resources.database, settings.fulfillment)
        self.payments = GatewayPaymentActivities(resources.database, resources.payments)
        self.changes = PostgresOrderChangeActivities(resources.database)
        self.review = PostgresReviewActivities(resources.database)
        self.order_id = ""

    async def confirm(self) -> Shelf:
        shelf = await self.shop.stock_up(5)
        self.order_id = await self.shop.draft(shelf, 3)
        opened = await twice(self.checkout.open_order, OpenOrder(order_id=self.order_id))
        authorize = AuthorizePayment(order_id=self.order_id, terms=opened.terms)
        payment = await twice(self.payments.authorize_payment, authorize)
        await twice(
            self.checkout.confirm_order, ConfirmOrder(order_id=self.order_id, payment=payment)
        )
        return shelf

    async def item_id(self) -> str:
        rows = await self.shop.database.statement(
            text("SELECT id FROM order_items WHERE order_id = :id"), {"id": self.order_id}
        )
        return str(rows[0]["id"])

    def edit(self, edit_id: str, sku: str, quantity: int) -> EditOrder:
        return EditOrder(
            order_id=self.order_id,
            edit_id=edit_id,
            actor=STAFF,
            reason="asked",
            changes=[WantedItem(sku=sku, quantity=quantity)],
        )

    async def audited(self) -> list[str]:
        rows = await self.shop.database.statement(
            text("SELECT action FROM audit_log WHERE target = :id ORDER BY id"),
            {"id": self.order_id},
        )
        return [row["action"] for row in rows]


async def test_cancellations_twice(settings: Settings, sandbox_url: str) -> None:
    async with open_resources(settings) as resources:
        bench = Bench(resources, settings)
        shelf = await bench.confirm()
        order_id = bench.order_id
        by_item = RequestCancellation(
            order_id=order_id,
            change_id=derived_id(Prefix.EDIT, order_id, "one"),
            actor=STAFF,
            reason="fewer",
            items=[ItemQuantity(item_id=await bench.item_id(), quantity=1)],
        )
        await twice(bench.changes.request_cancellation, by_item)
        order = await bench.shop.order(order_id)
        assert order["total_amount"] == 2 * PRICE + SHIPPING
        assert await bench.shop.levels(shelf) == (5, 2)
        assert await bench.audited() == ["order.cancel"]

        await twice(bench.fulfillment.plan_fulfillment, OrderRef(order_id=order_id))
        whole = RequestCancellation(
            order_id=order_id, change_id=by_item.change_id, actor=STAFF, reason="all of it"
        )
        changed = await twice(bench.changes.request_cancellation, whole)
        assert (changed.whole, len(changed.parcels)) == (True, 1)
        cancel = CancelOrder(order_id=order_id, reason="all of it", actor=STAFF)
        assert await twice(bench.fulfillment.cancel_order, cancel) is OrderStatus.CANCELED
        assert await bench.shop.levels(shelf) == (5, 0)
        events = await bench.shop.events(order_id)
        assert [events.count(one) for one in ("order.cancel_requested", "order.canceled")] == [1, 1]


async def test_edits_twice(settings: Settings, sandbox_url: str) -> None:
    async with open_resources(settings) as resources:
        bench = Bench(resources, settings)
        shelf = await bench.confirm()
        order_id = bench.order_id
        ids = [derived_id(Prefix.EDIT, order_id, number) for number in range(5)]
        prepared = await twice(bench.changes.prepare_edit, bench.edit(ids[0], shelf.sku, 4))
        assert (prepared.status, prepared.missing_amount) == (EditStatus.PENDING, PRICE)
        assert await bench.shop.levels(shelf) == (5, 4)
        refuse = RefuseEdit(order_id=order_id, edit_id=ids[0], why="declined")
        await twice(bench.changes.refuse_edit, refuse)
        assert await bench.shop.levels(shelf) == (5, 3)

        await twice(bench.changes.prepare_edit, bench.edit(ids[1], shelf.sku, 2))
        apply = ApplyEdit(order_id=order_id, edit_id=ids[1])
        await twice(bench.changes.apply_edit, apply)
        order = await bench.shop.order(order_id)
        assert order["total_amount"] == 2 * PRICE + SHIPPING
        assert await bench.shop.levels(shelf) == (5, 2)
        assert await bench.audited() == ["order.edit"]

        with pytest.raises(OutOfStockError):
            await bench.changes.prepare_edit(bench.edit(ids[2], shelf.sku, 99))
        for sku, quantity in ((shelf.sku, 0), ("NO-SUCH-SKU", 1)):
            with pytest.raises(InvalidRequestError):
                await bench.changes.prepare_edit(bench.edit(ids[3], sku, quantity))
        assert await bench.shop.levels(shelf) == (5, 2)


async def test_hold_and_release_twice(settings: Settings, sandbox_url: str) -> None:
    async with open_resources(settings) as resources:
        bench = Bench(resources, settings)
        await bench.confirm()
        step = DecideReview(order_id=bench.order_id, actor=STAFF, reason="a doubt")
        with pytest.raises(InvalidStateError):
            await bench.review.release_order(step)
        await twice(bench.review.hold_order, step)
        plan = await twice(bench.fulfillment.plan_fulfillment, OrderRef(order_id=bench.order_id))
        assert (plan.order_status, plan.review.words) == (OrderStatus.CONFIRMED, "a doubt")
        await twice(bench.review.release_order, step)
        plan = await twice(bench.fulfillment.plan_fulfillment, OrderRef(order_id=bench.order_id))
        assert (plan.order_status, plan.review) == (OrderStatus.PROCESSING, None)
        assert await bench.audited() == ["order.hold", "order.release"]


async def test_order_whose_parcels_did_not_all_arrive_is_settled_twice(
    settings: Settings, sandbox_url: str
) -> None:
    async with open_resources(settings) as resources:
        bench = Bench(resources, settings)
        await bench.confirm()
        ref = OrderRef(order_id=bench.order_id)
        assert await twice(bench.fulfillment.settle_fulfillment, ref) is OrderStatus.CONFIRMED
