"""A run that was interrupted goes on where it was."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.reconciliation import ProviderReconciliationActivities
from core.database import Database
from core.domain.errors import ProviderError
from core.settings import PostgresSettings
from core.settings_trade import ReconciliationSettings
from tests.integration.reconciliation.paged_books import PagedBooks, fee
from workflows.ports.reconciliation import FailRun, Reconciliation

PAGED = Reconciliation(provider="paged")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield database
    await database.close()


@pytest.fixture
def books() -> PagedBooks:
    return PagedBooks([[fee(1), fee(2)], [fee(3)], [fee(4)]])


@pytest.fixture
async def steps(
    database: Database, books: PagedBooks, temporal_address: str
) -> ProviderReconciliationActivities:
    return ProviderReconciliationActivities(
        database,
        {"paged": books.as_gateway()},
        await Client.connect(temporal_address),
        ReconciliationSettings(grace_seconds=0),
    )


async def test_crash_in_the_middle_goes_on_at_its_page_without_duplicates(
    database: Database, books: PagedBooks, steps: ProviderReconciliationActivities
) -> None:
    run = await ActivityEnvironment().run(steps.begin_reconciliation, PAGED)
    books.breaks_at = "1"
    heartbeats: list[object] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: heartbeats.extend(details)
    with pytest.raises(ProviderError):
        await environment.run(steps.reconcile_books, run)
    assert heartbeats == ["movements 1"]
    (row,) = await database.statement(text("SELECT status, cursor FROM reconciliations"), {})
    assert (row["status"], row["cursor"]) == ("running", "movements 1")

    books.breaks_at = None
    again = await ActivityEnvironment().run(steps.begin_reconciliation, PAGED)
    assert again == run
    await ActivityEnvironment().run(steps.reconcile_books, again)

    assert books.asked == [None, "1", "1", "2"]
    (row,) = await database.statement(
        text("SELECT status, cursor, transactions, found, figures FROM reconciliations"), {}
    )
    assert (row["status"], row["cursor"], row["transactions"], row["found"]) == (
        "done",
        None,
        4,
        0,
    )
    assert row["figures"] == {"USD": {"provider": -10, "ledger": -10}}
    postings = await database.statement(
        text("SELECT key FROM ledger_postings WHERE kind = 'fee' ORDER BY key"), {}
    )
    assert [one["key"] for one in postings] == [f"paged:txn_{n}:fee" for n in (1, 2, 3, 4)]


async def test_run_that_cannot_go_on_is_failed_and_the_next_begins_afresh(
    database: Database, steps: ProviderReconciliationActivities
) -> None:
    run = await ActivityEnvironment().run(steps.begin_reconciliation, PAGED)
    failed = FailRun(run_id=run.run_id, reason="the key is wrong")
    await ActivityEnvironment().run(steps.fail_reconciliation, failed)

    fresh = await ActivityEnvironment().run(steps.begin_reconciliation, PAGED)

    assert fresh.run_id != run.run_id
    rows = await database.statement(
        text("SELECT status, figures FROM reconciliations ORDER BY id"), {}
    )
    assert [row["status"] for row in rows] == ["failed", "running"]
    assert rows[0]["figures"] == {"error": "the key is wrong"}
