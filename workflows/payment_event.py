"""An event of a payment provider: recorded once, applied once, and it wakes whoever waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from core.domain.payments import ProviderPayment
from workflows import workflow_ids
from workflows.messages import Action
from workflows.parking import Parkable, StepResolvedError
from workflows.policies import CHECKOUT_IS_CLOSING_WAIT
from workflows.ports.disputes import DisputeActivities
from workflows.ports.payments import PaymentActivities, PaymentRef
from workflows.ports.refunds import RefundRef
from workflows.ports.webhooks import (
    EventRef,
    EventRoute,
    FinishEvent,
    RoutedEvent,
    SettlementRef,
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
        self._handlers: Mapping[EventRoute, Callable[[RoutedEvent], Awaitable[None]]] = {
            EventRoute.PROVIDER_HAS_MORE: self._let_go,
            EventRoute.STRAY: self._return_stray,
            EventRoute.RECORD: self._record,
            EventRoute.DISPUTE: self._follow_dispute,
            EventRoute.SETTLEMENT: self._tell_settlement,
        }

    def fresh_run(self) -> Sequence[EventRef]:
        """The event is looked up again."""
        return [self._event]

    @workflow.run
    async def run(self, event: EventRef) -> str:
        routed = await self._route()
        while routed.route is EventRoute.CHECKOUT and not await self._tell_checkout(routed):
            await workflow.sleep(CHECKOUT_IS_CLOSING_WAIT)
            await self._fresh_run_if_long()
            routed = await self._route()
        outcome: str = routed.route
        handler = self._handlers.get(routed.route)
        if handler is not None:
            try:
                await handler(routed)
            except StepResolvedError:
                outcome = BY_HAND
        for workflow_id in routed.wakes:
            await self._wake(workflow_id)
        await database_step(
            WebhookActivities.finish_event,
            FinishEvent(provider=event.provider, event_id=event.event_id, outcome=outcome),
        )
        return outcome

    async def _route(self) -> RoutedEvent:
        return await database_step(WebhookActivities.route_event, self._event)

    async def _tell_checkout(self, routed: RoutedEvent) -> bool:
        return await self._wake(workflow_ids.checkout(routed.order_id or ""))

    async def _wake(self, workflow_id: str) -> bool:
        try:
            await workflow.get_external_workflow_handle(workflow_id).signal("payment_changed")
        except ApplicationError:
            workflow.logger.info("%s has ended", workflow_id)
            return False
        return True

    async def _let_go(self, routed: RoutedEvent) -> None:
        await self._follow(routed, "payment void", PaymentActivities.void_payment)

    async def _return_stray(self, routed: RoutedEvent) -> None:
        await self._follow(routed, "payment that nobody asked for", PaymentActivities.return_stray)

    async def _record(self, routed: RoutedEvent) -> None:
        await self._follow(routed, "payment status", PaymentActivities.sync_payment)
        under_way = (await self._route()).refunds
        for refund_id in dict.fromkeys((*routed.refunds, *under_way)):
            # One that failed after it had succeeded is under way again, and nobody follows it.
            if not await self._wake(workflow_ids.refund(refund_id)) and refund_id in under_way:
                ref = RefundRef(order_id=routed.order_id or "", refund_id=refund_id)
                await database_step(WebhookActivities.resume_refund, ref)

    async def _follow_dispute(self, routed: RoutedEvent) -> None:
        if routed.dispute is not None:
            await database_step(DisputeActivities.follow_dispute, routed.dispute)

    async def _tell_settlement(self, routed: RoutedEvent) -> None:
        ref = SettlementRef(settlement_id=routed.settlement_id or "")
        await database_step(WebhookActivities.tell_settlement, ref)

    async def _follow(
        self,
        routed: RoutedEvent,
        what: str,
        step: Callable[[PaymentActivities, PaymentRef], Awaitable[ProviderPayment | None]],
    ) -> None:
        """Do at the provider what the event asks for; a person may have done it by hand."""
        payment = routed.payment
        if payment is not None:
            await self.until_done(
                payment.order_id,
                what,
                lambda: payment_call(step, payment),
                actions=[Action.RETRY, Action.SKIP],
            )
