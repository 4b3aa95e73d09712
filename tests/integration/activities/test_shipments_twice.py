"""The steps of a parcel run twice: the second run changes nothing and returns the first result."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.carrier import GatewayCarrierActivities
from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.payments import GatewayPaymentActivities
from activities.shipments import PostgresShipmentActivities
from core.resources import open_resources
from core.settings import Settings
from tests.shop import Shop
from workflows.ports.checkout import ConfirmOrder, OpenOrder
from workflows.ports.fulfillment import OrderRef
from workflows.ports.payments import AuthorizePayment
from workflows.ports.shipments import (
    EscalateShipment,
    PackedItem,
    ReallocateShipment,
    ShipmentRef,
    ShipmentStep,
    SplitShipment,
)

_ITEM = text("SELECT id FROM order_items WHERE order_id = :id")


async def twice(activity: Any, step: Any) -> Any:
    first = await ActivityEnvironment().run(activity, step)
    assert await ActivityEnvironment().run(activity, step) == first
    return first


async def test_steps_of_a_parcel_twice(settings: Settings, sandbox_url: str) -> None:
    async with open_resources(settings) as resources:
        database = resources.database
        shop = Shop(database, resources.temporal)
        checkout = PostgresCheckoutActivities(database, resources.temporal, settings)
        payments = GatewayPaymentActivities(database, resources.payments)
        fulfillment = PostgresFulfillmentActivities(database, settings.fulfillment)
        parcels = PostgresShipmentActivities(database, settings.fulfillment)
        carrier = GatewayCarrierActivities(database, resources.carrier)
        shelf = await shop.stock_up(5)
        other = await shop.stock_up_elsewhere(shelf, 2)
        order_id = await shop.draft(shelf, 3)
        opened = await ActivityEnvironment().run(checkout.open_order, OpenOrder(order_id=order_id))
        payment = await ActivityEnvironment().run(
            payments.authorize_payment, AuthorizePayment(order_id=order_id, terms=opened.terms)
        )
        await ActivityEnvironment().run(
            checkout.confirm_order, ConfirmOrder(order_id=order_id, payment=payment)
        )
        plan = await ActivityEnvironment().run(
            fulfillment.plan_fulfillment, OrderRef(order_id=order_id)
        )
        ids = {"order_id": order_id, "shipment_id": plan.shipments[0].shipment_id}
        ref, step = ShipmentRef(**ids), ShipmentStep(**ids, actor="vendor:usr_1", reason="so")
        rows = await database.statement(_ITEM, {"id": order_id})
        packed = [PackedItem(item_id=rows[0]["id"], quantity=1)]

        await twice(parcels.look_at_shipment, ref)
        await twice(parcels.escalate_shipment, EscalateShipment(**ids, step="accept"))
        await twice(parcels.accept_shipment, step)
        await twice(
            parcels.split_shipment, SplitShipment(**ids, actor="vendor:usr_1", items=packed)
        )
        assert [one["capture_amount"] for one in await shop.shipments(order_id)] == [2166, 4331]
        rest = ids | {"shipment_id": (await shop.shipments(order_id))[1]["id"]}
        rejected = ShipmentStep(**rest, actor="vendor:usr_1", reason="so")
        await twice(parcels.reject_shipment, rejected)
        elsewhere = ReallocateShipment(**rest, actor="staff:usr_2", reason="so")
        await twice(parcels.reallocate_shipment, elsewhere)
        assert (await shop.levels(shelf), await shop.levels(other)) == ((5, 1), (2, 2))

        await twice(carrier.book_shipment, ref)
        await twice(parcels.begin_dispatch, ref)
        await twice(carrier.cancel_booking, ref)
        assert (await twice(parcels.cancel_shipment, step)).refund_id is None
        assert (await shop.levels(shelf), await shop.levels(other)) == ((5, 0), (2, 2))
        events = await shop.events(order_id)
        assert len(events) == len(set(events))
        left = [one["capture_amount"] for one in await shop.shipments(order_id)]
        assert left[2] == (await shop.order(order_id))["total_amount"] == 4498
