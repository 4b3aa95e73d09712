"""Refunds at the providers: asked about before they are sent, recorded part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.asking import noting_silence
from activities.providers import gateway_of
from core.database import Database
from core.domain.errors import NotFoundError
from core.domain.payments import ProviderRefund
from core.domain.statuses import RefundStatus
from core.gateways.payments import PaymentGateway
from models.payments import Payment, Refund, RefundPart
from models.repositories import orders, payments, refunds, unanswered
from workflows.ports.refunds import (
    GiveUpRefundPart,
    RefundActivities,
    RefundPartState,
    RefundPlan,
    RefundRef,
    SendRefundPart,
)


class GatewayRefundActivities(RefundActivities):
    def __init__(self, database: Database, gateways: Mapping[str, PaymentGateway]) -> None:
        self._database = database
        self._gateways = gateways

    @activity.defn
    async def plan_refund(self, step: RefundRef) -> RefundPlan:
        async with self._database.transaction() as session:
            return await _plan(session, step.refund_id)

    @activity.defn
    async def send_refund_part(self, step: SendRefundPart) -> RefundPartState:
        part, payment = await self._read(step)
        if part.status != RefundStatus.PENDING:
            return _state(part)
        if payment.provider_payment_id is None:
            raise NotFoundError(f"no captured payment {payment.id}")
        gateway = gateway_of(self._gateways, payment.provider)
        # A key is forgotten after a day and a workflow can be reset later: always look first.
        known = [
            one
            for one in await gateway.find_refunds(payment.provider_payment_id)
            if one.reference == step.refund_id
        ]
        found = _standing(known, step.tries)
        failures = sum(one.status is RefundStatus.FAILED for one in known)
        if found is None:
            async with noting_silence(
                lambda: unanswered.mark_refund(
                    self._database, step.order_id, step.refund_id, step.payment_id
                )
            ):
                found = await gateway.refund(
                    payment.provider_payment_id,
                    amount=part.amount,
                    key=_key(step, payment.attempt, failures),
                    reference=step.refund_id,
                )
            failures += found.status is RefundStatus.FAILED
        return await self._record(step, found, failures)

    @activity.defn
    async def give_up_refund_part(self, step: GiveUpRefundPart) -> RefundPlan:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            part = await _part(session, step.refund_id, step.payment_id)
            await refunds.give_up(session, order, part, actor=step.actor, reason=step.reason)
            return await _plan(session, step.refund_id)

    async def _read(self, step: SendRefundPart) -> tuple[RefundPart, Payment]:
        async with self._database.transaction() as session:
            part = await _part(session, step.refund_id, step.payment_id)
            return part, await payments.get(session, step.payment_id)

    async def _record(
        self, step: SendRefundPart, found: ProviderRefund, failures: int
    ) -> RefundPartState:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            part = await _part(session, step.refund_id, step.payment_id)
            await refunds.record_part(session, order, part, found)
            if found.status is RefundStatus.FAILED:
                return RefundPartState(
                    status=RefundStatus.FAILED, failures=failures, failure_code=found.failure_code
                )
            return _state(part)


def _standing(known: Sequence[ProviderRefund], tries: int) -> ProviderRefund | None:
    """The refund that is there already, or its last failure when it is not to be tried again."""
    live = [one for one in known if one.status is not RefundStatus.FAILED]
    if live:
        return live[0]
    return known[0] if len(known) >= tries else None


def _key(step: SendRefundPart, attempt: int, failures: int) -> str:
    """One effect per key; each failure that the provider shows makes room for one more."""
    key = f"{step.order_id}:refund:{step.refund_id}:{attempt}"
    return f"{key}:{failures + 1}" if failures else key


async def _plan(session: AsyncSession, refund_id: str) -> RefundPlan:
    refund = await session.get(Refund, refund_id)
    if refund is None:
        raise NotFoundError(f"no refund {refund_id}")
    left = await refunds.unsettled(session, refund_id)
    return RefundPlan(
        status=RefundStatus(refund.status), payment_ids=[part.payment_id for part in left]
    )


async def _part(session: AsyncSession, refund_id: str, payment_id: str) -> RefundPart:
    part = await session.get(RefundPart, (refund_id, payment_id))
    if part is None:
        raise NotFoundError(f"no part of {payment_id} in {refund_id}")
    return part


def _state(part: RefundPart) -> RefundPartState:
    return RefundPartState(status=RefundStatus(part.status), failure_code=part.failure_code)
