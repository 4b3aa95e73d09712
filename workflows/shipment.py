"""One parcel: book the carrier, take the money, hand over, follow it until it arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from core.domain.ids import Prefix, derived_id
from core.domain.statuses import ShipmentStatus
from workflows import search_attributes, workflow_ids
from workflows.messages import Action, Child, PaymentCapture, Resolution
from workflows.parking import Parkable
from workflows.policies import FIRST_TRACKING_POLL, LONGEST_TRACKING_POLL, SAME_STEP_RUNNING_WAIT
from workflows.ports.fulfillment import (
    CarrierActivities,
    PlannedShipment,
    ShipmentRef,
    ShipmentState,
)
from workflows.saga import shielded
from workflows.steps import carrier_call
from workflows.task_queues import TaskQueue

CarrierStep = Callable[[CarrierActivities, ShipmentRef], Awaitable[ShipmentState]]

DELIVERY = "delivery"
"""What a parcel waits for that is late."""

ARRIVED = (ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED)


@workflow.defn
class ShipmentWorkflow(Parkable):
    """A vendor's goods from one warehouse, from the booking to the door."""

    @workflow.init
    def __init__(self, shipment: PlannedShipment) -> None:
        super().__init__()
        self._shipment = shipment
        self._ref = ShipmentRef(order_id=shipment.order_id, shipment_id=shipment.shipment_id)
        self._status = ShipmentStatus.PLANNED
        self._news = False
        self._late = False

    @workflow.run
    async def run(self, _shipment: PlannedShipment) -> ShipmentState:
        # A parcel on its way cannot be called back by canceling a workflow.
        return await shielded(self._ship())

    async def _ship(self) -> ShipmentState:
        await self._call_carrier("carrier booking", CarrierActivities.book_shipment)
        await self._capture()
        state = await self._call_carrier("hand-over", CarrierActivities.hand_over_shipment)
        if state.status not in ARRIVED:
            state = await self._follow()
        await self._tell_order(state)
        return state

    async def _call_carrier(self, what: str, step: CarrierStep) -> ShipmentState:
        state = await self.until_done(
            self._shipment.order_id,
            what,
            lambda: carrier_call(step, self._ref),
        )
        self._status = state.status
        workflow.set_current_details(f"Parcel {state.tracking_number}: {state.status}")
        return state

    async def _capture(self) -> None:
        """The customer pays for this parcel when it leaves, not before."""
        if self._shipment.capture_amount == 0:
            return
        capture = PaymentCapture(
            order_id=self._shipment.order_id,
            shipment_id=self._shipment.shipment_id,
            number=self._shipment.number,
            capture_before=self._shipment.capture_before,
        )
        first_payment = derived_id(Prefix.PAYMENT, capture.order_id, 1)
        while True:
            try:
                await workflow.execute_child_workflow(
                    Child.PAYMENT_CAPTURE,
                    capture,
                    id=workflow_ids.capture(first_payment, capture.number),
                    task_queue=TaskQueue.PAYMENTS,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                    search_attributes=search_attributes.of_order(capture.order_id),
                    static_summary=f"Capture {capture.number} of {capture.order_id}",
                )
            except WorkflowAlreadyStartedError:  # by a run that was reset: it is at work
                await workflow.sleep(SAME_STEP_RUNNING_WAIT)
            else:
                return

    async def _follow(self) -> ShipmentState:
        """Ask the carrier at each piece of news, and now and then in case one was lost."""
        deadline = workflow.now() + timedelta(seconds=self._shipment.delivery_deadline_seconds)
        patience = FIRST_TRACKING_POLL
        while True:
            told = await self._news_within(patience, deadline)
            patience = FIRST_TRACKING_POLL if told else min(patience * 2, LONGEST_TRACKING_POLL)
            state = await self._call_carrier("tracking", CarrierActivities.track_shipment)
            if state.status in ARRIVED:
                await self._found()
                return state
            if workflow.now() >= deadline:
                await self._report_late()

    async def _news_within(self, patience: timedelta, deadline: datetime) -> bool:
        until_deadline = deadline - workflow.now()
        if not self._late:
            patience = min(patience, max(until_deadline, timedelta(0)))
        try:
            await workflow.wait_condition(
                lambda: self._news or self.decided(DELIVERY) is not None,
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
        self._late = True
        await self.mark(
            self._shipment.order_id,
            DELIVERY,
            f"shipment {self._shipment.number} was not delivered by its deadline",
            actions=[Action.RETRY],
        )

    async def _found(self) -> None:
        self._late = False
        arrived = Resolution(
            actor=f"carrier:{self._shipment.shipment_id}", reason="the parcel has arrived"
        )
        await self.unmark(self._shipment.order_id, DELIVERY, arrived)

    async def _tell_order(self, state: ShipmentState) -> None:
        order = workflow.get_external_workflow_handle(
            workflow_ids.fulfillment(self._shipment.order_id)
        )
        try:
            await order.signal("shipment_ended", state)
        except ApplicationError:
            workflow.logger.warning("the order's fulfilment is not running")

    @workflow.signal
    def shipment_status_changed(self) -> None:
        """The carrier has news of the parcel: ask it."""
        self._news = True

    @workflow.query
    def get_status(self) -> ShipmentStatus:
        """Return how far the parcel is."""
        return self._status
