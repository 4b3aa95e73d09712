"""The paths of settlements whose histories are kept, beside those of ``paths``."""

from __future__ import annotations

from tests.eventually import eventually
from tests.replay.paths import keep
from tests.vendor_books import VendorBooks, soon
from tests.workflows.conftest import outside, skipping
from tests.workflows.platform import DAY, SkippingPlatform
from tests.workflows.settling import LARGE, ONE, TWO, settled
from workflows.ports.settlements import SettlementRun
from workflows.settlement_run import SettlementRunWorkflow
from workflows.task_queues import TaskQueue

__all__ = ["outside", "skipping"]


async def test_settlement_that_is_paid(skipping: SkippingPlatform) -> None:
    settling = await settled(skipping, LARGE)
    await skipping.skip(DAY)
    await eventually(settling.events, lambda events: events[-1] == "reminder")
    await settling.approve(ONE)
    await settling.approve(TWO)
    await eventually(settling.status, lambda status: status == "paid")
    await skipping.skip_to_the_end(settling.handle.id, 8 * DAY)
    await keep(skipping, settling.handle.id, "paid")


async def test_settlement_that_comes_back_and_is_given_up(skipping: SkippingPlatform) -> None:
    settling = await settled(skipping, 700)
    await settling.approve(ONE)
    await eventually(settling.status, lambda status: status == "paid")
    (transfer,) = await settling.transfers()
    await skipping.outside.reverse_transfer(transfer.provider_transfer_id)
    await settling.handle.signal("transfer_changed")
    await eventually(settling.status, lambda status: status == "failed")
    await settling.decide("retry")
    await eventually(settling.row, lambda row: row["paid_at"] is not None)
    (second,) = [one for one in await settling.transfers() if one.status == "paid"]
    await skipping.outside.reverse_transfer(second.provider_transfer_id)
    await settling.handle.signal("transfer_changed")
    await eventually(settling.status, lambda status: status == "failed")
    await settling.decide("cancel")
    await settling.handle.result()
    await keep(skipping, settling.handle.id, "came_back")


async def test_settlement_without_an_account(skipping: SkippingPlatform) -> None:
    settling = await settled(skipping, 700, account=None)
    await settling.approve(ONE)
    await eventually(settling.row, lambda row: row["failure"] is not None)
    await settling.decide("cancel")
    await settling.handle.result()
    await keep(skipping, settling.handle.id, "without_account")


async def test_run_over_all_vendors(skipping: SkippingPlatform) -> None:
    books = await VendorBooks(database=skipping.shop.database).open()
    await books.sale(None, 1)
    await skipping.shop.temporal.execute_workflow(
        SettlementRunWorkflow.run,
        SettlementRun(until=soon()),
        id="settlements",
        task_queue=TaskQueue.MAINTENANCE,
    )
    await keep(skipping, "settlements", "started")
