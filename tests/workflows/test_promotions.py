"""The use of a promotion lives and ends with its order."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from core.domain.statuses import OrderStatus
from tests.eventually import eventually
from tests.promotions import promote, uses
from tests.shop import PRICE, SHIPPING
from tests.workflows.platform import Platform
from workflows.fulfillment import FulfillmentWorkflow
from workflows.messages import CancelRequest

DECLINED = "pm_card_visa_chargeDeclined"


async def test_code_limited_to_five_makes_five_of_twenty_checkouts_at_once(
    platform: Platform,
) -> None:
    shop = platform.shop
    shelf = await shop.stock_up(30)
    limited = await promote(shop.database, usage_limit=5)
    orders = [await shop.draft(shelf, promotions=[limited]) for _ in range(20)]

    answers = await asyncio.gather(*(shop.place(order_id) for order_id in orders))

    assert Counter(answer.status for answer in answers) == {
        OrderStatus.CONFIRMED: 5,
        OrderStatus.FAILED: 15,
    }
    assert await uses(shop.database, limited) == (5, ["used"] * 5)
    assert await shop.levels(shelf) == (30, 5)
    for order_id, answer in zip(orders, answers, strict=True):
        if answer.status is OrderStatus.FAILED:
            order = await shop.order(order_id)
            assert order["failure"] == {"code": "promotion-unavailable", "promotion": limited.code}
            assert order["payment_status"] == "failed"
            assert await shop.events(order_id) == ["order.placed", "order.failed"]
            assert await platform.outside.charges(order_id) == []
        else:
            assert await platform.outside.charges(order_id) == [
                ("requires_capture", PRICE - 300 + SHIPPING, 0)
            ]


@pytest.mark.parametrize("ends", ["declined", "canceled"])
async def test_use_is_given_back_by_an_order_that_ends(platform: Platform, ends: str) -> None:
    shop = platform.shop
    shelf = await shop.stock_up(5)
    once = await promote(shop.database, usage_limit=1, usage_limit_per_customer=1)
    method = DECLINED if ends == "declined" else "pm_card_visa"
    order_id = await shop.draft(shelf, promotions=[once], payment_method=method)

    answer = await shop.place(order_id)
    if ends == "declined":
        assert answer.status is OrderStatus.FAILED
    else:
        assert await uses(shop.database, once) == (1, ["used"])
        await eventually(lambda: shop.fulfillment_started(order_id))
        await shop.fulfillment(order_id).execute_update(FulfillmentWorkflow.cancel, CancelRequest())

    assert await uses(shop.database, once) == (0, ["released"])
    assert await shop.levels(shelf) == (5, 0)
    again = await shop.draft(shelf, promotions=[once])
    assert (await shop.place(again)).status is OrderStatus.CONFIRMED
    assert await uses(shop.database, once) == (1, ["released", "used"])
