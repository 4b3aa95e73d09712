"""One parcel: book the carrier, take the money, hand over, follow it until it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from core.domain.ids import Prefix, derived_id
from core.domain.progress import as_counted
from core.domain.statuses import ShipmentStatus
from workflows import search_attributes, workflow_ids
from workflows.messages import Action, CaptureResult, Child, PaymentCapture, Resolution
from workflows.parcel import BOOKING, NOT_GONE
from workflows.parking import StepResolvedError
from workflows.policies import (
    FIRST_TRACKING_POLL,
    LONGEST_TRACKING_POLL,
    PARKED_LONGEST_WAIT,
    SAME_STEP_RUNNING_WAIT,
)
from workflows.ports.shipments import (
    CarrierActivities,
    ParcelProgress,
    PlannedShipment,
    ShipmentActivities,
    ShipmentState,
)
from workflows.saga import shielded
from workflows.steps import database_step
from workflows.task_queues import TaskQueue
from workflows.undelivered import UndeliveredParcel

DELIVERY = "delivery"
"""What a parcel waits for that is late."""

CANCELED_BOOKING = "cancellation of the booking"


@workflow.defn
class ShipmentWorkflow(UndeliveredParcel):
    """A vendor's goods from one warehouse, from the booking to the door.

    It reads where the parcel stands before each part of its way, so that a run can begin anywhere:
    after a reset, or with a new history.
    """

    @workflow.init
    def __init__(self, shipment: PlannedShipment) -> None:
        super().__init__(shipment)
        self._deliver_before = self._progress.deliver_before

    @workflow.run
    async def run(self, _shipment: PlannedShipment) -> ShipmentState:
        # A parcel on its way cannot be called back by canceling a workflow.
        state = await shielded(self._ship())
        await workflow.wait_condition(workflow.all_handlers_finished)
        return state

    async def _ship(self) -> ShipmentState:
        await self._look()
        self._manual = self._now.manual
        while self._now.status in NOT_GONE:
            await self._fresh_run_if_long()
            await self._send()
        if self._canceled:
            await self._cancel_booking()
        else:
            await self._follow()
        state = replace(
            self._now, status=as_counted(self._now.status, made_good=self._now.made_good)
        )
        await self._tell_order("shipment_ended", state)
        return state

    async def _send(self) -> None:
        """One step further on the way to the carrier, or the end of it."""
        if self._called_back is not None:
            await self._call_back(self._called_back)
        elif self._now.status is ShipmentStatus.PLANNED:
            if self._manual:
                await self._vendor_packs()
            if not self._canceled:
                await self._call_carrier(BOOKING, CarrierActivities.book_shipment)
        elif self._manual and not (self._now.dispatching or self._asked.handed_over):
            await self._vendor_hands_over()
        else:
            await self._dispatch()

    async def _dispatch(self) -> None:
        """From the claim on nobody but a member of staff can call it back."""
        self._state = await database_step(ShipmentActivities.begin_dispatch, self._ref)
        if not self._state.dispatching:
            if self._state.held:
                await self._until(lambda: False, LONGEST_TRACKING_POLL)
            return
        try:
            await self._capture(self._state.capture_amount)
            await self._call_carrier(
                "hand-over",
                CarrierActivities.hand_over_shipment,
                actions=[Action.RETRY, Action.CANCEL],
            )
        except StepResolvedError as error:
            self._called_back = error.resolution

    async def _call_back(self, decision: Resolution) -> None:
        """Call it back from the carrier first: a parcel that has left after all goes on."""
        await self._cancel_booking()
        if self._now.status in NOT_GONE:
            await self._cancel(decision)

    async def _cancel_booking(self) -> None:
        if not self._now.booked:
            return
        try:
            await self._call_carrier(
                CANCELED_BOOKING,
                CarrierActivities.cancel_booking,
                actions=[Action.RETRY, Action.SKIP],
            )
        except StepResolvedError:
            workflow.logger.info("the carrier's booking was canceled by hand")

    async def _capture(self, amount: int) -> None:
        """The customer pays for this parcel when it leaves, not before."""
        capture = PaymentCapture(
            order_id=self._shipment.order_id,
            shipment_id=self._shipment.shipment_id,
            number=self._shipment.number,
            capture_before=self._shipment.capture_before,
            cancelable=True,
        )
        first_payment = derived_id(Prefix.PAYMENT, capture.order_id, 1)
        patience = SAME_STEP_RUNNING_WAIT
        while amount:
            try:
                result = await workflow.execute_child_workflow(
                    Child.PAYMENT_CAPTURE,
                    capture,
                    result_type=CaptureResult,
                    id=workflow_ids.capture(first_payment, capture.number),
                    task_queue=TaskQueue.PAYMENTS,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                    search_attributes=search_attributes.of_order(capture.order_id),
                    static_summary=f"Capture {capture.number} of {capture.order_id}",
                )
            except WorkflowAlreadyStartedError:  # by a run that was reset: it is at work
                await workflow.sleep(patience)
                patience = min(patience * 2, PARKED_LONGEST_WAIT)
                await self._fresh_run_if_long()
            else:
                if result.canceled is not None:
                    raise StepResolvedError(result.canceled)
                return

    async def _follow(self) -> None:
        """Ask the carrier at each piece of news, and now and then in case one was lost."""
        patience = FIRST_TRACKING_POLL
        deadline = self._deliver_before or workflow.now() + timedelta(
            seconds=self._shipment.delivery_deadline_seconds
        )
        self._deliver_before = deadline
        while not self._has_come_to_rest():
            await self._fresh_run_if_long()
            told = await self._news_within(patience, deadline)
            patience = FIRST_TRACKING_POLL if told else min(patience * 2, LONGEST_TRACKING_POLL)
            if self._has_come_to_rest():
                break
            await self._track()
            if not self._has_come_to_rest() and workflow.now() >= deadline:
                await self._report_late()
        await self._found()
        if self._stranded:
            await self._make_good()

    async def _news_within(self, patience: timedelta, deadline: datetime) -> bool:
        until_deadline = deadline - workflow.now()
        if not self._late:
            patience = min(patience, max(until_deadline, timedelta(0)))
        try:
            await workflow.wait_condition(
                lambda: (
                    self._news
                    or self._arrived
                    or self._stranded
                    or self.decided(DELIVERY) is not None
                ),
                timeout=patience,
                timeout_summary="ask the carrier",
            )
        except TimeoutError:
            return False
        self._news = False
        return True

    async def _report_late(self) -> None:
        """Nobody knows where the parcel is: a person looks, while the carrier is still asked."""
        if self._late and self.decided(DELIVERY) is None:
            return
        await self.mark(
            self._shipment.order_id,
            DELIVERY,
            f"shipment {self._shipment.number} was not delivered by its deadline",
            actions=[Action.RETRY],
        )

    async def _found(self) -> None:
        arrived = Resolution(
            actor=f"carrier:{self._shipment.shipment_id}", reason="the parcel has arrived"
        )
        await self.unmark(self._shipment.order_id, DELIVERY, arrived)

    @property
    def _late(self) -> bool:
        return DELIVERY in self._waits

    def fresh_run(self) -> Sequence[PlannedShipment]:
        """The rows tell how far the parcel is; what only this run knows goes along."""
        progress = ParcelProgress(
            rejected=self._asked.rejected,
            called_back=self._called_back,
            packed=self._asked.packed,
            handed_over=self._asked.handed_over,
            move_before=self._move_before,
            deliver_before=self._deliver_before,
            has_news=self._news,
        )
        return [replace(self._shipment, progress=progress)]

    @workflow.query
    def get_status(self) -> ShipmentStatus:
        """Return how far the parcel is."""
        return self._state.status if self._state else ShipmentStatus.PLANNED
