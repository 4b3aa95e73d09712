"""Exchanged goods that their vendor packs in parts: the rest goes out too."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from core.domain.statuses import ReturnStatus
from models.repositories.returns import NotReturnableError
from tests.eventually import eventually
from tests.returning import Sold
from tests.shop import PRICE, SHIPPING
from tests.workflows.platform import SkippingPlatform
from tests.workflows.test_returns import begun, dearer, received, refunded, sold
from tests.workflows.test_vendor_parcels import ask
from tests.workflows.test_vendor_parcels import delivered as arrives
from tests.workflows.test_vendor_parcels import reaches as reaches_door
from workflows.messages import DecideReturn
from workflows.ports.shipments import PackedItem
from workflows.returns import ReturnWorkflow

_MANUAL = text("UPDATE vendors SET fulfillment = 'manual' WHERE id = :id RETURNING id")
_ITEM = text("SELECT id FROM order_items WHERE order_id = :id AND kind = 'exchange'")


async def test_rest_of_an_exchange_packed_in_part_goes_out_too(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    of, _ = await sold(skipping, 2)
    other = await dearer(skipping)
    await shop.database.statement(_MANUAL, {"id": other.vendor_id})
    handle = await begun(skipping, of, 2, exchange_sku=other.sku)
    await handle.execute_update(ReturnWorkflow.approve, DecideReturn(actor="staff:usr_test"))
    await received(handle, of, sellable=2)
    assert await handle.result() is ReturnStatus.REFUNDED
    item = (await shop.database.statement(_ITEM, {"id": of.order_id}))[0]["id"]

    await ask(skipping, of.order_id, "accept", 2)
    packed = [PackedItem(item_id=item, quantity=1)]
    await ask(skipping, of.order_id, "pack", 2, items=packed)
    await ask(skipping, of.order_id, "hand_over", 2)
    for update in ("accept", "pack", "hand_over"):
        await ask(skipping, of.order_id, update, 3)

    def gone(parcels: list[dict[str, Any]]) -> bool:
        return [parcel["status"] for parcel in parcels][1:] == ["handed_over"] * 2

    parcels = await eventually(lambda: shop.shipments(of.order_id), gone)
    assert [parcel["purpose"] for parcel in parcels] == ["order", "exchange", "exchange"]
    assert [parcel["capture_amount"] for parcel in parcels][1:] == [700, 700]
    assert await shop.levels(other) == (0, 0)
    total = 2 * PRICE + SHIPPING
    charges = sorted(await skipping.outside.charges(of.order_id))
    assert charges == [("succeeded", 1400, 1400), ("succeeded", total, total)]


async def test_exchanged_goods_can_come_back_too_and_are_paid_back(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    of, _ = await sold(skipping)
    other = await shop.stock_up(1)
    handle = await begun(skipping, of, exchange_sku=other.sku, reason="changed_mind")
    await handle.execute_update(ReturnWorkflow.approve, DecideReturn(actor="staff:usr_test"))
    await received(handle, of, sellable=1)
    assert await handle.result() is ReturnStatus.REFUNDED
    await reaches_door(skipping, of.order_id, "delivered", "handed_over")
    item = (await shop.database.statement(_ITEM, {"id": of.order_id}))[0]["id"]
    exchanged = Sold(order_id=of.order_id, items=[item])
    with pytest.raises(NotReturnableError):
        await begun(skipping, exchanged)
    await arrives(skipping, of.order_id, 2)
    await reaches_door(skipping, of.order_id, "delivered", "delivered")

    again = await begun(skipping, exchanged, reason="changed_mind")
    await again.execute_update(ReturnWorkflow.approve, DecideReturn(actor="staff:usr_test"))
    await received(again, exchanged, sellable=1)

    assert await again.result() is ReturnStatus.REFUNDED
    assert await refunded(skipping, of.order_id) == PRICE
    assert await shop.levels(other) == (1, 0)
    with pytest.raises(NotReturnableError):
        await begun(skipping, exchanged)
