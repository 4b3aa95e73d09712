"""An order's life after its confirmation: handle, ship every parcel, deliver, complete."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from core.domain.events import Actor
from core.domain.ids import Prefix, derived_id
from core.domain.statuses import OrderStatus, ShipmentStatus
from workflows import search_attributes, workflow_ids
from workflows.messages import (
    Action,
    CancelRequest,
    Child,
    Fulfillment,
    Progress,
    Resolution,
    ReviewRequest,
)
from workflows.order_changes import REVIEW, Changeable
from workflows.policies import CAPTURE_MARGIN
from workflows.ports.fulfillment import (
    CancelOrder,
    FulfillmentActivities,
    FulfillmentPlan,
    OrderRef,
    Review,
)
from workflows.ports.payments import PaymentActivities, ReleaseAuthorizations
from workflows.ports.shipments import PlannedShipment, ShipmentState
from workflows.steps import database_step, payment_call
from workflows.task_queues import TaskQueue

ENDED_PARCEL = (ShipmentStatus.DELIVERED, ShipmentStatus.CANCELED)
"""Nothing is to be decided about them; one that came back waits for a person."""
ENDED_ORDER = (OrderStatus.CANCELED, OrderStatus.COMPLETED)


@workflow.defn
class FulfillmentWorkflow(Changeable):
    """The order's entity from confirmation to completion, or to its cancellation.

    The rows tell how far the order is: a run that was reset, or that goes on for one whose history
    grew long, reads the plan and finds what is left to do.
    """

    @workflow.init
    def __init__(self, fulfillment: Fulfillment) -> None:
        super().__init__(fulfillment.order_id)
        self._fulfillment = fulfillment
        self._order = OrderRef(order_id=fulfillment.order_id)
        progress = fulfillment.progress or Progress()
        self._handled = progress.handled
        self._ended = set(progress.ended)
        self._unreleased = progress.unreleased
        self._review_ends_at = progress.review_ends_at
        self._window_ends_at = progress.window_ends_at
        self._canceling = progress.cancel is not None
        self._cancel_request = progress.cancel or CancelRequest()
        self._started: set[str] = set()
        self._order_status = OrderStatus.CONFIRMED
        self._to_cancel = False
        self._review_is_over = False

    @workflow.run
    async def run(self, _fulfillment: Fulfillment) -> OrderStatus:
        # Canceling the workflow in Temporal asks for what the update asks for, and no more.
        life = asyncio.ensure_future(self._live())
        while not life.done():
            try:
                await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.cancelled():
                    raise
                self._to_cancel = self._news = True
        self._outcome = life.result()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._outcome

    async def _live(self) -> OrderStatus:
        await self._handle()
        while True:
            await self._heed_temporal()
            if self._canceling:
                return await self._cancel_order()
            await self._fresh_run_if_long()
            self._news = False
            plan = await database_step(FulfillmentActivities.plan_fulfillment, self._order)
            self._order_status = plan.order_status
            if plan.order_status in ENDED_ORDER:
                return plan.order_status
            if plan.canceling:
                return await self._cancel_order()
            if plan.review is not None:
                await self._await_decision(plan.review)
                continue
            await self._unmark_review(None)
            await self._send(plan)
            if self._news:
                continue
            if all(one.status is ShipmentStatus.CANCELED for one in plan.shipments):
                await self._cancel("nothing is left to send")
                continue
            return await self._complete(plan)

    async def _handle(self) -> None:
        """Give the customer time to think again, but never let the authorization lapse."""
        if self._handled:
            return
        wait = timedelta(seconds=self._fulfillment.handling_seconds)
        capture_before = self._fulfillment.capture_before
        if capture_before is not None:
            wait = min(wait, capture_before - CAPTURE_MARGIN - workflow.now())
        await self._until(
            workflow.now() + wait,
            lambda: self._canceling or self._to_cancel,
            "handling time",
        )
        self._handled = True

    async def _send(self, plan: FulfillmentPlan) -> None:
        """Start what is not on its way, and wait until every parcel has ended, or for news."""
        parcels = [one for one in plan.shipments if one.status not in ENDED_PARCEL]
        for parcel in parcels:
            if parcel.shipment_id not in self._started | self._ended:
                self._started.add(parcel.shipment_id)
                await self._start_shipment(parcel)
        left = {parcel.shipment_id for parcel in parcels}
        await workflow.wait_condition(
            lambda: self._news or (left <= self._ended and not plan.waiting)
        )

    async def _start_shipment(self, shipment: PlannedShipment) -> None:
        attributes = search_attributes.of_order(shipment.order_id, vendor_id=shipment.vendor_id)
        try:
            await workflow.start_child_workflow(
                Child.SHIPMENT,
                shipment,
                id=workflow_ids.shipment(shipment.shipment_id),
                task_queue=TaskQueue.FULFILLMENT,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=attributes,
                static_summary=f"Shipment {shipment.number} of {shipment.order_id}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the shipment was started by an earlier run and goes on")

    async def _await_decision(self, review: Review) -> None:
        """Wait until a person has decided, or nobody has by the deadline."""
        if REVIEW not in self._waits:
            await self._show_review(review)
        await self._until(
            self._review_deadline(review),
            lambda: self._news or self.decided(REVIEW) is not None,
            "review",
        )
        decision = self.decided(REVIEW)
        if decision is not None:
            await self._conclude_review(decision, approve=decision.action is Action.RETRY)
        elif not self._news:
            by_deadline = Resolution(actor=Actor.SYSTEM, reason="nobody decided by the deadline")
            self._review_ends_at = None
            self._review_is_over = True
            await self._conclude_review(by_deadline, approve=review.approve)

    async def _conclude_review(self, decision: Resolution, *, approve: bool) -> None:
        try:
            if approve:
                await self._release(ReviewRequest(actor=decision.actor, reason=decision.reason))
            else:
                await self._cancel(decision.reason, decision.actor)
        except ApplicationError as error:  # somebody else was faster, or a parcel has left
            workflow.logger.info("the decision came too late: %s", error.message)
            self._forget(REVIEW)  # it is shown afresh

    def _review_deadline(self, review: Review) -> datetime | None:
        """Never later than the money would be lost."""
        if review.seconds is None or self._review_is_over:
            return None
        if self._review_ends_at is None:
            self._review_ends_at = workflow.now() + timedelta(seconds=review.seconds)
            capture_before = self._fulfillment.capture_before
            if capture_before is not None:
                self._review_ends_at = min(self._review_ends_at, capture_before - CAPTURE_MARGIN)
        return self._review_ends_at

    async def _cancel(self, reason: str, actor: str = Actor.SYSTEM) -> None:
        """Ask for what the update asks for; that a parcel has left meanwhile is no failure."""
        request = CancelRequest(actor=actor, reason=reason)
        await self._request_cancellation(request, derived_id(Prefix.EDIT, self._order_id, reason))

    async def _cancel_order(self) -> OrderStatus:
        """Money first, then stock: the order is canceled when both are undone."""
        self._canceling = True
        await self._let_go("payment void")
        return await database_step(
            FulfillmentActivities.cancel_order,
            CancelOrder(
                order_id=self._order_id,
                reason=self._cancel_request.reason,
                actor=self._cancel_request.actor,
            ),
            summary="Release the stock and cancel the order",
        )

    async def _let_go(self, what: str) -> None:
        """Nothing of the order's money is held that no parcel needs."""
        step = ReleaseAuthorizations(order_id=self._order_id)
        await self.until_done(
            self._order_id,
            what,
            lambda: payment_call(PaymentActivities.release_authorizations, step),
        )

    async def _complete(self, plan: FulfillmentPlan) -> OrderStatus:
        """Let the customer try what arrived; an order of which nothing arrived just ends."""
        if self._unreleased:
            await self._let_go("release of the authorization")
            self._unreleased = False
        if self._order_status is not OrderStatus.DELIVERED:
            self._order_status = await database_step(
                FulfillmentActivities.settle_fulfillment, self._order
            )
        if self._order_status is not OrderStatus.DELIVERED:
            workflow.set_current_details("No parcel was delivered: see its shipments.")
            return self._order_status
        if self._window_ends_at is None:
            self._window_ends_at = workflow.now() + timedelta(seconds=plan.return_window_seconds)
        await self._until(self._window_ends_at, lambda: False, "return window")
        return await database_step(FulfillmentActivities.complete_order, self._order)

    async def _heed_temporal(self) -> None:
        if not self._to_cancel:
            return
        self._to_cancel = False
        try:
            await self._cancel("canceled in Temporal")
        except ApplicationError as error:
            workflow.logger.warning("not canceled: %s", error.message)

    def fresh_run(self) -> Sequence[Fulfillment]:
        """Go on with what the rows do not tell; the plan tells the rest."""
        progress = Progress(
            handled=self._handled,
            ended=sorted(self._ended),
            unreleased=self._unreleased,
            cancel=self._cancel_request if self._canceling else None,
            review_ends_at=self._review_ends_at,
            window_ends_at=self._window_ends_at,
        )
        return [replace(self._fulfillment, progress=progress)]

    @workflow.signal
    def shipment_ended(self, state: ShipmentState) -> None:
        """A parcel has arrived, came back, was canceled, or is made good in another way."""
        self._ended.add(state.shipment_id)
        self._order_status = state.order_status
        self._unreleased = state.unreleased_amount > 0
        if state.status is ShipmentStatus.CANCELED:
            self._news = True

    @workflow.signal
    def shipments_planned(self) -> None:
        """There are new parcels, or others than there were: read the plan."""
        self._news = True

    @workflow.query
    def get_cancel_reason(self) -> str | None:
        """Return why the order was canceled, if it was."""
        return self._cancel_request.reason if self._canceling else None
