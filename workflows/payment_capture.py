"""The capture of what one parcel costs: planned, renewed when an authorization lapsed, taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from core.domain.statuses import PaymentStatus
from workflows.asks import Asks
from workflows.messages import (
    NEW_PAYMENT,
    Action,
    CaptureResult,
    PaymentCapture,
    PaymentMethodAnswer,
    PaymentMethodGiven,
    Resolution,
)
from workflows.parking import Parkable
from workflows.policies import LONGEST_PAYMENT_POLL
from workflows.ports.captures import (
    CaptureActivities,
    CapturePart,
    CapturePlan,
    DropCapture,
    PlanCapture,
)
from workflows.ports.payments import (
    AuthorizationRef,
    AuthorizationState,
    AuthorizeMore,
    PaymentActivities,
)
from workflows.saga import shielded
from workflows.steps import database_step, payment_call


@dataclass(kw_only=True)
class Offer:
    """A payment method that the customer gave, and what became of it."""

    given: PaymentMethodGiven
    answer: PaymentMethodAnswer | None = None


@workflow.defn
class PaymentCaptureWorkflow(Parkable):
    """Capture once, from as many payments as it takes.

    A call without an answer is unknown: the next attempt asks the provider first. What has lapsed
    is authorized again with the same payment method; when the bank says no, the customer is asked.
    """

    @workflow.init
    def __init__(self, capture: PaymentCapture) -> None:
        super().__init__()
        self._capture = capture
        self._offer = Offer(given=capture.offered) if capture.offered else None
        self._asked_about = capture.asked_about
        self._news = capture.asked_about is not None
        self._asks = Asks()
        self._state = capture.asked_about

    @workflow.run
    async def run(self, capture: PaymentCapture) -> CaptureResult:
        if capture.capture_before is not None:
            workflow.set_current_details(f"To be captured before {capture.capture_before} UTC")
        result = await shielded(self._take())
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    async def _take(self) -> CaptureResult:
        while True:
            await self._fresh_run_unless_answering()
            plan = await database_step(
                CaptureActivities.plan_capture,
                PlanCapture(
                    order_id=self._capture.order_id,
                    shipment_id=self._capture.shipment_id,
                    number=self._capture.number,
                    now=workflow.now(),
                ),
            )
            if plan.lapsed:
                for payment_id in plan.lapsed:
                    await self._void(payment_id, lapsed=True)
            elif plan.missing:
                given_up = await self._renew(plan)
                if given_up is not None:
                    await database_step(
                        CaptureActivities.drop_capture,
                        DropCapture(order_id=self._capture.order_id, number=self._capture.number),
                    )
                    return CaptureResult(amount=0, canceled=given_up)
            elif await self._capture_parts(plan):
                await self._go_on(None)
                return CaptureResult(amount=plan.amount)

    async def _capture_parts(self, plan: CapturePlan) -> bool:
        """Capture one by one; False when a part has lapsed, so that there is more to plan."""
        complete = True
        for part in plan.parts:
            complete = await self._capture_part(part) and complete
        return complete

    async def _capture_part(self, part: CapturePart) -> bool:
        outcome = await self.until_done(
            part.order_id,
            "payment capture",
            lambda: payment_call(
                CaptureActivities.capture_part, part, summary=f"Capture {part.amount}"
            ),
        )
        return outcome.captured

    async def _renew(self, plan: CapturePlan) -> Resolution | None:
        """Authorize what is missing once more, or return how a person gave the parcel up."""
        if self._asked_about is not None:
            return await self._ask_customer(self._asked_about)
        offer = self._offer
        wanted = AuthorizeMore(
            order_id=self._capture.order_id,
            purpose="renewal",
            reference=plan.renewal,
            amount=plan.missing,
        )
        if offer is not None:
            wanted = replace(
                wanted,
                provider=offer.given.provider,
                payment_method=offer.given.payment_method,
            )
        state = await self.until_done(
            self._capture.order_id,
            "payment renewal",
            lambda: payment_call(
                PaymentActivities.authorize_more,
                wanted,
                summary=f"Authorize {plan.missing} again",
            ),
        )
        if offer is not None:
            self._offer = None
            offer.answer = PaymentMethodAnswer(status=state.status, decline_code=state.decline_code)
        if state.status is PaymentStatus.AUTHORIZED:
            await self._go_on(offer)
            return None
        return await self._ask_customer(state)

    async def _ask_customer(self, state: AuthorizationState) -> Resolution | None:
        """Wait until the customer pays or a person decides; return how it was given up."""
        self._state = state
        if self._asked_about is None:
            actions = [Action.RETRY, *([Action.CANCEL] if self._capture.cancelable else [])]
            await self.mark(self._capture.order_id, NEW_PAYMENT, _words(state), actions=actions)
        given_up = await self._answered(state)
        self._asked_about = None
        return given_up

    async def _answered(self, state: AuthorizationState) -> Resolution | None:
        while True:
            self._asked_about = state
            await self._fresh_run_unless_answering()
            await self._wait_for_news()
            decision = self.decided(NEW_PAYMENT)
            challenged = state.status is PaymentStatus.REQUIRES_ACTION
            if self._offer is None and decision is None and not challenged:
                continue
            if challenged:
                question = self._asks.begin()
                self._state = state = await self._check(state.payment_id)
                self._asks.end(question)
                if state.status is PaymentStatus.AUTHORIZED:
                    await self._go_on(None)
                    return None
            if self._offer is None and decision is None:
                continue
            if state.status is PaymentStatus.REQUIRES_ACTION:
                await self._void(state.payment_id)
            if self._offer is None and decision is not None:
                await self.unmark(self._capture.order_id, NEW_PAYMENT, decision)
                return decision if decision.action is Action.CANCEL else None
            return None

    async def _fresh_run_unless_answering(self) -> None:
        """A customer who has just given a payment method is told what became of it."""
        if self._offer is None:
            await self._fresh_run_if_long()

    async def _wait_for_news(self) -> None:
        """Until the customer or a person acts; a challenge is asked about now and then."""
        try:
            await workflow.wait_condition(
                lambda: (
                    self._news or self._offer is not None or self.decided(NEW_PAYMENT) is not None
                ),
                timeout=LONGEST_PAYMENT_POLL,
                timeout_summary="ask the provider",
            )
        except TimeoutError:
            workflow.logger.info("no news of the payment yet")
        self._news = False

    async def _go_on(self, offer: Offer | None) -> None:
        if self._offer is not None:  # the challenge was passed after all: no other card is needed
            self._offer.answer = PaymentMethodAnswer(status=PaymentStatus.AUTHORIZED)
            self._offer = None
        paid = Resolution(
            actor=offer.given.actor if offer else "customer", reason="the payment was authorized"
        )
        await self.unmark(self._capture.order_id, NEW_PAYMENT, paid)

    async def _check(self, payment_id: str) -> AuthorizationState:
        ref = AuthorizationRef(order_id=self._capture.order_id, payment_id=payment_id)
        return await self.until_done(
            ref.order_id,
            "payment status",
            lambda: payment_call(PaymentActivities.check_authorization, ref),
        )

    async def _void(self, payment_id: str, *, lapsed: bool = False) -> None:
        ref = AuthorizationRef(
            order_id=self._capture.order_id, payment_id=payment_id, lapsed=lapsed
        )
        await self.until_done(
            ref.order_id,
            "payment void",
            lambda: payment_call(PaymentActivities.void_authorization, ref),
        )

    @workflow.update
    async def provide_payment(self, given: PaymentMethodGiven) -> PaymentMethodAnswer:
        """Pay with this method what has lapsed; returns what the provider says of it."""
        offer = Offer(given=given)
        self._offer = offer
        await workflow.wait_condition(lambda: offer.answer is not None or self.leaving)
        return offer.answer or PaymentMethodAnswer(status=PaymentStatus.PENDING)

    @provide_payment.validator
    def _refuse_payment_that_nobody_asked_for(self, given: PaymentMethodGiven) -> None:
        if self._offer is not None or NEW_PAYMENT not in self._waits:
            raise ApplicationError(
                f"no payment is asked for from {given.actor}",
                {"state": "paid" if self._offer is None else "being paid", "allowed": []},
                type="invalid-state",
            )

    @workflow.update
    async def confirm_payment(self) -> PaymentMethodAnswer:
        """The client says that the challenge is done: ask the provider now, and tell what it said.

        Raises:
            ApplicationError: ``invalid-state``, no challenge is waited for.
        """
        question = self._asks.next
        self._news = True
        await workflow.wait_condition(lambda: self._asks.is_answered(question) or self.leaving)
        if self._state is None or not self._asks.is_answered(question):
            return PaymentMethodAnswer(status=PaymentStatus.PENDING)
        return PaymentMethodAnswer(status=self._state.status, decline_code=self._state.decline_code)

    @confirm_payment.validator
    def _refuse_confirmation_of_nothing(self) -> None:
        state = self._state.status if self._state else PaymentStatus.AUTHORIZED
        if NEW_PAYMENT not in self._waits or state is not PaymentStatus.REQUIRES_ACTION:
            raise ApplicationError(
                "no challenge is waited for",
                {"state": state, "allowed": []},
                type="invalid-state",
            )

    def fresh_run(self) -> Sequence[PaymentCapture]:
        """The rows tell what is captured; what the customer was asked and gave goes along."""
        return [
            replace(
                self._capture,
                offered=self._offer.given if self._offer else None,
                asked_about=self._asked_about,
            )
        ]

    @workflow.signal
    def payment_changed(self) -> None:
        """The provider has news of a payment: ask it."""
        self._news = True


def _words(state: AuthorizationState) -> str:
    if state.status is PaymentStatus.REQUIRES_ACTION:
        return "the authorization has lapsed, and the bank asks its customer about a new one"
    declined = f": {state.decline_code}" if state.decline_code else ""
    return f"the authorization has lapsed, and a new one was declined{declined}"
