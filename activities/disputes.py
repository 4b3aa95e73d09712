"""Disputes at the providers: looked at before anything is sent, recorded as they stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.providers import gateway_of
from core.database import Database
from core.domain.disputes import OPEN_DISPUTE
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.provider_books import Evidence, ProviderDispute
from core.domain.statuses import DisputeStatus
from core.gateways.payments import PaymentGateway
from core.settings_trade import DisputeSettings
from models.disputes import Dispute
from models.orders import Order
from models.repositories import dispute_evidence, disputes, orders, payments
from workflows import search_attributes, workflow_ids
from workflows.messages import Child, DisputeRequest
from workflows.ports.disputes import (
    AcceptDispute,
    DisputeActivities,
    DisputeRef,
    DisputeState,
    RemindOfEvidence,
    SubmitEvidence,
)
from workflows.task_queues import TaskQueue

_Recording = Callable[[AsyncSession, Order, Dispute], Awaitable[None]]
_EVIDENCE = {field.name for field in fields(Evidence)}


class GatewayDisputeActivities(DisputeActivities):
    """On the configured gateways, recording in PostgreSQL."""

    def __init__(
        self,
        database: Database,
        gateways: Mapping[str, PaymentGateway],
        temporal: Client,
        settings: DisputeSettings,
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._temporal = temporal
        self._settings = settings

    @activity.defn
    async def follow_dispute(self, step: DisputeRef) -> None:
        await self._temporal.start_workflow(
            Child.DISPUTE,
            DisputeRequest(ref=step),
            id=workflow_ids.dispute(step.dispute_id),
            task_queue=TaskQueue.PAYMENTS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="dispute_changed",
            search_attributes=search_attributes.of_order(step.order_id),
            static_summary=f"Dispute {step.provider_dispute_id} of {step.order_id}",
        )

    @activity.defn
    async def look_at_dispute(self, step: DisputeRef) -> DisputeState:
        gateway = await self._gateway(step)
        found = await gateway.fetch_dispute(step.provider_dispute_id)
        return await self._record(step, found)

    @activity.defn
    async def submit_evidence(self, step: SubmitEvidence) -> DisputeState:
        gateway = await self._gateway(step.ref)
        found = await gateway.fetch_dispute(step.ref.provider_dispute_id)
        evidence = await self._draft(step)
        if found.status is DisputeStatus.NEEDS_RESPONSE and not found.evidence_submitted:
            if evidence is None:
                return await self._record(step.ref, found)
            found = await gateway.submit_evidence(
                step.ref.provider_dispute_id,
                evidence,
                key=f"{step.ref.dispute_id}:evidence:{step.submission_id}",
            )
        told = found.evidence_submitted

        async def submitted(session: AsyncSession, order: Order, dispute: Dispute) -> None:
            await dispute_evidence.record_submission(
                session, order, dispute, submission_id=step.submission_id, actor=step.actor
            )

        return await self._record(step.ref, found, first=submitted if told else None)

    @activity.defn
    async def accept_dispute(self, step: AcceptDispute) -> DisputeState:
        # Written first: when the call's answer is lost, the timeline still tells who gave it up.
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.ref.order_id)
            dispute = await disputes.get(session, step.ref.dispute_id)
            if dispute.status in OPEN_DISPUTE:
                await dispute_evidence.record_acceptance(
                    session, order, dispute, actor=step.actor, reason=step.reason
                )
        gateway = await self._gateway(step.ref)
        found = await gateway.fetch_dispute(step.ref.provider_dispute_id)
        if found.status in OPEN_DISPUTE:
            found = await gateway.accept_dispute(
                step.ref.provider_dispute_id, key=f"{step.ref.dispute_id}:accept"
            )
        return await self._record(step.ref, found)

    @activity.defn
    async def remind_of_evidence(self, step: RemindOfEvidence) -> None:
        due = f"{step.due_at:%Y-%m-%d %H:%M} UTC"
        if step.missed:
            entry = TimelineEntry(
                type=OrderEvent.DISPUTE_EVIDENCE_MISSED,
                title=f"No evidence was submitted by {due}",
                detail=step.ref.provider_dispute_id,
            )
        else:
            entry = TimelineEntry(
                type=OrderEvent.DISPUTE_EVIDENCE_DUE,
                title=f"Evidence for the bank is due by {due}",
                detail=f"{step.ref.provider_dispute_id}, {step.left_seconds / 3600:g} h before",
            )
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.ref.order_id)
            await dispute_evidence.tell_once(session, order, entry)

    async def _gateway(self, ref: DisputeRef) -> PaymentGateway:
        async with self._database.transaction() as session:
            payment = await payments.get(session, ref.payment_id)
        return gateway_of(self._gateways, payment.provider)

    async def _draft(self, step: SubmitEvidence) -> Evidence | None:
        async with self._database.transaction() as session:
            dispute = await disputes.get(session, step.ref.dispute_id)
        draft = (dispute.evidence or {}).get("drafts", {}).get(step.submission_id)
        if draft is None:
            return None
        return Evidence(**{name: draft[name] for name in _EVIDENCE if name in draft})

    async def _record(
        self, ref: DisputeRef, found: ProviderDispute, first: _Recording | None = None
    ) -> DisputeState:
        async with self._database.transaction() as session:
            order = await orders.lock(session, ref.order_id)
            if first is not None:
                await first(session, order, await disputes.get(session, ref.dispute_id))
            payment = await payments.get(session, ref.payment_id)
            dispute = await disputes.record(session, order, payment, found)
            return self._state(dispute)

    def _state(self, dispute: Dispute) -> DisputeState:
        return DisputeState(
            status=DisputeStatus(dispute.status),
            wants_evidence=dispute_evidence.wants_evidence(dispute),
            evidence_due_at=dispute.evidence_due_at,
            reminders=list(self._settings.reminders),
        )
