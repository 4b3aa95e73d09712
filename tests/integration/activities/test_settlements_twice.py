"""Every step of a settlement runs twice and leaves what its first run left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from activities.settlement_runs import PostgresSettlementRunActivities
from activities.settlements import PostgresSettlementActivities
from activities.vendor_transfers import GatewayTransferActivities
from core.domain.settlements import settlement_id
from core.domain.statuses import SettlementStatus
from core.resources import Resources, open_resources
from core.settings import Settings
from models.repositories.invariants import INVARIANTS, rows_that_break
from tests.integration.activities.unchanged import RunTwice
from tests.vendor_books import CURRENCY, VendorBooks, soon
from workflows import workflow_ids
from workflows.ports.settlements import (
    DecideSettlement,
    NoteSettlement,
    RemindSettlement,
    SendTransfer,
    SettlementRef,
    SettlementRequest,
    SettlementRun,
)

ONE, TWO = "staff:usr_1", "staff:usr_2"


@pytest.fixture
async def resources(
    settings: Settings, database_url: str, sandbox_url: str
) -> AsyncIterator[Resources]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    limits = settings.settlement.model_copy(update={"two_person_amount": 5_000})
    settings = settings.model_copy(update={"postgres": postgres, "settlement": limits})
    async with open_resources(settings) as opened:
        yield opened
        for one in INVARIANTS:
            assert await rows_that_break(opened.database, one) == [], one.name


@pytest.fixture
async def books(resources: Resources) -> VendorBooks:
    return await VendorBooks(database=resources.database).open()


def decision(settlement: str, actor: str, update_id: str) -> DecideSettlement:
    return DecideSettlement(
        settlement_id=settlement, actor=actor, reason="so it is", update_id=update_id
    )


async def test_settlement_from_its_draft_to_a_payment_that_is_refused_and_given_up(
    resources: Resources, books: VendorBooks
) -> None:
    twice = RunTwice(resources.database)
    steps = PostgresSettlementActivities(resources.database, resources.settings.settlement)
    transfers = GatewayTransferActivities(
        resources.database, resources.payments, resources.settings.settlement
    )
    await books.sale(None, 8_000, commission=2_000)
    end = soon()
    request = SettlementRequest(
        settlement_id=settlement_id(books.vendor_id, CURRENCY, end),
        vendor_id=books.vendor_id,
        currency=CURRENCY,
        period_end=end,
    )
    ref = SettlementRef(settlement_id=request.settlement_id)

    drawn = await twice(steps.draw_up_settlement, request)
    assert (drawn.status, drawn.amount, drawn.approvals_needed) == ("awaiting_approval", 8_000, 2)
    reminder = RemindSettlement(settlement_id=ref.settlement_id, version=drawn.version)
    assert (await twice(steps.remind_of_settlement, reminder)).version == drawn.version + 1
    once = await twice(steps.approve_settlement, decision(ref.settlement_id, ONE, "a"))
    assert (once.status, once.approvers) == ("awaiting_approval", [ONE])
    both = await twice(steps.approve_settlement, decision(ref.settlement_id, TWO, "b"))
    assert (both.status, both.approvers) == ("approved", [ONE, TWO])
    paying = await twice(steps.begin_transfer, ref)
    assert (paying.status, paying.attempt) == ("paying", 1)
    note = NoteSettlement(settlement_id=ref.settlement_id, why="no answer")
    assert (await twice(steps.note_settlement, note)).failure == "no answer"
    paid = await twice(
        transfers.send_transfer, SendTransfer(settlement_id=ref.settlement_id, attempt=1)
    )
    assert (paid.status, paid.failure, await books.owed()) == ("paid", None, 0)


async def test_failed_settlement_is_tried_again_and_then_given_up(
    resources: Resources,
) -> None:
    twice = RunTwice(resources.database)
    books = await VendorBooks(database=resources.database).open(account="acct_restricted_1")
    steps = PostgresSettlementActivities(resources.database, resources.settings.settlement)
    transfers = GatewayTransferActivities(
        resources.database, resources.payments, resources.settings.settlement
    )
    await books.sale(None, 100)
    end = soon()
    request = SettlementRequest(
        settlement_id=settlement_id(books.vendor_id, CURRENCY, end),
        vendor_id=books.vendor_id,
        currency=CURRENCY,
        period_end=end,
    )
    ref = SettlementRef(settlement_id=request.settlement_id)
    send = SendTransfer(settlement_id=ref.settlement_id, attempt=1)
    await twice(steps.draw_up_settlement, request)
    await twice(steps.approve_settlement, decision(ref.settlement_id, ONE, "a"))
    await twice(steps.begin_transfer, ref)

    failed = await twice(transfers.send_transfer, send)
    assert failed.status is SettlementStatus.FAILED
    assert "capabilities" in (failed.failure or "")
    again = await twice(steps.retry_settlement, decision(ref.settlement_id, ONE, "b"))
    assert (again.status, again.failure) == ("approved", None)
    assert (await twice(steps.begin_transfer, ref)).attempt == 2
    second = await twice(transfers.send_transfer, replace(send, attempt=2))
    assert second.status is SettlementStatus.FAILED
    gone = await twice(steps.cancel_settlement, decision(ref.settlement_id, ONE, "c"))

    assert (gone.status, await books.owed()) == ("canceled", 100)


async def test_run_over_all_vendors_starts_each_settlement_once(
    resources: Resources, books: VendorBooks
) -> None:
    other = await VendorBooks(database=resources.database).open()
    await books.sale(None, 100)
    await other.refund(None, 100)
    runs = PostgresSettlementRunActivities(resources.database, resources.temporal)
    end = soon()

    twice = RunTwice(resources.database)
    started = await twice(runs.start_settlements, SettlementRun(until=end))

    assert (started.started, started.after) == (1, None)
    wanted = workflow_ids.settlement(settlement_id(books.vendor_id, CURRENCY, end))
    handle = resources.temporal.get_workflow_handle(wanted)
    assert (await handle.describe()).task_queue == "maintenance"
    await handle.terminate()
