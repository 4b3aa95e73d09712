"""Money back to the customer: once, from the payments that took it, and proven at the provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

from core.domain.statuses import RefundStatus
from workflows.messages import Action, RefundRequest, Resolution
from workflows.parking import Parkable, StepResolvedError
from workflows.policies import FIRST_REFUND_POLL, LONGEST_PAYMENT_POLL
from workflows.ports.refunds import (
    GiveUpRefundPart,
    RefundActivities,
    RefundPartState,
    RefundRef,
    SendRefundPart,
)
from workflows.saga import shielded
from workflows.steps import database_step, payment_call

REFUND = "refund"
"""What an order waits for whose refund failed at the provider."""


@workflow.defn
class RefundWorkflow(Parkable):
    """Carry out a refund that was written before; its row says how much and why."""

    @workflow.init
    def __init__(self, request: RefundRequest) -> None:
        super().__init__()
        self._request = request
        self._ref = RefundRef(order_id=request.order_id, refund_id=request.refund_id)
        self._tries = request.tries
        self._news = False

    @workflow.run
    async def run(self, _request: RefundRequest) -> RefundStatus:
        status = await shielded(self._give_back())
        await workflow.wait_condition(workflow.all_handlers_finished)
        return status

    async def _give_back(self) -> RefundStatus:
        plan = await database_step(RefundActivities.plan_refund, self._ref)
        for payment_id in plan.payment_ids:
            await self._give_back_part(payment_id)
            self._tries = 1
        plan = await database_step(RefundActivities.plan_refund, self._ref)
        return plan.status

    async def _give_back_part(self, payment_id: str) -> None:
        patience = FIRST_REFUND_POLL
        while True:
            await self._fresh_run_if_long()
            try:
                state = await self._send(payment_id, self._tries)
            except StepResolvedError as resolved:
                await self._write_off(payment_id, resolved.resolution)
                return
            if state.status is RefundStatus.SUCCEEDED:
                return
            if state.status is RefundStatus.PENDING:
                told = await self._news_within(patience)
                patience = FIRST_REFUND_POLL if told else min(patience * 2, LONGEST_PAYMENT_POLL)
                continue
            decision = await self._ask(state)
            if decision.action is Action.SKIP:
                await self._write_off(payment_id, decision)
                return
            self._tries = state.failures + 1

    async def _send(self, payment_id: str, tries: int) -> RefundPartState:
        step = SendRefundPart(
            order_id=self._ref.order_id,
            refund_id=self._ref.refund_id,
            payment_id=payment_id,
            tries=tries,
        )
        return await self.until_done(
            self._ref.order_id,
            REFUND,
            lambda: payment_call(RefundActivities.send_refund_part, step),
            actions=[Action.RETRY, Action.SKIP],
        )

    async def _ask(self, state: RefundPartState) -> Resolution:
        decision = await self.ask(
            self._ref.order_id,
            REFUND,
            f"the provider could not give the money back: {state.failure_code or 'no reason told'}",
            actions=[Action.RETRY, Action.SKIP],
        )
        assert decision is not None  # noqa: S101  # without a deadline it waits for one
        return decision

    async def _write_off(self, payment_id: str, resolution: Resolution) -> None:
        await database_step(
            RefundActivities.give_up_refund_part,
            GiveUpRefundPart(
                order_id=self._ref.order_id,
                refund_id=self._ref.refund_id,
                payment_id=payment_id,
                actor=resolution.actor,
                reason=resolution.reason,
            ),
        )

    async def _news_within(self, patience: timedelta) -> bool:
        try:
            await workflow.wait_condition(
                lambda: self._news, timeout=patience, timeout_summary="ask the provider"
            )
        except TimeoutError:
            return False
        self._news = False
        return True

    def fresh_run(self) -> Sequence[RefundRequest]:
        """The provider is asked what became of it before anything is sent."""
        return [replace(self._request, tries=self._tries)]

    @workflow.signal
    def payment_changed(self) -> None:
        """The provider has news of the refund: ask it."""
        self._news = True
