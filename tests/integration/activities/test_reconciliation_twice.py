"""The steps of a reconciliation and of a repair run twice: one effect, one answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from temporalio.client import Client

from activities.reconciliation import ProviderReconciliationActivities
from activities.repairs import DifferenceRepairActivities
from core.database import Database
from core.domain.ids import Prefix, new_id
from core.domain.reconciliation import DifferenceKind, DifferenceStatus, RepairKind
from core.domain.reconciliation_pictures import Finding
from core.settings import PostgresSettings
from core.settings_trade import FulfillmentSettings, ReconciliationSettings
from models.repositories import differences
from tests.integration.activities.unchanged import RunTwice
from tests.integration.reconciliation.paged_books import PagedBooks, fee
from workflows import workflow_ids
from workflows.ports.reconciliation import FailRun, Reconciliation
from workflows.ports.repairs import CheckRepair, RepairRequest

PAGED = Reconciliation(provider="paged")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield database
    await database.close()


async def test_steps_of_a_reconciliation_and_a_repair_twice(
    database: Database, temporal_address: str
) -> None:
    temporal = await Client.connect(temporal_address)
    gateways = {"paged": PagedBooks([[fee(1)], [fee(2)]]).as_gateway()}
    steps = ProviderReconciliationActivities(
        database, gateways, temporal, ReconciliationSettings(grace_seconds=0)
    )
    repairs = DifferenceRepairActivities(database, gateways, temporal, FulfillmentSettings())
    twice = RunTwice(database)
    run = await twice(steps.begin_reconciliation, PAGED)
    order_id = new_id(Prefix.ORDER)
    async with database.transaction() as session:
        lost = Finding(
            kind=DifferenceKind.LOST_WORKFLOW,
            subject=order_id,
            repair=RepairKind.RESTART_WORKFLOW,
            order_id=order_id,
        )
        await differences.note(session, provider="paged", run_id=run.run_id, findings=[lost])
        (difference_id,) = await differences.to_repair(session, "paged", limit=10)

    reconciled = await twice(steps.reconcile_books, run)
    assert (reconciled.open, reconciled.repairing) == (0, 1)
    assert (await twice(steps.start_repairs, PAGED)).number == 1
    handle = temporal.get_workflow_handle(workflow_ids.repair(difference_id))
    await handle.terminate("this test goes through its steps by itself")

    request = RepairRequest(difference_id=difference_id)
    plan = await twice(repairs.plan_repair, request)
    assert (plan.repair, plan.order_id) == (RepairKind.RESTART_WORKFLOW, order_id)
    await twice(repairs.start_for_repair, request)
    check = CheckRepair(difference_id=difference_id, attempt=1, is_last=False)
    outcome = await twice(repairs.check_repair, check)
    assert outcome.status is DifferenceStatus.REPAIRED
    assert (await twice(repairs.plan_repair, request)).repair is None

    other = await twice(steps.begin_reconciliation, PAGED)
    await twice(steps.fail_reconciliation, FailRun(run_id=other.run_id, reason="a wrong key"))
