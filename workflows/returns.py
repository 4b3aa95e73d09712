"""A return: decided about, sent, received, inspected, and paid for or exchanged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from core.domain.events import Actor
from core.domain.returns import WhenUndecided
from core.domain.statuses import (
    RETURN_MOVES,
    PaymentStatus,
    RefundStatus,
    ReturnStatus,
    can_move,
)
from workflows import search_attributes, workflow_ids
from workflows.messages import (
    Action,
    Child,
    DecideReturn,
    RefundRequest,
    Resolution,
    ReturnRequest,
    SendReturn,
)
from workflows.parking import Parkable
from workflows.policies import PARKED_LONGEST_WAIT, SAME_STEP_RUNNING_WAIT
from workflows.ports.payments import AuthorizationRef, AuthorizeMore, PaymentActivities
from workflows.ports.returns import (
    DropExchange,
    MoveReturn,
    OpenReturn,
    ReceiveReturn,
    ReturnActivities,
    ReturnRef,
    ReturnState,
    ReturnTerms,
)
from workflows.ports.shipments import PlannedShipment
from workflows.saga import shielded
from workflows.steps import database_step, payment_call
from workflows.task_queues import TaskQueue

APPROVAL = "return approval"
PARCEL = "returned parcel"
_PAID = (
    PaymentStatus.AUTHORIZED,
    PaymentStatus.PARTIALLY_CAPTURED,
    PaymentStatus.CAPTURED,
)


@workflow.defn
class ReturnWorkflow(Parkable):
    """Everything that a customer, staff and the clock decide about one return, one at a time."""

    @workflow.init
    def __init__(self, request: ReturnRequest) -> None:
        super().__init__()
        self._request = request
        self._ref = ReturnRef(order_id=request.order_id, return_id=request.return_id)
        self._terms: ReturnTerms | None = None
        self._state: ReturnState | None = None
        self._turn = asyncio.Lock()

    @workflow.run
    async def run(self, _request: ReturnRequest) -> ReturnStatus:
        # Goods on their way back are not called off by canceling a workflow.
        return await shielded(self._follow())

    async def _follow(self) -> ReturnStatus:
        self._terms = await database_step(
            ReturnActivities.open_return,
            OpenReturn(
                order_id=self._ref.order_id, return_id=self._ref.return_id, at=workflow.now()
            ),
        )
        self._state = self._terms.state
        steps: dict[ReturnStatus, Callable[[ReturnTerms], Awaitable[None]]] = {
            ReturnStatus.REQUESTED: self._await_decision,
            ReturnStatus.APPROVED: self._await_sending,
            ReturnStatus.IN_TRANSIT: self._await_arrival,
            ReturnStatus.INSPECTED: self._settle,
        }
        while step := steps.get(self._status):
            workflow.set_current_details(f"The return is {self._status}")
            await step(self._terms)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._status

    @property
    def _status(self) -> ReturnStatus:
        assert self._state is not None  # noqa: S101  # tells the type checker
        return self._state.status

    async def _await_decision(self, terms: ReturnTerms) -> None:
        """Staff decides; asked once more after a while, then the policy does."""
        asked_at = self._deadline(terms.decision_seconds)
        if await self._moves_on_before(asked_at):
            return
        latest = asked_at + timedelta(seconds=terms.undecided_seconds)
        decision = await self._ask(
            APPROVAL,
            "nobody has decided about the return",
            actions=[Action.SKIP, Action.CANCEL],
            until=latest,
        )
        if self._status is not ReturnStatus.REQUESTED:
            return
        if decision is not None:
            approved = decision.action is Action.SKIP
            await self._follow_decision(
                ReturnStatus.APPROVED if approved else ReturnStatus.REJECTED, decision
            )
        elif terms.when_undecided is WhenUndecided.APPROVE:
            await self._let(ReturnStatus.APPROVED, "nobody decided in time")
        else:
            await self._let(ReturnStatus.EXPIRED, "nobody decided in time")

    async def _await_sending(self, terms: ReturnTerms) -> None:
        if not await self._moves_on_before(self._deadline(terms.sending_seconds)):
            await self._let(ReturnStatus.EXPIRED, "the goods were not sent in time")

    async def _await_arrival(self, terms: ReturnTerms) -> None:
        """What was sent has to arrive; when it is late a person looks for it."""
        if await self._moves_on_before(self._deadline(terms.transit_seconds)):
            return
        decision = await self._ask(
            PARCEL, "the goods have not arrived", actions=[Action.CANCEL], until=None
        )
        if decision is not None and self._status is ReturnStatus.IN_TRANSIT:
            await self._follow_decision(ReturnStatus.REJECTED, decision)

    def _deadline(self, seconds: int) -> datetime:
        """The deadline in the row, so that a reset does not put it off."""
        assert self._state is not None  # noqa: S101  # tells the type checker
        return self._state.deadline_at or workflow.now() + timedelta(seconds=seconds)

    async def _moves_on_before(self, deadline: datetime | None) -> bool:
        present = self._status
        left = max(deadline - workflow.now(), timedelta(0)) if deadline else None
        try:
            await workflow.wait_condition(lambda: self._status is not present, timeout=left)
        except TimeoutError:
            # Somebody whose step is under way was in time.
            async with self._turn:
                return self._status is not present
        return True

    async def _ask(
        self, what: str, words: str, *, actions: list[Action], until: datetime | None
    ) -> Resolution | None:
        """Show it to staff until someone decides here or there, or the time is over."""
        present = self._status
        await self.mark(self._ref.order_id, what, words, actions=actions, deadline=until)
        left = max(until - workflow.now(), timedelta(0)) if until else None
        try:
            await workflow.wait_condition(
                lambda: self._status is not present or self.decided(what) is not None,
                timeout=left,
            )
        except TimeoutError:
            workflow.logger.info("nobody has decided in time")
        decision = self.decided(what)
        ended = Resolution(actor=Actor.SYSTEM, reason="the return went on")
        await self.unmark(self._ref.order_id, what, decision or ended)
        return decision

    async def _follow_decision(self, status: ReturnStatus, decision: Resolution) -> None:
        await self._let(status, decision.reason, actor=decision.actor)

    async def _let(self, status: ReturnStatus, reason: str, *, actor: str = Actor.SYSTEM) -> None:
        """Move on without anybody's update, unless an update was first."""
        async with self._turn:
            if can_move(RETURN_MOVES, self._status, status):
                await self._move(status, actor=actor, reason=reason)

    async def _move(
        self, status: ReturnStatus, *, actor: str, reason: str, tracking_number: str | None = None
    ) -> None:
        assert self._terms is not None  # noqa: S101  # tells the type checker
        seconds = {
            ReturnStatus.APPROVED: self._terms.sending_seconds,
            ReturnStatus.IN_TRANSIT: self._terms.transit_seconds,
        }.get(status)
        deadline_at = workflow.now() + timedelta(seconds=seconds) if seconds else None
        self._state = await database_step(
            ReturnActivities.move_return,
            MoveReturn(
                order_id=self._ref.order_id,
                return_id=self._ref.return_id,
                status=status,
                actor=actor,
                reason=reason,
                tracking_number=tracking_number,
                deadline_at=deadline_at,
            ),
        )

    async def _settle(self, _terms: ReturnTerms) -> None:
        """Pay what is owed: the exchange first, since the refund depends on it."""
        assert self._state is not None  # noqa: S101  # tells the type checker
        if self._state.to_authorize:
            await self._authorize_difference(self._state.to_authorize)
        for shipment in self._state.shipments:
            await self._start_shipment(shipment)
        if self._state.refund_id is not None:
            await self._refund(self._state.refund_id)
        self._state = await database_step(ReturnActivities.close_return, self._ref)

    async def _authorize_difference(self, amount: int) -> None:
        """Goods that cost more are paid for before they go out; if not, money goes back instead."""
        wanted = AuthorizeMore(
            order_id=self._ref.order_id,
            purpose="exchange",
            reference=self._ref.return_id,
            amount=amount,
        )
        payment = await self.until_done(
            self._ref.order_id,
            "payment of an exchange",
            lambda: payment_call(PaymentActivities.authorize_more, wanted),
        )
        if payment.status in _PAID:
            return
        if payment.status is PaymentStatus.REQUIRES_ACTION:
            await self._let_go(payment.payment_id)
        self._state = await database_step(
            ReturnActivities.drop_exchange,
            DropExchange(
                order_id=self._ref.order_id,
                return_id=self._ref.return_id,
                reason=f"the difference was not paid: {payment.decline_code or payment.status}",
            ),
        )

    async def _let_go(self, payment_id: str) -> None:
        """The customer is not there to answer a challenge of the bank."""
        ref = AuthorizationRef(order_id=self._ref.order_id, payment_id=payment_id)
        await self.until_done(
            self._ref.order_id,
            "payment void",
            lambda: payment_call(PaymentActivities.void_authorization, ref),
        )

    async def _start_shipment(self, shipment: PlannedShipment) -> None:
        try:
            await workflow.start_child_workflow(
                Child.SHIPMENT,
                shipment,
                id=workflow_ids.shipment(shipment.shipment_id),
                task_queue=TaskQueue.FULFILLMENT,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=search_attributes.of_order(
                    shipment.order_id, vendor_id=shipment.vendor_id
                ),
                static_summary=f"Exchange {shipment.number} of {shipment.order_id}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the exchange was started before a reset and goes on")

    async def _refund(self, refund_id: str) -> None:
        """Carry the refund out; it waits for a person by itself when the provider refuses it."""
        patience = SAME_STEP_RUNNING_WAIT
        while True:
            try:
                await workflow.execute_child_workflow(
                    Child.REFUND,
                    RefundRequest(order_id=self._ref.order_id, refund_id=refund_id),
                    id=workflow_ids.refund(refund_id),
                    task_queue=TaskQueue.PAYMENTS,
                    result_type=RefundStatus,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                    search_attributes=search_attributes.of_order(self._ref.order_id),
                    static_summary=f"Refund of return {self._ref.return_id}",
                )
            except WorkflowAlreadyStartedError:  # by a run that was reset: it is at work
                await workflow.sleep(patience)
                patience = min(patience * 2, PARKED_LONGEST_WAIT)
                await self._fresh_run_if_long()
            else:
                return

    def fresh_run(self) -> Sequence[ReturnRequest]:
        """The rows tell how far the return is, and its deadlines."""
        return [self._request]

    @workflow.update
    async def approve(self, decision: DecideReturn) -> ReturnStatus:
        """Let the customer send the goods."""
        return await self._take_turn(
            ReturnStatus.APPROVED,
            lambda: self._move(ReturnStatus.APPROVED, actor=decision.actor, reason=decision.reason),
        )

    @approve.validator
    def _refuse_approve(self, decision: DecideReturn) -> None:
        self._require(ReturnStatus.APPROVED, decision.actor)

    @workflow.update
    async def reject(self, decision: DecideReturn) -> ReturnStatus:
        """Say no, before the goods are inspected."""
        return await self._take_turn(
            ReturnStatus.REJECTED,
            lambda: self._move(ReturnStatus.REJECTED, actor=decision.actor, reason=decision.reason),
        )

    @reject.validator
    def _refuse_reject(self, decision: DecideReturn) -> None:
        self._require(ReturnStatus.REJECTED, decision.actor)

    @workflow.update
    async def ship(self, sent: SendReturn) -> ReturnStatus:
        """The customer has given the goods to a carrier."""
        return await self._take_turn(
            ReturnStatus.IN_TRANSIT,
            lambda: self._move(
                ReturnStatus.IN_TRANSIT,
                actor=sent.actor,
                reason="",
                tracking_number=sent.tracking_number,
            ),
        )

    @ship.validator
    def _refuse_ship(self, sent: SendReturn) -> None:
        self._require(ReturnStatus.IN_TRANSIT, sent.actor)

    @workflow.update
    async def receive(self, received: ReceiveReturn) -> ReturnStatus:
        """The goods are here, and somebody has looked at them."""

        async def take_in() -> None:
            self._state = await database_step(ReturnActivities.receive_return, received)
            for order_id in self._state.served:
                await self._tell(order_id)

        return await self._take_turn(ReturnStatus.RECEIVED, take_in)

    @receive.validator
    def _refuse_receive(self, received: ReceiveReturn) -> None:
        self._require(ReturnStatus.RECEIVED, received.actor)

    async def _tell(self, order_id: str) -> None:
        """Goods that an order waited for are reserved for it: its fulfilment plans their parcel."""
        order = workflow.get_external_workflow_handle(workflow_ids.fulfillment(order_id))
        try:
            await order.signal("shipments_planned")
        except ApplicationError:
            workflow.logger.warning("the fulfilment of %s is not running", order_id)

    def _require(self, wanted: ReturnStatus, actor: str) -> None:
        if self._state is not None and not self._can(wanted):
            allowed = [str(status) for status in ReturnStatus if self._can(status)]
            raise ApplicationError(
                f"the return is {self._status}; {actor} cannot make it {wanted}",
                {"state": str(self._status), "allowed": allowed},
                type="invalid-state",
            )

    def _can(self, wanted: ReturnStatus) -> bool:
        """What is inspected has been credited: from then on nobody rejects it."""
        decided = self._status is ReturnStatus.INSPECTED
        return not decided and can_move(RETURN_MOVES, self._status, wanted)

    async def _take_turn(
        self, wanted: ReturnStatus, step: Callable[[], Awaitable[None]]
    ) -> ReturnStatus:
        """One at a time: of two who decide at once the second finds that it is decided."""
        await workflow.wait_condition(lambda: self._state is not None)
        async with self._turn:
            self._require(wanted, "nobody")
            await step()
        return self._status

    @workflow.query
    def get_status(self) -> ReturnStatus | None:
        """Return how far the return is; None before its first step."""
        return self._state.status if self._state else None
