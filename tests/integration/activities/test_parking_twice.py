"""Steps of parking run twice: one mark, one decision, one entry in the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

from activities.checkout import PostgresCheckoutActivities
from activities.parking import PostgresParkingActivities
from core.resources import open_resources
from core.settings import Settings
from models.repositories import audit
from tests.integration.activities.test_twice import twice
from tests.shop import Shop
from workflows.ports.checkout import OpenOrder
from workflows.ports.parking import ParkOrder, ResolveStep, ResumeOrder

WHAT = "payment authorization"
ADA = "staff:usr_ada"


async def test_steps_of_parking_twice(settings: Settings) -> None:
    async with open_resources(settings) as resources:
        shop = Shop(resources.database, resources.temporal)
        checkout = PostgresCheckoutActivities(resources.database, resources.temporal, settings)
        parking = PostgresParkingActivities(resources.database)
        order_id = await shop.draft(await shop.stock_up(1))
        await checkout.open_order(OpenOrder(order_id=order_id))
        park = ParkOrder(
            order_id=order_id,
            what=WHAT,
            since=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
            attempts=1,
            last_error="down",
            next_attempt_at=None,
            actions=["retry", "cancel"],
        )

        await twice(parking.park_order, park)
        shown = (await shop.order(order_id))["waiting_for"]
        assert (shown["what"], shown["since"]) == (WHAT, "2026-11-23T09:30:00.000000Z")
        retry = ResolveStep(
            order_id=order_id,
            what=WHAT,
            update_id="resolve-1",
            action="retry",
            actor=ADA,
            reason="it is back",
        )
        await twice(parking.resolve_step, retry)
        assert await shop.waits(order_id) == [WHAT]
        resume = ResumeOrder(order_id=order_id, what=WHAT, actor=ADA, reason="it is back")
        await twice(parking.resume_order, resume)
        assert await shop.waits(order_id) == []
        await twice(parking.park_order, park)
        cancel = ResolveStep(
            order_id=order_id,
            what=WHAT,
            update_id="resolve-2",
            action="cancel",
            actor=ADA,
            reason="given up",
        )
        await twice(parking.resolve_step, cancel)

        assert await shop.waits(order_id) == []
        assert (await shop.order(order_id))["waiting_for"] is None
        assert (await shop.events(order_id))[2:] == [
            "order.parked",
            "step.resolved",
            "order.resumed",
            "order.parked",
            "step.resolved",
        ]
        entries = await audit.list_entries(shop.database, limit=9, target=order_id)
        assert [entry.action for entry in entries] == ["order.step_cancel", "order.step_retry"]
