"""The same thing asked twice, many at once, and workers that remember nothing."""

from __future__ import annotations

import asyncio
from collections import Counter

from core.domain.statuses import OrderStatus
from core.settings import Settings
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING
from tests.workflows.outside import Outside
from tests.workflows.platform import Platform, running_platform, tuned
from workflows.checkout import CheckoutWorkflow

AT_ONCE = 16


async def test_two_requests_for_one_order_get_one_order_and_one_charge(platform: Platform) -> None:
    shop = platform.shop
    shelf = await shop.stock_up(5)
    order_id = await shop.draft(shelf, 2)
    first, second = await asyncio.gather(shop.place(order_id), shop.place(order_id))
    assert first == second
    assert first.status is OrderStatus.CONFIRMED
    assert await shop.levels(shelf) == (5, 2)
    charge = ("requires_capture", 2 * PRICE + SHIPPING, 0)
    assert await platform.outside.charges(order_id) == [charge]
    await eventually(lambda: shop.fulfillment_started(order_id))


async def test_sixty_buyers_of_ten_units_in_two_warehouses_get_exactly_ten(
    platform: Platform,
) -> None:
    shop = platform.shop
    here = await shop.stock_up(6)
    there = await shop.stock_up_elsewhere(here, 4)
    orders = [await shop.draft(here if n % 2 else there) for n in range(60)]
    room = asyncio.Semaphore(AT_ONCE)

    async def buy(order_id: str) -> OrderStatus:
        async with room:
            return (await shop.place(order_id)).status

    answers = await asyncio.gather(*map(buy, orders))
    assert Counter(answers) == {OrderStatus.CONFIRMED: 10, OrderStatus.FAILED: 50}
    assert (await shop.levels(here), await shop.levels(there)) == ((6, 6), (4, 4))
    for order_id, answer in zip(orders, answers, strict=True):
        charges = await platform.outside.charges(order_id)
        if answer is OrderStatus.CONFIRMED:
            assert charges == [("requires_capture", PRICE + SHIPPING, 0)]
        else:
            assert charges == []
            assert (await shop.order(order_id))["failure"] == {
                "code": "out-of-stock",
                "items": [{"sku": here.sku, "requested": 1, "available": 0}],
            }


async def test_order_is_delivered_by_workers_without_a_cache(
    settings: Settings, outside: Outside
) -> None:
    forgetful = tuned(
        settings, temporal={"max_cached_workflows": 0}, fulfillment={"handling_seconds": 0}
    )
    await outside.move_parcels_in(0)
    async with running_platform(forgetful, outside) as platform:
        shop = platform.shop
        shelf = await shop.stock_up(5)
        order_id = await shop.draft(shelf, 2, payment_method="pm_card_authenticationRequired")
        assert (await shop.place(order_id)).status is OrderStatus.REQUIRES_ACTION
        await outside.answer_challenge(await outside.intent(order_id), "succeeded")
        await shop.checkout(order_id).signal(CheckoutWorkflow.payment_changed)
        await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
        (parcel,) = await shop.shipments(order_id)
        await shop.receive_event(
            "carrier", "shipment.delivered", object_id=parcel["carrier_shipment_id"]
        )
        await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
        total = 2 * PRICE + SHIPPING
        assert await outside.charges(order_id) == [("succeeded", total, total)]
        assert await shop.levels(shelf) == (3, 0)
        assert await platform.broken_promises() == {}
