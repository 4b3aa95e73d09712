"""From the confirmation to completion: every deadline, parcel by parcel, to the last cent."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import text

from core.domain.statuses import OrderStatus
from core.settings import Settings
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shelf
from tests.workflows.outside import Outside
from tests.workflows.platform import DAY, HANDLING, SkippingPlatform, skipping_platform, tuned
from workflows import workflow_ids
from workflows.messages import Action, Resolution
from workflows.shipment import ShipmentWorkflow

TOTAL = 2 * PRICE + SHIPPING
MARGIN = timedelta(seconds=5)
CONFIRMED = ["order.placed", "stock.reserved", "payment.authorized", "order.confirmed"]
SHIPPED = [
    *CONFIRMED,
    "order.processing",
    "shipment.booked",
    "payment.captured",
    "shipment.changed",
    "order.shipped",
]
DELIVERED = [*SHIPPED, "shipment.changed", "order.delivered"]


async def confirmed(skipping: SkippingPlatform) -> tuple[str, Shelf]:
    shop = skipping.shop
    shelf = await shop.stock_up(5)
    order_id = await shop.draft(shelf, 2)
    assert (await shop.place(order_id)).status is OrderStatus.CONFIRMED
    await eventually(lambda: shop.fulfillment_started(order_id))
    return order_id, shelf


async def seen(skipping: SkippingPlatform, order_id: str, status: str) -> dict[str, Any]:
    """Wait, by the real clock, until the order is in a state."""
    return await eventually(
        lambda: skipping.shop.order(order_id), lambda order: order["status"] == status
    )


async def shipped(skipping: SkippingPlatform) -> tuple[str, str]:
    """An order whose parcel is with the carrier; its id and the carrier's id of the parcel."""
    order_id, _ = await confirmed(skipping)
    await skipping.skip(HANDLING + MARGIN)
    await seen(skipping, order_id, "shipped")
    (parcel,) = await skipping.shop.shipments(order_id)
    return order_id, parcel["carrier_shipment_id"]


async def test_order_ships_when_the_handling_time_is_over(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await confirmed(skipping)
    await skipping.skip(HANDLING - MARGIN)
    assert await shop.status(order_id) == "confirmed"
    assert await shop.events(order_id) == CONFIRMED
    assert await shop.shipments(order_id) == []

    await skipping.skip(2 * MARGIN)
    order = await seen(skipping, order_id, "shipped")
    assert (order["payment_status"], order["fulfillment_status"]) == ("captured", "shipped")
    assert await shop.events(order_id) == SHIPPED
    assert await shop.levels(shelf) == (3, 0)
    assert await shop.lines(order_id) == ["consumed"]
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
    (parcel,) = await shop.shipments(order_id)
    assert (parcel["status"], parcel["capture_amount"]) == ("handed_over", TOTAL)
    assert parcel["tracking_number"].startswith("SBX")


async def test_order_ships_an_hour_before_its_authorization_lapses(
    settings: Settings, outside: Outside
) -> None:
    patient = tuned(settings, fulfillment={"handling_seconds": 10 * 86_400})
    async with skipping_platform(patient, outside) as skipping:
        shop = skipping.shop
        order_id, _ = await confirmed(skipping)
        capture_before = (await shop.payment(order_id))["capture_before"]
        left = capture_before - await skipping.now()
        assert timedelta(days=6, hours=23) < left <= timedelta(days=7)

        await skipping.skip(left - timedelta(hours=1) - 2 * MARGIN)
        assert await shop.status(order_id) == "confirmed"

        await skipping.skip(4 * MARGIN)
        await seen(skipping, order_id, "shipped")
        assert await outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]


