"""Put differences right by starting what is missing, and look at both sides again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy

from activities.inspection import Inspector
from activities.starting import start_unless_it_runs
from core.database import Database
from core.domain.reconciliation import DifferenceKind, DifferenceStatus, RepairKind
from core.domain.reconciliation_grace import AT_CHECKOUT
from core.gateways.payments import PaymentGateway
from core.settings_trade import FulfillmentSettings
from models.reconciliation import Difference
from models.repositories import differences, disputes, reconciliation_reads
from workflows import workflow_ids
from workflows.messages import NEW_PAYMENT, Checkout, Child, Fulfillment
from workflows.ports.captures import CapturePart
from workflows.ports.disputes import DisputeRef
from workflows.ports.payments import AuthorizationRef, PaymentRef
from workflows.ports.repairs import (
    CheckRepair,
    RepairActivities,
    RepairOutcome,
    RepairPlan,
    RepairRequest,
)
from workflows.ports.webhooks import EventRef
from workflows.task_queues import TaskQueue

_EVENT_SECONDS = 15
_NOTHING = RepairPlan(repair=None)
_PAYMENT_REPAIRS = frozenset(
    {RepairKind.SYNC_PAYMENT, RepairKind.VOID_PAYMENT, RepairKind.RESUME_CAPTURE}
)


class DifferenceRepairActivities(RepairActivities):
    def __init__(
        self,
        database: Database,
        gateways: Mapping[str, PaymentGateway],
        temporal: Client,
        settings: FulfillmentSettings,
    ) -> None:
        self._database = database
        self._temporal = temporal
        self._settings = settings
        self._inspector = Inspector(database, gateways, temporal)

    @activity.defn
    async def plan_repair(self, step: RepairRequest) -> RepairPlan:
        row = await self._read(step.difference_id)
        if row is None or row.status != DifferenceStatus.REPAIRING:
            return _NOTHING
        repair = RepairKind(row.repair)
        if repair not in _PAYMENT_REPAIRS:
            dispute = _dispute(row) if repair is RepairKind.OPEN_DISPUTE else None
            return RepairPlan(repair=repair, order_id=row.order_id or "", dispute=dispute)
        return await self._plan_payment(row, repair)

    async def _plan_payment(self, row: Difference, repair: RepairKind) -> RepairPlan:
        order_id = row.order_id or ""
        provider_payment_id = str(row.evidence.get("provider_payment_id") or row.subject)
        payment = PaymentRef(
            order_id=order_id,
            payment_id=row.payment_id or "",
            provider=row.provider,
            provider_payment_id=provider_payment_id,
        )
        orders = await reconciliation_reads.orders(self._database, [order_id])
        order = orders.get(order_id)
        if repair is RepairKind.SYNC_PAYMENT and order and order.status in AT_CHECKOUT:
            return RepairPlan(repair=repair, order_id=order_id, checkout=True)
        ours = await reconciliation_reads.payments(
            self._database, row.provider, provider_payment_ids=[], payment_ids=[payment.payment_id]
        )
        numbers = row.evidence.get("parts", [])
        held = ours and ours[0].held and ours[0].captured and repair is RepairKind.SYNC_PAYMENT
        return RepairPlan(
            repair=repair,
            order_id=order_id,
            payment=payment,
            parts=[
                CapturePart(
                    order_id=order_id,
                    payment_id=payment.payment_id,
                    number=part.number,
                    amount=part.amount,
                )
                for one in ours
                for part in one.planned
                if part.number in numbers
            ],
            let_go=AuthorizationRef(order_id=order_id, payment_id=payment.payment_id, lapsed=True)
            if held and row.kind == DifferenceKind.STATE
            else None,
            wakes=await reconciliation_reads.wakes(
                self._database, order_id, new_payment=NEW_PAYMENT
            ),
        )

    @activity.defn
    async def start_for_repair(self, step: RepairRequest) -> None:
        row = await self._read(step.difference_id)
        if row is None or row.status != DifferenceStatus.REPAIRING:
            return
        match RepairKind(row.repair):
            case RepairKind.DRIVE_EVENT:
                await self._drive_event(row.provider, row.subject)
            case RepairKind.RESTART_WORKFLOW:
                await self._restart(row.subject)
            case _:
                return

    async def _drive_event(self, provider: str, event_id: str) -> None:
        """Start an event's workflow again, also one that ended without finishing its event."""
        workflow_id = workflow_ids.webhook(provider, event_id)
        await start_unless_it_runs(
            self._temporal,
            "PaymentEventWorkflow",
            EventRef(provider=provider, event_id=event_id),
            workflow_id=workflow_id,
            queue=TaskQueue.PAYMENTS,
            order_id=None,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
        with suppress(TimeoutError, WorkflowFailureError):
            async with asyncio.timeout(_EVENT_SECONDS):
                await self._temporal.get_workflow_handle(workflow_id).result()

    async def _restart(self, order_id: str) -> None:
        row = await reconciliation_reads.to_restart(self._database, order_id)
        if row is None:
            return
        at_checkout = row["status"] in AT_CHECKOUT
        request: Checkout | Fulfillment
        if at_checkout:
            request = Checkout(order_id=order_id, customer_id=row["customer_id"] or "")
        else:
            request = Fulfillment(
                order_id=order_id,
                handling_seconds=self._settings.handling_seconds,
                capture_before=row["capture_before"],
            )
        await start_unless_it_runs(
            self._temporal,
            "CheckoutWorkflow" if at_checkout else Child.FULFILLMENT,
            request,
            workflow_id=workflow_ids.checkout(order_id)
            if at_checkout
            else workflow_ids.fulfillment(order_id),
            queue=TaskQueue.CHECKOUT if at_checkout else TaskQueue.FULFILLMENT,
            order_id=order_id,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )

    @activity.defn
    async def check_repair(self, step: CheckRepair) -> RepairOutcome:
        row = await self._read(step.difference_id)
        if row is None or row.status != DifferenceStatus.REPAIRING:
            status = DifferenceStatus(row.status) if row else DifferenceStatus.REPAIRED
            return RepairOutcome(status=status)
        there = await self._inspector.is_still_there(row, grace=timedelta(0))
        async with self._database.transaction() as session:
            row = await differences.lock(session, step.difference_id)
            row.attempts = max(row.attempts, step.attempt)
            if not there:
                await differences.close(session, row, differences.REPAIRED)
            elif step.is_last and row.status == DifferenceStatus.REPAIRING:
                row.status = DifferenceStatus.OPEN
            await session.flush()
            return RepairOutcome(status=DifferenceStatus(row.status))

    async def _read(self, difference_id: str) -> Difference | None:
        async with self._database.transaction() as session:
            return await differences.find(session, difference_id)


def _dispute(row: Difference) -> DisputeRef:
    order_id = row.order_id or ""
    return DisputeRef(
        order_id=order_id,
        payment_id=row.payment_id or "",
        dispute_id=disputes.id_of(order_id, row.subject),
        provider_dispute_id=row.subject,
    )
