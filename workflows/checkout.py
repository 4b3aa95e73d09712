"""The checkout: reserve the stock, authorize the payment, confirm the order, or leave no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    is_cancelled_exception,
)

from core.domain.events import Actor
from core.domain.payments import ProviderPayment
from core.domain.statuses import CANCELABLE, OrderStatus, PaymentStatus
from workflows import workflow_ids
from workflows.asks import Asks
from workflows.messages import (
    Action,
    CancelRequest,
    Checkout,
    CheckoutAnswer,
    PaymentMethodAnswer,
)
from workflows.parking import Parkable, StepResolvedError
from workflows.ports.checkout import (
    AwaitChallenge,
    CheckoutActivities,
    CloseOrder,
    ConfirmOrder,
    OpenedOrder,
    OpenOrder,
    PaymentTerms,
    ReadStatus,
    StartFulfillment,
)
from workflows.ports.payments import AuthorizePayment, PaymentActivities, PaymentRef
from workflows.saga import Saga, shielded
from workflows.steps import database_step, payment_call

Result = TypeVar("Result")

UNFINISHED = (OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION)
UNDECIDED = (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.UNKNOWN)


@workflow.defn
class CheckoutWorkflow(Parkable):
    """From a draft to a confirmed order, or to one that failed and left no trace."""

    @workflow.init
    def __init__(self, checkout: Checkout) -> None:
        super().__init__()
        self._order_id = checkout.order_id
        self._customer_id = checkout.customer_id
        self._answer: OrderStatus | None = None
        self._outcome: OrderStatus | None = None
        self._hold_id: str | None = None
        self._handling_seconds = 0
        self._capture_before: datetime | None = None
        self._payment_news = False
        self._asks = Asks()
        self._payment: ProviderPayment | None = None
        self._cancel_request = self._canceled_before = checkout.cancel
        self._challenge_deadline = checkout.challenge_deadline
        self._work: asyncio.Task[OrderStatus] | None = None

    @workflow.run
    async def run(self, _checkout: Checkout) -> OrderStatus:
        saga = Saga()
        saga.undo_with(lambda: self._close(OrderStatus.CANCELED, code="canceled"))
        self._work = asyncio.create_task(self._confirm(saga))
        self._outcome = self._answer = await self._done_or_no_trace(self._work, saga)
        if self._outcome is OrderStatus.CONFIRMED:
            await shielded(self._start_fulfillment())
        if self._hold_id is not None:
            await shielded(self._end_hold(self._hold_id))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._outcome

    async def _done_or_no_trace(self, work: Awaitable[OrderStatus], saga: Saga) -> OrderStatus:
        try:
            return await work
        except (asyncio.CancelledError, ActivityError) as stop:
            if not is_cancelled_exception(stop):
                raise
            return await shielded(self._cancel_unless_confirmed(saga))

    async def _confirm(self, saga: Saga) -> OrderStatus:
        """The happy path, top to bottom."""
        order = await self._reserve_stock()
        if order.status not in UNFINISHED:
            self._stop_if_canceled()
            return order.status  # out of stock; or this is a reset and the order went further

        payment_ref = self._payment_ref(order.terms)
        if self._canceled_before is None:
            self._stop_if_canceled()
        saga.undo_with(lambda: self._void(payment_ref))
        self._stop_if_canceled()
        payment = await self._authorize(order.terms)
        if payment.status in UNDECIDED:
            payment_ref = replace(payment_ref, provider_payment_id=payment.provider_payment_id)
            payment = await self._wait_for_challenge(payment, payment_ref, order)

        if payment.status is PaymentStatus.AUTHORIZED:
            return await shielded(self._confirm_order(payment))
        return await shielded(self._fail(payment))

    async def _reserve_stock(self) -> OpenedOrder:
        opened = await database_step(
            CheckoutActivities.open_order,
            OpenOrder(order_id=self._order_id),
        )
        self._hold_id = opened.hold_id
        self._handling_seconds = opened.handling_seconds
        return opened

    async def _authorize(self, terms: PaymentTerms) -> ProviderPayment:
        payment = await self._until_done_or_given_up(
            "payment authorization",
            lambda: payment_call(
                PaymentActivities.authorize_payment,
                AuthorizePayment(order_id=self._order_id, terms=terms),
                summary=f"Authorize {terms.amount} {terms.currency}",
            ),
        )
        self._stop_if_canceled()
        return payment

    async def _wait_for_challenge(
        self, payment: ProviderPayment, ref: PaymentRef, order: OpenedOrder
    ) -> ProviderPayment:
        """The bank asks its customer; the stock stays reserved until the deadline."""
        deadline = self._challenge_deadline or (
            workflow.now() + timedelta(seconds=order.challenge_seconds)
        )
        self._challenge_deadline = deadline
        await database_step(
            CheckoutActivities.await_challenge,
            AwaitChallenge(order_id=self._order_id, deadline=deadline),
        )
        self._stop_if_canceled()
        self._answer = OrderStatus.REQUIRES_ACTION
        workflow.set_current_details(f"**Waiting for the customer's bank** until {deadline} UTC")
        in_time = True
        while True:
            self._payment_news = False
            question = self._asks.begin()
            self._payment = payment = await self._ask_provider(ref) or payment
            self._stop_if_canceled()
            if payment.status is PaymentStatus.AUTHORIZED:
                return payment
            if payment.status not in UNDECIDED:
                # The customer's client could confirm it once more, for an order that is no more.
                await shielded(self._void(ref))
                return payment
            self._asks.end(question)
            if not in_time:
                return await shielded(self._void(ref)) or payment
            # At the deadline the provider is asked once more: the news may have been lost.
            in_time = await self._payment_news_before(deadline)

    async def _payment_news_before(self, deadline: datetime) -> bool:
        try:
            await workflow.wait_condition(
                lambda: self._payment_news,
                timeout=max(deadline - workflow.now(), timedelta(0)),
                timeout_summary="challenge deadline",
            )
        except TimeoutError:
            return False
        return True

    async def _confirm_order(self, payment: ProviderPayment) -> OrderStatus:
        self._capture_before = payment.capture_before
        return await database_step(
            CheckoutActivities.confirm_order,
            ConfirmOrder(order_id=self._order_id, payment=payment),
        )

    async def _fail(self, payment: ProviderPayment) -> OrderStatus:
        if payment.status is PaymentStatus.FAILED:
            return await self._close(
                OrderStatus.FAILED,
                code="payment-declined",
                decline_code=payment.decline_code or "generic_decline",
                provider_payment_id=payment.provider_payment_id,
            )
        return await self._close(
            OrderStatus.FAILED,
            code="challenge-expired",
            provider_payment_id=payment.provider_payment_id,
        )

    async def _cancel_unless_confirmed(self, saga: Saga) -> OrderStatus:
        """A reset may have brought back the past: the database knows whether the order stands."""
        status = await database_step(
            CheckoutActivities.read_status, ReadStatus(order_id=self._order_id)
        )
        if status is not None and status not in UNFINISHED:
            return status
        await saga.compensate()
        return OrderStatus.CANCELED

    async def _close(
        self,
        status: OrderStatus,
        *,
        code: str,
        decline_code: str | None = None,
        provider_payment_id: str | None = None,
    ) -> OrderStatus:
        request = self._cancel_request
        return await database_step(
            CheckoutActivities.close_order,
            CloseOrder(
                order_id=self._order_id,
                status=status,
                code=code,
                reason=request.reason if request else "",
                actor=request.actor if request else Actor.SYSTEM,
                decline_code=decline_code,
                provider_payment_id=provider_payment_id,
            ),
            summary=f"Release the stock: {code}",
        )

    async def _ask_provider(self, ref: PaymentRef) -> ProviderPayment | None:
        return await self._until_done_or_given_up(
            "payment status",
            lambda: payment_call(PaymentActivities.fetch_payment, ref),
        )

    async def _void(self, ref: PaymentRef) -> ProviderPayment | None:
        try:
            return await self.until_done(
                self._order_id,
                "payment void",
                lambda: payment_call(PaymentActivities.void_payment, ref),
                actions=[Action.RETRY, Action.SKIP],
            )
        except StepResolvedError:
            return None  # a person has voided it at the provider

    async def _until_done_or_given_up(
        self, what: str, step: Callable[[], Awaitable[Result]]
    ) -> Result:
        """A person may end the checkout here: as if its customer had canceled it."""
        try:
            return await self.until_done(
                self._order_id, what, step, actions=[Action.RETRY, Action.CANCEL]
            )
        except StepResolvedError as resolved:
            who = resolved.resolution
            self._cancel_request = CancelRequest(actor=who.actor, reason=who.reason)
            raise asyncio.CancelledError from resolved

    def fresh_run(self) -> Sequence[Checkout]:
        """The database knows how far the order came; what only this run knows goes along."""
        canceled = workflow.cancellation_reason() is not None
        return [
            Checkout(
                order_id=self._order_id,
                customer_id=self._customer_id,
                cancel=self._cancel_request
                or (CancelRequest(reason="canceled in Temporal") if canceled else None),
                challenge_deadline=self._challenge_deadline,
            )
        ]

    async def _start_fulfillment(self) -> None:
        await database_step(
            CheckoutActivities.start_fulfillment,
            StartFulfillment(
                order_id=self._order_id,
                customer_id=self._customer_id,
                handling_seconds=self._handling_seconds,
                capture_before=self._capture_before,
            ),
        )

    async def _end_hold(self, hold_id: str) -> None:
        hold = workflow.get_external_workflow_handle(workflow_ids.hold(hold_id))
        try:
            await hold.signal("hold_consumed")
        except ApplicationError:
            workflow.logger.info("the hold had ended before")

    def _payment_ref(self, terms: PaymentTerms) -> PaymentRef:
        return PaymentRef(
            order_id=self._order_id, payment_id=terms.payment_id, provider=terms.provider
        )

    def _stop_if_canceled(self) -> None:
        """An activity that was canceled yet succeeded hides the cancellation: look for it."""
        if self._cancel_request or workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError

    @workflow.update
    async def place(self) -> CheckoutAnswer:
        """Return as soon as the customer can be told how it went."""
        await workflow.wait_condition(lambda: self._answer is not None or self.leaving)
        return CheckoutAnswer(status=self._answer or OrderStatus.PENDING)

    @workflow.update
    async def confirm_payment(self) -> PaymentMethodAnswer:
        """The client says that the challenge is done: ask the provider now, and tell what it said.

        Raises:
            ApplicationError: ``invalid-state``, no challenge is waited for.
        """
        question = self._asks.next
        self._payment_news = True
        await workflow.wait_condition(
            lambda: self._asks.is_answered(question) or self._outcome is not None or self.leaving
        )
        payment = self._payment
        if payment is None:
            return PaymentMethodAnswer(status=PaymentStatus.PENDING)
        return PaymentMethodAnswer(status=payment.status, decline_code=payment.decline_code)

    @confirm_payment.validator
    def _refuse_confirmation_of_nothing(self) -> None:
        if self._answer is not OrderStatus.REQUIRES_ACTION or self._outcome is not None:
            state = self._outcome or self._answer or OrderStatus.PENDING
            raise ApplicationError(
                f"the order is {state}: no challenge is waited for",
                {"state": state, "allowed": []},
                type="invalid-state",
            )

    @workflow.update
    async def cancel(self, request: CancelRequest) -> OrderStatus:
        """Stop the checkout; returns when everything is undone, or that it is still under way.

        Raises:
            ApplicationError: ``invalid-state``, the order was confirmed first.
        """
        self._cancel_request = self._cancel_request or request
        if self._work is not None:
            self._work.cancel()
        await workflow.wait_condition(lambda: self._outcome is not None or self.leaving)
        if self._outcome is None:
            return self._answer or OrderStatus.PENDING
        if self._outcome is not OrderStatus.CANCELED:
            raise ApplicationError(f"the order is {self._outcome}", type="invalid-state")
        return self._outcome

    @cancel.validator
    def _refuse_cancel_when_over(self, request: CancelRequest) -> None:
        if self._outcome is not None and self._outcome not in CANCELABLE:
            raise ApplicationError(
                f"the order is {self._outcome}; {request.actor} cannot cancel it",
                type="invalid-state",
            )

    @workflow.signal
    def payment_changed(self) -> None:
        """The provider has news of the payment: ask it."""
        self._payment_news = True

    @workflow.query
    def get_status(self) -> OrderStatus | None:
        """Return the outcome, when there is one."""
        return self._outcome
