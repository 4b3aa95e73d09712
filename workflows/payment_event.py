"""An event of a payment provider: recorded once, applied once, and it wakes whoever waits."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows import workflow_ids
from workflows.messages import Action
from workflows.parking import Parkable, StepResolvedError
from workflows.policies import CHECKOUT_IS_CLOSING_WAIT
from workflows.ports.disputes import DisputeActivities
from workflows.ports.payments import PaymentActivities, PaymentRef
from workflows.ports.webhooks import (
    EventRef,
    EventRoute,
    FinishEvent,
    RoutedEvent,
    WebhookActivities,
)
from workflows.steps import database_step, payment_call

BY_HAND = "done_by_hand"
"""A person has decided that the step is not needed."""


@workflow.defn
class PaymentEventWorkflow(Parkable):
    """The event is a hint; what is done follows from the provider's present state."""

    @workflow.init
    def __init__(self, event: EventRef) -> None:
        super().__init__()
        self._event = event

    def fresh_run(self) -> Sequence[EventRef]:
        """The event is looked up again."""
        return [self._event]

    @workflow.run
    async def run(self, event: EventRef) -> str:
        routed = await self._route(event)
        while routed.route is EventRoute.CHECKOUT and not await self._tell_checkout(routed):
            await workflow.sleep(CHECKOUT_IS_CLOSING_WAIT)
            await self._fresh_run_if_long()
            routed = await self._route(event)
        outcome: str = routed.route
        if routed.dispute is not None:
            await database_step(DisputeActivities.follow_dispute, routed.dispute)
        if routed.payment is not None:
            try:
                await self._follow_provider(routed.route, routed.payment)
            except StepResolvedError:
                outcome = BY_HAND
        for workflow_id in routed.wakes:
            await self._wake(workflow_id)
        await database_step(
            WebhookActivities.finish_event,
            FinishEvent(provider=event.provider, event_id=event.event_id, outcome=outcome),
        )
        return outcome

    async def _route(self, event: EventRef) -> RoutedEvent:
        return await database_step(WebhookActivities.route_event, event)

    async def _tell_checkout(self, routed: RoutedEvent) -> bool:
        checkout = workflow.get_external_workflow_handle(
            workflow_ids.checkout(routed.order_id or "")
        )
        try:
            await checkout.signal("payment_changed")
        except ApplicationError:
            return False
        return True

    async def _wake(self, workflow_id: str) -> None:
        try:
            await workflow.get_external_workflow_handle(workflow_id).signal("payment_changed")
        except ApplicationError:
            workflow.logger.info("%s has ended", workflow_id)

    async def _follow_provider(self, route: EventRoute, payment: PaymentRef) -> None:
        if route is EventRoute.PROVIDER_HAS_MORE:
            await self.until_done(
                payment.order_id,
                "payment void",
                lambda: payment_call(PaymentActivities.void_payment, payment),
                actions=[Action.RETRY, Action.SKIP],
            )
        elif route is EventRoute.RECORD:
            await self.until_done(
                payment.order_id,
                "payment status",
                lambda: payment_call(PaymentActivities.sync_payment, payment),
                actions=[Action.RETRY, Action.SKIP],
            )
