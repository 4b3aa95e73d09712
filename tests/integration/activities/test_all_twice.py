"""Steps that run twice and leave every row of the database as the first run left it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment

from activities.captures import GatewayCaptureActivities
from activities.carrier import GatewayCarrierActivities
from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.payments import GatewayPaymentActivities
from activities.shipments import PostgresShipmentActivities
from activities.stock import PostgresStockActivities
from activities.webhooks import PostgresWebhookActivities
from core.domain.ids import Prefix, new_id
from core.domain.statuses import HoldStatus, OrderStatus
from core.resources import Resources, open_resources
from core.settings import Settings
from models import WebhookEvent
from models.repositories import audit
from models.repositories.invariants import INVARIANTS, rows_that_break
from tests.integration.activities.unchanged import RunTwice
from tests.shop import PRICE, SHIPPING, Shelf, Shop
from tests.workflows.outside import TRANSIT_MS, Outside
from workflows.ports.captures import PlanCapture
from workflows.ports.checkout import AwaitChallenge, ConfirmOrder, OpenOrder, ReadStatus
from workflows.ports.checkout import StartFulfillment as Start
from workflows.ports.fulfillment import OrderRef
from workflows.ports.payments import AuthorizePayment
from workflows.ports.shipments import RecordEvent, ShipmentRef, ShipmentStep
from workflows.ports.stock import EndHold, PlaceHold, WantedItem
from workflows.ports.webhooks import EventRef, EventRoute, FinishEvent

STAFF = "staff:usr_test"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Desk:
    """Every step on one shop of its own."""

    def __init__(self, resources: Resources, control: Outside) -> None:
        database, settings = resources.database, resources.settings
        self.shop = Shop(database, resources.temporal)
        self.resources = resources
        self.control = control
        self.twice = RunTwice(database)
        self.checkout = PostgresCheckoutActivities(database, resources.temporal, settings)
        self.payments = GatewayPaymentActivities(database, resources.payments)
        self.captures = GatewayCaptureActivities(database, resources.payments)
        self.fulfillment = PostgresFulfillmentActivities(database, settings.fulfillment)
        self.parcels = PostgresShipmentActivities(database, settings.fulfillment)
        self.carrier = GatewayCarrierActivities(database, resources.carrier)
        self.stock = PostgresStockActivities(database)
        self.webhooks = PostgresWebhookActivities(database, resources.temporal)

    async def confirmed(self, shelf: Shelf) -> str:
        """An order of two units whose parcel is planned."""
        order_id = await self.shop.draft(shelf, 2)
        opened = await _run(self.checkout.open_order, OpenOrder(order_id=order_id))
        authorize = AuthorizePayment(order_id=order_id, terms=opened.terms)
        payment = await _run(self.payments.authorize_payment, authorize)
        await _run(self.checkout.confirm_order, ConfirmOrder(order_id=order_id, payment=payment))
        await _run(self.fulfillment.plan_fulfillment, OrderRef(order_id=order_id))
        return order_id

    async def gone(self, shelf: Shelf) -> tuple[str, ShipmentRef]:
        """An order whose only parcel was paid for and given to the carrier, each step twice."""
        order_id = await self.confirmed(shelf)
        ref = await self.parcel(order_id)
        await self.twice(self.carrier.book_shipment, ref)
        await self.twice(self.parcels.begin_dispatch, ref)
        plan = PlanCapture(order_id=order_id, shipment_id=ref.shipment_id, number=1, now=NOW)
        for part in (await self.twice(self.captures.plan_capture, plan)).parts:
            await self.twice(self.captures.capture_part, part)
        step = ShipmentStep(order_id=order_id, shipment_id=ref.shipment_id, actor=STAFF)
        await self.twice(self.parcels.note_hand_over, step)
        state = await self.twice(self.carrier.hand_over_shipment, ref)
        assert state.status == "handed_over"
        return order_id, ref

    async def parcel(self, order_id: str, number: int = 1) -> ShipmentRef:
        parcels = await self.shop.shipments(order_id)
        return ShipmentRef(order_id=order_id, shipment_id=parcels[number - 1]["id"])

    async def told(self, ref: ShipmentRef, status: str, **more: Any) -> Any:
        """What a member of staff tells of a parcel, twice."""
        step = RecordEvent(
            order_id=ref.order_id,
            shipment_id=ref.shipment_id,
            event_id=f"staff:{status}",
            status=status,
            actor=STAFF,
            occurred_at=NOW,
            **more,
        )
        return await self.twice(self.parcels.record_event, step)


async def _run(activity: Any, step: Any) -> Any:
    return await ActivityEnvironment().run(activity, step)


@pytest.fixture
async def desk(settings: Settings, database_url: str, sandbox_url: str) -> AsyncIterator[Desk]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    own = settings.model_copy(update={"postgres": postgres})
    async with (
        open_resources(own) as resources,
        httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http,
    ):
        desk = Desk(resources, Outside(http=http))
        # A parcel that moves between the two runs is news, which the second would write down.
        await desk.control.move_parcels_in(None)
        yield desk
        await desk.control.move_parcels_in(TRANSIT_MS)
        found = {one.name: await rows_that_break(resources.database, one) for one in INVARIANTS}
        assert {name: rows for name, rows in found.items() if rows} == {}


async def test_lost_parcel_is_refunded_once(desk: Desk) -> None:
    order_id, ref = await desk.gone(await desk.shop.stock_up(5))
    assert (await desk.told(ref, "lost")).failure == "lost"
    step = ShipmentStep(**vars(ref), actor=STAFF, reason="never seen again")

    state = await desk.twice(desk.parcels.refund_shipment, step)

    assert (state.made_good, state.refund_id is None) == (True, False)
    rows = await desk.shop.payments(order_id)
    assert [row["captured_amount"] for row in rows] == [2 * PRICE + SHIPPING]
    assert (await desk.shop.events(order_id)).count("refund.requested") == 1
    actions = [
        entry.action
        for entry in await audit.list_entries(desk.shop.database, limit=9, target=ref.shipment_id)
    ]
    assert actions == ["shipment.event", "shipment.hand_over"]


async def test_returned_parcel_is_restocked_once_and_sent_once_more(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(2)
    order_id, ref = await desk.gone(shelf)
    step = ShipmentStep(**vars(ref), actor=STAFF, reason="wrong door")
    nothing = await desk.twice(desk.parcels.replace_shipment, step)
    assert nothing.shipments == []
    await desk.told(ref, "returning")
    await desk.told(ref, "returned", sellable=True)
    assert await desk.shop.levels(shelf) == (2, 0)

    replacement = await desk.twice(desk.parcels.replace_shipment, step)

    assert [one.number for one in replacement.shipments] == [2]
    assert await desk.shop.levels(shelf) == (2, 2)
    second = await desk.parcel(order_id, 2)
    again = ShipmentStep(**vars(second), actor=STAFF, reason="broken")
    await desk.twice(desk.parcels.cancel_shipment, again)
    assert await desk.shop.levels(shelf) == (2, 0)


async def test_delivered_order_is_followed_and_completed_once(desk: Desk) -> None:
    order_id, ref = await desk.gone(await desk.shop.stock_up(5))
    (parcel,) = await desk.shop.shipments(order_id)
    await desk.control.tracked(parcel["carrier_shipment_id"], "delivered")
    assert (await desk.twice(desk.carrier.track_shipment, ref)).status == "delivered"
    order = OrderRef(order_id=order_id)
    assert await desk.twice(desk.fulfillment.settle_fulfillment, order) is OrderStatus.DELIVERED
    assert await desk.twice(desk.fulfillment.complete_order, order) is OrderStatus.COMPLETED
    read = ReadStatus(order_id=order_id)
    assert await desk.twice(desk.checkout.read_status, read) is OrderStatus.COMPLETED


async def test_challenge_is_awaited_once(desk: Desk) -> None:
    order_id = await desk.shop.draft(
        await desk.shop.stock_up(1), payment_method="pm_card_authenticationRequired"
    )
    read = ReadStatus(order_id=order_id)
    assert await desk.twice(desk.checkout.read_status, read) is None
    opened = await desk.twice(desk.checkout.open_order, OpenOrder(order_id=order_id))
    authorize = AuthorizePayment(order_id=order_id, terms=opened.terms)
    await _run(desk.payments.authorize_payment, authorize)
    wait = AwaitChallenge(order_id=order_id, deadline=datetime.now(UTC) + timedelta(hours=1))
    assert await desk.twice(desk.checkout.await_challenge, wait) is OrderStatus.REQUIRES_ACTION
    assert (await desk.shop.events(order_id)).count("payment.requires_action") == 1


async def test_fulfillment_is_started_once(desk: Desk) -> None:
    order_id = await desk.confirmed(await desk.shop.stock_up(5))
    start = Start(
        order_id=order_id,
        customer_id=desk.shop.customer_id,
        handling_seconds=3600,
        capture_before=None,
    )
    workflow = desk.shop.fulfillment(order_id)
    with pytest.raises(RPCError):
        await workflow.describe()
    try:
        await desk.twice(desk.checkout.start_fulfillment, start)
        assert (await workflow.describe()).workflow_type == "FulfillmentWorkflow"
    finally:
        await workflow.terminate()


async def test_hold_is_placed_and_ended_once(desk: Desk) -> None:
    shelf = await desk.shop.stock_up(5)
    place = PlaceHold(
        hold_id=new_id(Prefix.HOLD),
        owner_id=desk.shop.customer_id,
        items=[WantedItem(sku=shelf.sku, quantity=2)],
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    assert (await desk.twice(desk.stock.place_hold, place)).status is HoldStatus.ACTIVE
    assert await desk.shop.levels(shelf) == (5, 2)
    end = EndHold(hold_id=place.hold_id, status=HoldStatus.RELEASED)
    assert await desk.twice(desk.stock.end_hold, end) is HoldStatus.RELEASED
    assert await desk.shop.levels(shelf) == (5, 0)


async def test_event_is_routed_and_finished_once(desk: Desk) -> None:
    order_id = await desk.confirmed(await desk.shop.stock_up(5))
    payment = await desk.shop.payment(order_id)
    event = WebhookEvent(
        provider="stripe",
        event_id=new_id(Prefix.EVENT),
        type="payment_intent.amount_capturable_updated",
        object_id=payment["provider_payment_id"],
        reference=order_id,
        payload={},
    )
    ref = EventRef(provider="stripe", event_id=event.event_id)
    async with desk.shop.database.transaction() as session:
        session.add(event)
    routed = await desk.twice(desk.webhooks.route_event, ref)
    assert (routed.route, routed.order_id) == (EventRoute.RECORD, order_id)
    await desk.twice(desk.webhooks.finish_event, FinishEvent(**vars(ref), outcome="recorded"))
