"""Start the settlements of a period, and go on with those whose workflow was lost."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from core.database import Database
from core.domain.settlements import settlement_id
from models.repositories import payables, settlement_views
from workflows import search_attributes, workflow_ids
from workflows.messages import Child
from workflows.ports.settlements import (
    SettlementRequest,
    SettlementRun,
    SettlementRunActivities,
    StartedSettlements,
)
from workflows.task_queues import TaskQueue

_PAGE = 200


class PostgresSettlementRunActivities(SettlementRunActivities):
    def __init__(self, database: Database, temporal: Client) -> None:
        self._database = database
        self._temporal = temporal

    @activity.defn
    async def start_settlements(self, step: SettlementRun) -> StartedSettlements:
        until = step.until or datetime.now(UTC).replace(microsecond=0)
        if step.after == ("", ""):
            for unfinished in await settlement_views.unfinished(self._database):
                await self._start(SettlementRequest(settlement_id=unfinished))
        pairs = await payables.vendors_to_pay(
            self._database, until, after=(step.after[0], step.after[1]), limit=_PAGE
        )
        for vendor_id, currency in pairs:
            await self._start(
                SettlementRequest(
                    settlement_id=settlement_id(vendor_id, currency, until),
                    vendor_id=vendor_id,
                    currency=currency,
                    period_end=until,
                )
            )
            activity.heartbeat(vendor_id)
        return StartedSettlements(
            started=len(pairs), after=pairs[-1] if len(pairs) == _PAGE else None
        )

    async def _start(self, request: SettlementRequest) -> None:
        with suppress(WorkflowAlreadyStartedError):
            await self._temporal.start_workflow(
                Child.SETTLEMENT,
                request,
                id=workflow_ids.settlement(request.settlement_id),
                task_queue=TaskQueue.MAINTENANCE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                search_attributes=search_attributes.of_vendor(request.vendor_id),
                static_summary="Settle with a vendor",
            )
