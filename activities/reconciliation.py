"""Go through the books of a provider and ours, write down what differs, start the repairs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy

from activities.inspection import Inspector
from activities.providers import gateway_of
from activities.reconciliation_pages import BATCH, Outcome, Pages, Phase
from activities.starting import start_unless_it_runs
from core.database import Database
from core.domain.reconciliation import DifferenceKind, DifferenceStatus
from core.domain.statuses import ReconciliationStatus
from core.gateways.payments import PaymentGateway
from core.settings_trade import ReconciliationSettings
from models.repositories import differences, provider_transactions, reconciliations
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.reconciliation import (
    FailRun,
    Reconciled,
    Reconciliation,
    ReconciliationActivities,
    RepairsStarted,
    Run,
)
from workflows.ports.repairs import RepairRequest
from workflows.task_queues import TaskQueue

_REPAIRS_AT_ONCE = 200
_PHASES = list(Phase)
_SEPARATOR = " "


class ProviderReconciliationActivities(ReconciliationActivities):
    """How far a run is lies with its row, in the transaction of each page."""

    def __init__(
        self,
        database: Database,
        gateways: Mapping[str, PaymentGateway],
        temporal: Client,
        settings: ReconciliationSettings,
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._temporal = temporal
        self._settings = settings
        self._inspector = Inspector(database, gateways, temporal)

    @activity.defn
    async def begin_reconciliation(self, step: Reconciliation) -> Run:
        gateway_of(self._gateways, step.provider)
        async with self._database.transaction() as session:
            run = await reconciliations.begin(
                session, step.provider, days=self._settings.window_days
            )
            return Run(
                run_id=run.id,
                provider=run.provider,
                since=run.window_start_at,
                until=run.window_end_at,
            )

    @activity.defn
    async def reconcile_books(self, step: Run) -> Reconciled:
        gateway = gateway_of(self._gateways, step.provider)
        pages = Pages(self._inspector, gateway, self._settings.grace)
        place = await self._place(step)
        goes_on = place is not None
        while place is not None:
            phase, cursor = place
            page = await pages.readers[phase](step, cursor)
            place = await self._keep(step, phase, page)
            activity.heartbeat(_written(place) if place else "")
        if goes_on:
            await self._end(step)
        counted = await differences.counted(self._database, step.provider)
        return Reconciled(
            run_id=step.run_id,
            open=counted.get(DifferenceStatus.OPEN, 0),
            repairing=counted.get(DifferenceStatus.REPAIRING, 0),
        )

    async def _place(self, step: Run) -> tuple[Phase, str | None] | None:
        """Where a run goes on; None when it has ended."""
        async with self._database.transaction() as session:
            run = await reconciliations.find(session, step.run_id)
        if run is None or run.status != ReconciliationStatus.RUNNING:
            return None
        if run.cursor is None:
            return _PHASES[0], None
        phase, _, cursor = run.cursor.partition(_SEPARATOR)
        return Phase(phase), cursor or None

    async def _keep(
        self, step: Run, phase: Phase, page: Outcome
    ) -> tuple[Phase, str | None] | None:
        """Write a page down together with the place where the run goes on."""
        cursor = page.next_cursor
        if page.unseen:
            cursor = await self._look_at_unseen(step)
        async with self._database.transaction() as session:
            await differences.note(
                session, provider=step.provider, run_id=step.run_id, findings=page.findings
            )
            added = 0
            if page.movements:
                added = await provider_transactions.mirror(session, step.provider, page.movements)
            if page.post:
                posted = await provider_transactions.post(
                    session, step.provider, limit=BATCH, now=datetime.now(UTC)
                )
                cursor = "more" if posted == BATCH else None
            place = _next_place(phase, cursor)
            await reconciliations.keep_place(
                session,
                step.run_id,
                _written(place or (phase, None)),
                transactions=added,
                seen=page.seen,
            )
        return place

    async def _look_at_unseen(self, step: Run) -> str | None:
        """Look again at open differences that this run has not met: outside its window, or gone."""
        after = ""
        while True:
            async with self._database.transaction() as session:
                rows = await differences.unseen(
                    session, provider=step.provider, run_id=step.run_id, after=after, limit=BATCH
                )
            for row in rows:
                activity.heartbeat(row.id)
                if row.kind == DifferenceKind.BALANCE:
                    continue
                await self._look_again(step, row.id)
            if len(rows) < BATCH:
                return None
            after = rows[-1].id

    async def _look_again(self, step: Run, difference_id: str) -> None:
        async with self._database.transaction() as session:
            known = await differences.find(session, difference_id)
        if known is None:
            return
        there = await self._inspector.is_still_there(known, grace=self._settings.grace)
        async with self._database.transaction() as session:
            row = await differences.lock(session, difference_id)
            if there:
                await differences.see_again(session, row, step.run_id)
            elif row.status in differences.OPEN:
                await differences.close(session, row, differences.BY_ITSELF)

    async def _end(self, step: Run) -> None:
        """Close what the balances do not tell any more, and end the run with its figures."""
        async with self._database.transaction() as session:
            for row in await differences.unseen(
                session, provider=step.provider, run_id=step.run_id, after="", limit=BATCH
            ):
                if row.kind == DifferenceKind.BALANCE:
                    await differences.close(session, row, differences.BY_ITSELF)
        rows = await provider_transactions.balances(
            self._database, step.provider, young=step.until - self._settings.grace
        )
        figures = {
            row["currency"]: {"provider": row["provider"], "ledger": row["ledger"]} for row in rows
        }
        await reconciliations.finish(self._database, step.run_id, figures)

    @activity.defn
    async def fail_reconciliation(self, step: FailRun) -> None:
        await reconciliations.fail(self._database, step.run_id, step.reason)

    @activity.defn
    async def start_repairs(self, step: Reconciliation) -> RepairsStarted:
        async with self._database.transaction() as session:
            wanted = await differences.to_repair(session, step.provider, limit=_REPAIRS_AT_ONCE)
            rows = [await differences.find(session, one) for one in wanted]
        for row in rows:
            if row is not None:
                await self._start(row.id, row.order_id)
        return RepairsStarted(number=len(rows))

    async def _start(self, difference_id: str, order_id: str | None) -> None:
        await start_unless_it_runs(
            self._temporal,
            Child.REPAIR,
            RepairRequest(difference_id=difference_id),
            workflow_id=workflow_ids.repair(difference_id),
            queue=TaskQueue.MAINTENANCE,
            order_id=order_id,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )


def _next_place(phase: Phase, cursor: str | None) -> tuple[Phase, str | None] | None:
    if cursor is not None:
        return phase, cursor
    following = _PHASES.index(phase) + 1
    return (_PHASES[following], None) if following < len(_PHASES) else None


def _written(place: tuple[Phase, str | None]) -> str:
    return f"{place[0]}{_SEPARATOR}{place[1] or ''}"
