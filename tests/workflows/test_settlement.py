"""A vendor is paid once what is owed, when enough people have approved it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from core.domain.ids import Prefix, issued_at, new_id
from core.domain.money import apply_rate
from core.settings import Settings
from models.repositories import commission_rules, payout_accounts
from models.settlements import CommissionRule
from tests.eventually import eventually
from tests.shop import PRICE
from tests.vendor_books import CURRENCY, VendorBooks, soon
from tests.workflows.outside import Outside
from tests.workflows.platform import DAY, Platform, SkippingPlatform, skipping_platform, tuned
from tests.workflows.settling import LARGE, ONE, TWO, Settling, drawn_up, settled
from tests.workflows.test_paystack import PAYSTACK, confirmed
from tests.workflows.test_reset import begin_again, tasks_of
from tests.workflows.test_returns import sold
from workflows import workflow_ids
from workflows.ports.settlements import SettlementRequest, SettlementRun, SettlementState
from workflows.settlement import SettlementWorkflow
from workflows.settlement_run import SettlementRunWorkflow
from workflows.task_queues import TaskQueue

WATCHED = timedelta(days=8)
"""Longer than a payment is looked after."""


async def test_two_different_people_approve_a_large_payment(skipping: SkippingPlatform) -> None:
    settling = await settled(skipping, LARGE, actor=ONE)

    assert (await settling.approve(ONE)).status == "awaiting_approval"
    assert "you have approved it already" in await settling.refused("approve", ONE)
    assert await settling.status() == "awaiting_approval"
    assert (await settling.approve(TWO)).status in {"approved", "paying", "paid"}
    await eventually(settling.status, lambda status: status == "paid")

    (transfer,) = await settling.transfers()
    assert (transfer.amount, transfer.destination) == (LARGE, "acct_vendor")
    assert (await settling.postings(), await settling.books.owed()) == (["transfer"], 0)
    assert "the state is paid" in await settling.refused("cancel", ONE)
    assert await skipping.skip_to_the_end(settling.handle.id, WATCHED) == "paid"
    assert await settling.events() == ["drawn_up", "approval_given", "approved", "paying", "paid"]


async def test_who_drew_it_up_is_not_the_only_one_who_approves_it(
    skipping: SkippingPlatform,
) -> None:
    settling = await settled(skipping, 100, actor=ONE)

    assert "you have drawn it up" in await settling.refused("approve", ONE)
    assert "retry is not possible" in await settling.refused("retry", TWO)
    assert await settling.transfers() == []
    await settling.approve(TWO)
    await eventually(settling.status, lambda status: status == "paid")


async def test_lost_answer_pays_once(skipping: SkippingPlatform) -> None:
    await skipping.outside.fault("stripe", "transfers.create", "timeout_after_effect", latency_ms=0)
    settling = await settled(skipping, 4_200)
    await settling.approve(ONE)
    await skipping.outside.until_struck()
    await skipping.skip(timedelta(seconds=2))
    await eventually(settling.status, lambda status: status == "paid")

    assert [one.amount for one in await settling.transfers()] == [4_200]
    assert (await settling.postings(), await settling.books.owed()) == (["transfer"], 0)


async def test_provider_that_is_down_is_shown_and_asked_again(skipping: SkippingPlatform) -> None:
    await skipping.outside.break_down("stripe", "transfers.create")
    settling = await settled(skipping, 4_200)
    await settling.approve(ONE)
    await skipping.skip(timedelta(seconds=4))
    await eventually(settling.row, lambda row: row["failure"] is not None)
    assert await settling.handle.query("get_parked_step") == (
        "the provider's answer about a settlement"
    )
    assert "the state is paying" in await settling.refused("cancel", ONE)
    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(minutes=3))

    row = await eventually(settling.row, lambda row: row["status"] == "paid")
    assert (row["failure"], len(await settling.transfers())) == (None, 1)


async def test_payment_that_comes_back_is_owed_again_until_a_person_retries(
    skipping: SkippingPlatform,
) -> None:
    settling = await settled(skipping, 700)
    await settling.approve(ONE)
    await eventually(settling.status, lambda status: status == "paid")
    (first,) = await settling.transfers()
    await skipping.outside.reverse_transfer(first.provider_transfer_id)
    await settling.handle.signal("transfer_changed")
    row = await eventually(settling.row, lambda row: row["status"] == "failed")
    assert (row["failure"], row["paid_at"]) == ("reversed", None)
    assert (await settling.postings(), await settling.books.owed()) == (
        ["transfer", "transfer_failed"], 700
    )  # fmt: skip

    await settling.decide("retry")
    await eventually(settling.status, lambda status: status == "paid")
    assert {one.reference: one.status for one in await settling.transfers()} == {
        settling.id: "failed",
        f"{settling.id}-2": "paid",
    }
    assert await settling.postings() == ["transfer", "transfer:2", "transfer_failed"]
    assert await settling.books.owed() == 0


async def test_news_after_its_end_start_it_again(skipping: SkippingPlatform) -> None:
    settling = await settled(skipping, 700)
    await settling.approve(ONE)
    await eventually(settling.status, lambda status: status == "paid")
    await skipping.skip_to_the_end(settling.handle.id, WATCHED)
    (transfer,) = await settling.transfers()
    await skipping.outside.reverse_transfer(transfer.provider_transfer_id)

    await skipping.shop.temporal.start_workflow(
        SettlementWorkflow.run,
        SettlementRequest(settlement_id=settling.id),
        id=settling.handle.id,
        task_queue=TaskQueue.MAINTENANCE,
        start_signal="transfer_changed",
    )

    await eventually(settling.status, lambda status: status == "failed")
    await settling.decide("cancel")
    assert await settling.handle.result() == "canceled"
    assert await settling.books.owed() == 700
    again = await drawn_up(skipping, settling.books)
    assert (await again.row())["amount"] == 700


async def test_vendor_without_an_account_is_paid_once_there_is_one(
    skipping: SkippingPlatform,
) -> None:
    settling = await settled(skipping, 700, account=None)
    await settling.approve(ONE)
    await eventually(settling.row, lambda row: row["failure"] == "the vendor has no payout account")
    await skipping.skip(DAY + timedelta(minutes=1))
    await eventually(settling.events, lambda events: events[-1] == "reminder")
    async with skipping.shop.database.transaction() as session:
        await payout_accounts.put(
            session,
            settling.books.vendor_id,
            provider="stripe",
            account="acct_new",
            actor=ONE,
            reason="",
        )
    await settling.handle.signal("payout_account_changed")

    await eventually(settling.status, lambda status: status == "paid")
    assert [one.destination for one in await settling.transfers()] == ["acct_new"]


async def test_people_are_reminded_until_they_decide(skipping: SkippingPlatform) -> None:
    settling = await settled(skipping, 700)
    await skipping.skip(2 * DAY + timedelta(minutes=1))
    await eventually(settling.events, lambda events: events == ["drawn_up", *["reminder"] * 2])
    assert await settling.handle.query("get_parked_step") == "approval of a settlement"

    await settling.decide("cancel")

    assert await settling.handle.result() == "canceled"
    assert await settling.transfers() == []


@pytest.fixture
async def generous(settings: Settings, outside: Outside) -> AsyncIterator[SkippingPlatform]:
    """A platform that pays small amounts without asking anybody."""
    limits = {"automatic_amount": 1_000}
    async with skipping_platform(tuned(settings, settlement=limits), outside) as platform:
        yield platform
        assert await platform.broken_promises() == {}


async def test_run_pays_small_amounts_and_carries_debts_over(generous: SkippingPlatform) -> None:
    database = generous.shop.database
    small, owing, large = [await VendorBooks(database=database).open() for _ in range(3)]
    await small.sale(None, 999)
    await owing.refund(None, 1)
    await large.sale(None, 1_000)
    until = soon()
    started = await generous.shop.temporal.execute_workflow(
        SettlementRunWorkflow.run,
        SettlementRun(until=until),
        id="settlements",
        task_queue=TaskQueue.MAINTENANCE,
    )

    assert started == 2
    await eventually(small.owed, lambda owed: owed == 0)
    assert await large.owed() == 1_000
    assert await owing.owed() == -1
    nothing = await drawn_up(generous, owing)
    assert await nothing.handle.result() == "nothing_to_pay"
    assert issued_at(nothing.id) >= int(until.timestamp())
    assert nothing.handle.id == workflow_ids.settlement(nothing.id)


async def test_order_is_paid_to_its_vendor_when_its_return_window_is_over(
    skipping: SkippingPlatform,
) -> None:
    database = skipping.shop.database
    rule = CommissionRule(id=new_id(Prefix.COMMISSION), basis_points=1_000)
    async with database.transaction() as session:
        await commission_rules.add(session, rule, actor=ONE, reason="")
    of, shelf = await sold(skipping)
    books = VendorBooks(database=database, vendor_id=shelf.vendor_id)
    async with database.transaction() as session:
        await payout_accounts.put(
            session, shelf.vendor_id, provider="stripe", account="acct_1", actor=ONE, reason=""
        )
    early = await drawn_up(skipping, books)
    assert await early.handle.result() == "nothing_to_pay"
    await skipping.skip_to_the_end(workflow_ids.fulfillment(of.order_id), 15 * DAY)

    settling = await drawn_up(skipping, books)

    row = await settling.row()
    commission = apply_rate(PRICE, 1_000)
    assert (row["sales_amount"], row["commission_amount"]) == (PRICE, commission)
    assert row["amount"] == PRICE - commission
    await settling.approve(ONE)
    await eventually(settling.status, lambda status: status == "paid")
    assert await books.owed() == 0


@pytest.mark.parametrize(
    ("news", "status", "owed"), [("success", "paid", 0), ("failed", "failed", 700)]
)
async def test_transfer_that_takes_its_time_is_waited_for(
    skipping: SkippingPlatform, news: str, status: str, owed: int
) -> None:
    await confirmed(skipping)
    recipient = f"RCP_{new_id(Prefix.VENDOR)}"
    await skipping.outside.slow_recipient(recipient, CURRENCY)
    books = VendorBooks(database=skipping.shop.database)
    await books.open(account=recipient, provider=PAYSTACK)
    await books.sale(None, 700)
    settling = await drawn_up(skipping, books)
    settling.provider = PAYSTACK
    await settling.approve(ONE)
    row = await eventually(settling.row, lambda row: row["provider_transfer_id"] is not None)
    assert (row["status"], row["paid_at"]) == ("paying", None)
    assert (await settling.postings(), await books.owed()) == (["transfer"], 0)

    await skipping.outside.move_transfer(settling.id, news)
    await skipping.skip(timedelta(minutes=2))

    await eventually(settling.status, lambda seen: seen == status)
    assert await books.owed() == owed
    assert [one.amount for one in await settling.transfers()] == [700]


async def test_settlement_reset_anywhere_pays_once(platform: Platform) -> None:
    settling = await settled(platform, LARGE)
    for person in (ONE, TWO):
        await settling.approve(person)
    await eventually(settling.status, lambda status: status == "paid")
    before = (await settling.row(), await settling.events(), await settling.postings())
    run_id = (await settling.handle.describe()).run_id
    first = platform.shop.temporal.get_workflow_handle(settling.handle.id, run_id=run_id)
    tasks = await tasks_of(first)
    assert len(tasks) > 3

    for event_id in tasks:
        new_run = await begin_again(platform, settling.handle.id, str(run_id), event_id)
        # What a reset run knows from its history, the approvals that follow it make up for.
        await eventually(lambda: known_to(settling), lambda status: status == "paid")
        await new_run.terminate("the rehearsal is over")

    assert [one.amount for one in await settling.transfers()] == [LARGE]
    after = (await settling.row(), await settling.events(), await settling.postings())
    assert after == before


async def known_to(settling: Settling) -> str | None:
    """The status that the workflow itself knows of."""
    known: SettlementState = await settling.handle.execute_update(
        "drawn_up", result_type=SettlementState
    )
    return known.status