async def test_order_completes_when_the_return_window_is_over(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, carrier_id = await shipped(skipping)
    await skipping.outside.tracked(carrier_id, "delivered")
    event = await shop.receive_event("carrier", "shipment.delivered", object_id=carrier_id)
    assert event == "shipment"
    order = await seen(skipping, order_id, "delivered")
    assert order["fulfillment_status"] == "delivered"
    assert await shop.events(order_id) == DELIVERED

    await skipping.skip(14 * DAY - timedelta(minutes=1))
    assert await shop.status(order_id) == "delivered"

    end = await skipping.skip_to_the_end(workflow_ids.fulfillment(order_id), timedelta(minutes=2))
    assert end == "completed"
    order = await shop.order(order_id)
    assert (order["status"], order["payment_status"]) == ("completed", "captured")
    assert await shop.events(order_id) == [*DELIVERED, "order.completed"]


async def test_delivery_whose_webhook_was_lost_is_found_by_asking(
    skipping: SkippingPlatform,
) -> None:
    order_id, carrier_id = await shipped(skipping)
    await skipping.outside.tracked(carrier_id, "delivered")
    await skipping.skip(timedelta(minutes=1) + MARGIN)
    await seen(skipping, order_id, "delivered")
    assert await skipping.shop.events(order_id) == DELIVERED


async def test_parcel_not_delivered_in_time_is_shown_and_goes_on_when_it_arrives(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, carrier_id = await shipped(skipping)
    (parcel,) = await shop.shipments(order_id)
    shipment = shop.workflow(workflow_ids.shipment(parcel["id"]))
    await skipping.skip(14 * DAY - timedelta(minutes=1))
    assert (await shop.order(order_id))["waiting_for"] is None

    await skipping.skip(timedelta(minutes=2))
    order = await eventually(lambda: shop.order(order_id), lambda order: order["waiting_for"])
    assert order["status"] == "shipped"
    waiting_for = order["waiting_for"]
    assert waiting_for.pop("since") is not None
    assert waiting_for == {
        "what": "delivery",
        "attempts": 1,
        "last_error": "shipment 1 was not delivered by its deadline",
        "next_attempt_at": None,
    }
    assert await shipment.query(ShipmentWorkflow.get_parked_step) == "delivery"
    assert await shop.events(order_id) == [*SHIPPED, "order.parked"]

    await skipping.outside.tracked(carrier_id, "delivered")
    await skipping.skip(timedelta(hours=6) + MARGIN)
    order = await seen(skipping, order_id, "delivered")
    await eventually(lambda: has_ended(skipping, workflow_ids.shipment(parcel["id"])))
    assert (await shop.order(order_id))["waiting_for"] is None
    assert await shop.events(order_id) == [
        *SHIPPED,
        "order.parked",
        "shipment.changed",
        "order.delivered",
        "order.resumed",
    ]


async def test_late_parcel_stays_shown_while_the_carrier_is_down(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, _ = await shipped(skipping)
    await skipping.skip(14 * DAY + timedelta(minutes=1))
    await eventually(lambda: waits_for(skipping, order_id), lambda what: what == "delivery")

    await skipping.outside.break_down("carrier", "shipments.retrieve")
    await skipping.skip(timedelta(hours=6, minutes=1))
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == ["delivery", "tracking"])
    assert await waits_for(skipping, order_id) == "delivery"

    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(minutes=6))
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == ["delivery"])
    assert await shop.events(order_id) == [
        *SHIPPED,
        "order.parked",
        "order.parked",
        "order.resumed",
    ]


async def test_parcel_that_comes_back_leaves_the_order_shipped(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, carrier_id = await shipped(skipping)
    for status in ("in_transit", "delivery_failed", "returning", "returned"):
        await skipping.outside.tracked(carrier_id, status)
        await shop.receive_event("carrier", f"shipment.{status}", object_id=carrier_id)
        await eventually(
            lambda: shop.shipments(order_id),
            partial(_first_is, status),
        )
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == ["returned parcel 1"])
    (parcel,) = await shop.shipments(order_id)
    await shop.workflow(workflow_ids.shipment(parcel["id"])).execute_update(
        "resolve", Resolution(actor="staff:usr_1", action=Action.SKIP, reason="as agreed")
    )
    assert await shop.fulfillment(order_id).result() == "shipped"
    order = await shop.order(order_id)
    assert (order["status"], order["fulfillment_status"]) == ("shipped", "returned")
    assert await shop.events(order_id) == [
        *SHIPPED,
        *["shipment.changed"] * 4,
        "order.parked",
        "step.resolved",
    ]


async def test_parcels_of_two_vendors_are_paid_for_one_by_one(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    one, other = await shop.stock_up(5), await shop.stock_up(5)
    order_id = await shop.draft(one, 2, more=[other])
    total = 3 * PRICE + SHIPPING
    assert (await shop.place(order_id)).status is OrderStatus.CONFIRMED
    await skipping.skip(HANDLING + MARGIN)
    order = await seen(skipping, order_id, "shipped")
    assert (order["payment_status"], order["fulfillment_status"]) == ("captured", "shipped")
    assert await skipping.outside.charges(order_id) == [("succeeded", total, total)]
    parcels = await shop.shipments(order_id)
    assert sorted(parcel["capture_amount"] for parcel in parcels) == [2166, 4331]
    assert await captures(skipping, order_id) == [
        (parcel["number"], parcel["capture_amount"]) for parcel in parcels
    ]
    assert (await shop.levels(one), await shop.levels(other)) == ((3, 0), (4, 0))

    for number, parcel in enumerate(parcels, start=1):
        await skipping.outside.tracked(parcel["carrier_shipment_id"], "delivered")
        await skipping.skip(timedelta(minutes=10))
        await seen(skipping, order_id, "shipped" if number < len(parcels) else "delivered")
    end = await skipping.skip_to_the_end(workflow_ids.fulfillment(order_id), 14 * DAY + MARGIN)
    assert end == "completed"
    assert await shop.status(order_id) == "completed"


def _first_is(status: str, parcels: list[dict[str, Any]]) -> bool:
    return bool(parcels[0]["status"] == status)


async def captures(skipping: SkippingPlatform, order_id: str) -> list[tuple[int, int]]:
    rows = await skipping.shop.database.statement(
        text(
            "SELECT number, c.amount FROM captures c JOIN payments p ON p.id = c.payment_id"
            " WHERE p.order_id = :id ORDER BY number"
        ),
        {"id": order_id},
    )
    return [(row["number"], row["amount"]) for row in rows]


async def waits_for(skipping: SkippingPlatform, order_id: str) -> str | None:
    waiting_for = (await skipping.shop.order(order_id))["waiting_for"]
    return None if waiting_for is None else waiting_for["what"]


async def has_ended(skipping: SkippingPlatform, workflow_id: str) -> bool:
    description = await skipping.shop.workflow(workflow_id).describe()
    return description.close_time is not None
