"""One difference put right without a person: asked first, done, and looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from core.domain.reconciliation import DifferenceStatus, RepairKind
from workflows import workflow_ids
from workflows.messages import Action
from workflows.parking import Parkable, StepResolvedError
from workflows.policies import (
    PROVIDER_CALL_RETRIES,
    PROVIDER_CALL_TIMEOUT,
    REPAIR_ATTEMPTS,
    REPAIR_PAUSE,
    REPAIR_SETTLES_IN,
)
from workflows.ports.captures import CaptureActivities
from workflows.ports.disputes import DisputeActivities
from workflows.ports.payments import PaymentActivities
from workflows.ports.repairs import (
    CheckRepair,
    RepairActivities,
    RepairOutcome,
    RepairPlan,
    RepairRequest,
)
from workflows.steps import database_step, payment_call
from workflows.task_queues import TaskQueue

REPAIR = "repair of a difference"


@workflow.defn
class RepairWorkflow(Parkable):
    """Every repair asks the provider first and changes nothing when there is nothing to change."""

    @workflow.init
    def __init__(self, request: RepairRequest) -> None:
        super().__init__()
        self._request = request

    def fresh_run(self) -> Sequence[RepairRequest]:
        """The difference is read again."""
        return [self._request]

    @workflow.run
    async def run(self, request: RepairRequest) -> str:
        while True:
            attempt = self._request.tries + 1
            plan = await database_step(RepairActivities.plan_repair, request)
            if plan.repair is None:
                return "nothing to do"
            outcome = await self._try(plan, attempt)
            if outcome.status is not DifferenceStatus.REPAIRING:
                return outcome.status
            self._request = replace(self._request, tries=attempt)
            await workflow.sleep(REPAIR_PAUSE)

    async def _try(self, plan: RepairPlan, attempt: int) -> RepairOutcome:
        try:
            await self.until_done(
                plan.order_id,
                REPAIR,
                lambda: self._carry_out(plan),
                actions=[Action.RETRY, Action.SKIP],
            )
        except StepResolvedError:
            attempt = REPAIR_ATTEMPTS
        await workflow.sleep(REPAIR_SETTLES_IN)
        return await workflow.execute_activity_method(
            RepairActivities.check_repair,
            CheckRepair(
                difference_id=self._request.difference_id,
                attempt=attempt,
                is_last=attempt >= REPAIR_ATTEMPTS,
            ),
            task_queue=TaskQueue.MAINTENANCE,
            start_to_close_timeout=PROVIDER_CALL_TIMEOUT,
        )

    async def _carry_out(self, plan: RepairPlan) -> None:
        if plan.checkout:
            await self._tell(workflow_ids.checkout(plan.order_id))
        elif plan.repair is RepairKind.SYNC_PAYMENT and plan.payment is not None:
            await payment_call(PaymentActivities.sync_payment, plan.payment)
            if plan.let_go is not None:
                await payment_call(PaymentActivities.void_authorization, plan.let_go)
            for workflow_id in plan.wakes:
                await self._tell(workflow_id)
        elif plan.repair is RepairKind.VOID_PAYMENT and plan.payment is not None:
            await payment_call(PaymentActivities.void_payment, plan.payment)
        elif plan.repair is RepairKind.RESUME_CAPTURE:
            for part in plan.parts:
                await payment_call(CaptureActivities.capture_part, part)
        elif plan.dispute is not None:
            await database_step(DisputeActivities.follow_dispute, plan.dispute)
        else:
            await workflow.execute_activity_method(
                RepairActivities.start_for_repair,
                self._request,
                task_queue=TaskQueue.MAINTENANCE,
                start_to_close_timeout=PROVIDER_CALL_TIMEOUT,
                retry_policy=PROVIDER_CALL_RETRIES,
            )

    async def _tell(self, workflow_id: str) -> None:
        try:
            await workflow.get_external_workflow_handle(workflow_id).signal("payment_changed")
        except ApplicationError:
            workflow.logger.info("%s has ended", workflow_id)
