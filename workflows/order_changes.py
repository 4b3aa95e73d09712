"""Changes of a confirmed order, one after the other: cancel, take units off, hold, release."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError

from core.domain.ids import Prefix, derived_id
from core.domain.statuses import EditStatus, OrderStatus, PaymentStatus
from workflows import search_attributes, workflow_ids
from workflows.messages import (
    Action,
    CancelRequest,
    Child,
    EditRequest,
    RefundRequest,
    Resolution,
    ReviewRequest,
)
from workflows.parking import Parkable, in_words
from workflows.ports.fulfillment import Review
from workflows.ports.order_changes import (
    ApplyEdit,
    ChangedOrder,
    DecideReview,
    EditOrder,
    OrderChangeActivities,
    RefuseEdit,
    RequestCancellation,
    ReviewActivities,
)
from workflows.ports.payments import AuthorizationState, AuthorizeMore, PaymentActivities
from workflows.steps import database_step, payment_call
from workflows.task_queues import TaskQueue

T = TypeVar("T")

REVIEW = "review"
"""What an order waits for that a person has to look at."""

DECISIONS = (Action.RETRY, Action.CANCEL)
"""Of a review: let the order go on, or cancel it."""


class Changeable(Parkable):
    """An order's workflow while the order can be changed.

    The database decides whether a change is possible. Changes wait for each other here, so that
    one that asks the provider in the middle is not overtaken.
    """

    def __init__(self, order_id: str) -> None:
        super().__init__()
        self._order_id = order_id
        self._changing = asyncio.Lock()
        self._news = False
        self._canceling = False
        self._cancel_request = CancelRequest()
        self._outcome: OrderStatus | None = None

    @workflow.update
    async def cancel(self, request: CancelRequest) -> OrderStatus:
        """Cancel the order, or some units of it, unless they are on their way.

        Returns when the whole is undone: money, stock and promotion uses; when units are taken
        off, as soon as nobody sends them any more.

        Raises:
            ApplicationError: ``invalid-state``, with the present state and what is possible.
        """
        return await self._cancel_and_wait(request)

    async def _cancel_and_wait(self, request: CancelRequest) -> OrderStatus:
        changed = await self._request_cancellation(request, self._change_id())
        if not changed.whole:
            return changed.order_status
        await workflow.wait_condition(lambda: self._outcome is not None or self.leaving)
        if self._outcome is None:
            return changed.order_status  # the fresh run goes on with it
        if self._outcome is not OrderStatus.CANCELED:
            raise ApplicationError(f"the order is {self._outcome}", type="invalid-state")
        return self._outcome

    @workflow.update
    async def edit(self, request: EditRequest) -> OrderStatus:
        """Change the order's quantities; what it costs more is authorized first.

        Raises:
            ApplicationError: ``out-of-stock``, ``payment-declined``, ``invalid-state`` or
                ``validation-error``; then nothing has changed.
        """
        edit = EditOrder(
            order_id=self._order_id,
            edit_id=self._change_id(),
            actor=request.actor,
            reason=request.reason,
            changes=request.changes,
        )
        changed = await self._change(lambda: self._edit(edit))
        await self._follow_up(changed)
        return changed.order_status

    @workflow.update
    async def hold(self, request: ReviewRequest) -> OrderStatus:
        """Let no parcel leave until the order is released."""
        changed = await self._change(lambda: self._decide_on(ReviewActivities.hold_order, request))
        if REVIEW not in self._waits:
            await self._show_review(Review(words=request.reason or "held by staff"))
        await self._follow_up(changed)
        return changed.order_status

    @workflow.update
    async def release(self, request: ReviewRequest) -> OrderStatus:
        """Let a held order go on."""
        return await self._release(request)

    @workflow.update
    async def review(self, request: ReviewRequest) -> OrderStatus:
        """Decide about an order that is held: let it go on, or cancel it."""
        if request.approve:
            return await self._release(request)
        return await self._cancel_and_wait(
            CancelRequest(actor=request.actor, reason=request.reason)
        )

    async def _release(self, request: ReviewRequest) -> OrderStatus:
        changed = await self._change(
            lambda: self._decide_on(ReviewActivities.release_order, request)
        )
        await self._unmark_review(request)
        await self._follow_up(changed)
        return changed.order_status

    async def _request_cancellation(self, request: CancelRequest, change_id: str) -> ChangedOrder:
        changed = await self._change(
            lambda: database_step(
                OrderChangeActivities.request_cancellation,
                RequestCancellation(
                    order_id=self._order_id,
                    change_id=change_id,
                    actor=request.actor,
                    reason=request.reason,
                    items=request.items,
                ),
            )
        )
        if changed.whole and not self._canceling:
            self._canceling = True
            self._cancel_request = request
        await self._follow_up(changed)
        return changed

    async def _edit(self, edit: EditOrder) -> ChangedOrder:
        ref = {"order_id": edit.order_id, "edit_id": edit.edit_id}
        prepared = await database_step(OrderChangeActivities.prepare_edit, edit)
        if prepared.status is EditStatus.REFUSED:  # by a run that was reset
            raise _declined(None)
        payment_id = None
        if prepared.status is EditStatus.PENDING and prepared.missing_amount:
            paid = await self._authorize(edit.edit_id, prepared.missing_amount)
            if paid.status is not PaymentStatus.AUTHORIZED:
                why = f"the payment was declined: {paid.decline_code or paid.status}"
                await database_step(OrderChangeActivities.refuse_edit, RefuseEdit(**ref, why=why))
                raise _declined(paid.decline_code)
            payment_id = paid.payment_id
        try:
            return await database_step(
                OrderChangeActivities.apply_edit, ApplyEdit(**ref, payment_id=payment_id)
            )
        except ActivityError as error:  # what it takes off left while the bank was asked
            await database_step(
                OrderChangeActivities.refuse_edit, RefuseEdit(**ref, why=in_words(error))
            )
            raise

    async def _authorize(self, edit_id: str, amount: int) -> AuthorizationState:
        return await self.until_done(
            self._order_id,
            "authorization of a change",
            lambda: payment_call(
                PaymentActivities.authorize_more,
                AuthorizeMore(
                    order_id=self._order_id, purpose="edit", reference=edit_id, amount=amount
                ),
            ),
        )

    async def _change(self, step: Callable[[], Awaitable[T]]) -> T:
        """Take one step of a change; what the database refuses, the caller is told."""
        async with self._changing:
            try:
                return await step()
            except ActivityError as error:
                if isinstance(error.cause, ApplicationError) and error.cause.non_retryable:
                    raise _refusal(error.cause) from error
                raise

    async def _follow_up(self, changed: ChangedOrder) -> None:
        """Let everybody look again who may have been about to do what is not wanted any more."""
        self._news = True
        await self._tell_parcels(changed.parcels)
        if changed.refund_id is not None:
            await self._refund(changed.refund_id)

    async def _tell_parcels(self, shipment_ids: Sequence[str]) -> None:
        for shipment_id in shipment_ids:
            parcel = workflow.get_external_workflow_handle(workflow_ids.shipment(shipment_id))
            try:
                await parcel.signal("contents_changed")
            except ApplicationError:
                workflow.logger.info("a parcel was told that nobody has begun to send")

    async def _refund(self, refund_id: str) -> None:
        try:
            await workflow.start_child_workflow(
                Child.REFUND,
                RefundRequest(order_id=self._order_id, refund_id=refund_id),
                id=workflow_ids.refund(refund_id),
                task_queue=TaskQueue.PAYMENTS,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=search_attributes.of_order(self._order_id),
                static_summary=f"Refund of {self._order_id}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the refund was started before a reset and goes on")

    async def _decide_on(
        self,
        step: Callable[[ReviewActivities, DecideReview], Awaitable[ChangedOrder]],
        request: ReviewRequest,
    ) -> ChangedOrder:
        decision = DecideReview(order_id=self._order_id, actor=request.actor, reason=request.reason)
        return await database_step(step, decision)

    async def _show_review(self, review: Review) -> None:
        deadline = None
        if review.seconds is not None:
            deadline = workflow.now() + timedelta(seconds=review.seconds)
        await self.mark(self._order_id, REVIEW, review.words, actions=DECISIONS, deadline=deadline)

    async def _unmark_review(self, request: ReviewRequest | None) -> None:
        resolution = None
        if request is not None:
            resolution = Resolution(actor=request.actor, reason=request.reason)
        await self.unmark(self._order_id, REVIEW, resolution)

    async def _until(
        self, deadline: datetime | None, condition: Callable[[], bool], summary: str
    ) -> bool:
        """Wait for a condition; False when the deadline came first."""
        left = None if deadline is None else max(deadline - workflow.now(), timedelta(0))
        try:
            await workflow.wait_condition(condition, timeout=left, timeout_summary=summary)
        except TimeoutError:
            return False
        return True

    def _change_id(self) -> str:
        """The same for the same request, whatever run it reaches."""
        update = workflow.current_update_info()
        assert update is not None  # noqa: S101  # called by handlers of updates only
        return derived_id(Prefix.EDIT, self._order_id, update.id)


def _refusal(cause: ApplicationError) -> ApplicationError:
    return ApplicationError(cause.message, *cause.details, type=cause.type, non_retryable=True)


def _declined(code: str | None) -> ApplicationError:
    code = code or "authentication_required"
    return ApplicationError(
        f"the payment was declined: {code}", {"decline_code": code}, type="payment-declined"
    )
