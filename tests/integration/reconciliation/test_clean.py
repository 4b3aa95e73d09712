"""A platform on which nothing went wrong."""

from __future__ import annotations

from tests.eventually import eventually
from tests.integration.reconciliation.conftest import World


async def shipped(world: World) -> str:
    shop = world.platform.shop
    order_id = await shop.draft(await shop.stock_up(5))
    await shop.place(order_id)
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    return order_id


async def test_clean_platform_has_no_difference(world: World) -> None:
    await shipped(world)
    await world.reconcile()
    await world.repaired()
    first = await world.differences()

    await world.reconcile()

    assert await world.differences() == first
    assert await world.sql("SELECT * FROM differences WHERE status IN ('open', 'repairing')") == []
