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
    assert await world.still_open() == set()
    (run,) = await world.sql(
        "SELECT figures FROM reconciliations WHERE provider = 'stripe' ORDER BY id DESC LIMIT 1"
    )
    provider = await world.platform.outside.balance("usd")
    assert provider["net"] > 0
    assert run["figures"]["USD"] == {"provider": provider["net"], "ledger": provider["net"]}


async def test_payout_and_fees_are_posted_from_the_movements(world: World) -> None:
    await shipped(world)
    outside = world.platform.outside
    before = (await outside.balance("usd"))["net"]
    payout_id = await outside.pay_out("usd", 300)
    await world.reconcile()
    rows = await world.sql(
        "SELECT e.account, e.amount FROM ledger_postings p"
        " JOIN ledger_entries e ON e.posting_key = p.key"
        " WHERE p.kind = 'payout' AND p.reference = :id ORDER BY e.position",
        id=payout_id,
    )
    assert [tuple(row.values()) for row in rows] == [("bank", 300), ("provider_balance", -300)]
    (ledger,) = await world.sql(
        "SELECT sum(amount) AS amount FROM ledger_entries"
        " WHERE account = 'provider_balance' AND holder = 'stripe'"
    )
    assert ledger["amount"] == before - 300
    await world.repaired()
    assert await world.still_open() == set()
