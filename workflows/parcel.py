"""What the steps of a parcel share: its state, and the ways in which it changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    WorkflowAlreadyStartedError,
)

from core.domain.statuses import ShipmentStatus
from workflows import search_attributes, workflow_ids
from workflows.messages import Action, Child, RefundRequest, Resolution
from workflows.parking import Parkable
from workflows.policies import LONGEST_STOCK_WAIT
from workflows.ports.shipments import (
    CarrierActivities,
    ParcelProgress,
    PlannedShipment,
    ReallocateShipment,
    ShipmentActivities,
    ShipmentRef,
    ShipmentState,
    ShipmentStep,
)
from workflows.steps import carrier_call, database_step
from workflows.task_queues import TaskQueue

CarrierStep = Callable[[CarrierActivities, ShipmentRef], Awaitable[ShipmentState]]
Payload = TypeVar("Payload")

BOOKING = "carrier booking"
"""What a parcel waits for whose carrier does not answer."""

NOT_GONE = (ShipmentStatus.PLANNED, ShipmentStatus.PACKED)


class Parcel(Parkable):
    """A parcel and its last known state; the database decides what becomes of it."""

    def __init__(self, shipment: PlannedShipment) -> None:
        super().__init__()
        self._shipment = shipment
        self._ref = ShipmentRef(order_id=shipment.order_id, shipment_id=shipment.shipment_id)
        self._state: ShipmentState | None = None
        self._changed = False
        self._progress = shipment.progress or ParcelProgress()
        self._called_back = self._progress.called_back

    @property
    def _now(self) -> ShipmentState:
        if self._state is None:
            raise ApplicationError("the parcel has just begun", type="invalid-state")
        return self._state

    @property
    def _stock_wait(self) -> str:
        return f"stock for parcel {self._shipment.number}"

    @property
    def _canceled(self) -> bool:
        return self._now.status is ShipmentStatus.CANCELED

    @workflow.signal
    def contents_changed(self) -> None:
        """Somebody changed or canceled the parcel: look again."""
        self._changed = True
        for what in (BOOKING, self._stock_wait):
            self.wake(what, "the order was changed")

    async def _look(self) -> ShipmentState:
        self._changed = False
        self._state = await database_step(ShipmentActivities.look_at_shipment, self._ref)
        return self._state

    async def _call_carrier(
        self, what: str, step: CarrierStep, *, actions: Sequence[Action] = (Action.RETRY,)
    ) -> ShipmentState:
        state = await self.until_done(
            self._shipment.order_id,
            what,
            lambda: carrier_call(step, self._ref),
            actions=actions,
        )
        self._state = state
        self._show_state()
        return state

    def _show_state(self) -> None:
        workflow.set_current_details(f"Parcel {self._now.tracking_number}: {self._now.status}")

    async def _ask_database(
        self,
        step: Callable[[ShipmentActivities, Payload], Awaitable[ShipmentState]],
        payload: Payload,
    ) -> ShipmentState:
        """Take a step that somebody asks for by an update; what is not possible fails the update.

        Raises:
            ApplicationError: ``invalid-state``, with the reason in words.
        """
        try:
            self._state = await database_step(step, payload)
        except ActivityError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError):
                raise ApplicationError(cause.message, *cause.details, type=cause.type) from error
            raise
        return self._state

    def _step(self, resolution: Resolution) -> ShipmentStep:
        return ShipmentStep(
            order_id=self._ref.order_id,
            shipment_id=self._ref.shipment_id,
            actor=resolution.actor,
            reason=resolution.reason,
        )

    async def _send_from_elsewhere(self, wanted: Resolution) -> None:
        """Find other warehouses for the goods; nobody has them: a person decides."""
        while True:
            await self._fresh_run_if_long()
            state = await self._ask_database(
                ShipmentActivities.reallocate_shipment,
                ReallocateShipment(
                    order_id=self._ref.order_id,
                    shipment_id=self._ref.shipment_id,
                    actor=wanted.actor,
                    reason=wanted.reason,
                ),
            )
            if state.status is ShipmentStatus.CANCELED:
                await self._tell_order("shipments_planned")
                return
            decision = await self.ask(
                self._shipment.order_id,
                self._stock_wait,
                f"no other warehouse has the goods of parcel {self._shipment.number}",
                actions=[Action.RETRY, Action.CANCEL],
                longest=LONGEST_STOCK_WAIT,
            )
            if decision is not None and decision.action is Action.CANCEL:
                await self._cancel(decision)
                return

    async def _cancel(self, decision: Resolution) -> None:
        """Take the parcel off its order, and begin to give back what was taken for it."""
        self._state = await database_step(ShipmentActivities.cancel_shipment, self._step(decision))
        await self._start_refund(self._state.refund_id)

    async def _start_refund(self, refund_id: str | None) -> None:
        if refund_id is None:
            return
        await self._start_child(
            Child.REFUND,
            RefundRequest(order_id=self._ref.order_id, refund_id=refund_id),
            workflow_id=workflow_ids.refund(refund_id),
            queue=TaskQueue.PAYMENTS,
            summary=f"Refund for parcel {self._shipment.number}",
        )

    async def _start_parcel(self, parcel: PlannedShipment) -> None:
        """Start a parcel that the order's fulfilment does not: an exchange or a replacement."""
        await self._start_child(
            Child.SHIPMENT,
            parcel,
            workflow_id=workflow_ids.shipment(parcel.shipment_id),
            queue=TaskQueue.FULFILLMENT,
            summary=f"Shipment {parcel.number} of {parcel.order_id}",
        )

    async def _start_child(
        self, child: Child, argument: object, *, workflow_id: str, queue: TaskQueue, summary: str
    ) -> None:
        """Start a workflow that goes on without this one."""
        try:
            await workflow.start_child_workflow(
                child,
                argument,
                id=workflow_id,
                task_queue=queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=search_attributes.of_order(self._ref.order_id),
                static_summary=summary,
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("it was started before a reset and goes on")

    async def _tell_order(
        self, signal: str, *arguments: object, order_id: str | None = None
    ) -> None:
        """Signal the fulfilment of the parcel's order, or of another one."""
        order = workflow.get_external_workflow_handle(
            workflow_ids.fulfillment(order_id or self._shipment.order_id)
        )
        try:
            await order.signal(signal, args=list(arguments))
        except ApplicationError:
            workflow.logger.warning("the order's fulfilment is not running")

    async def _until(self, condition: Callable[[], bool], patience: timedelta | None) -> bool:
        """Wait; False when the patience is over first. News of a change make it look again."""
        try:
            await workflow.wait_condition(lambda: self._changed or condition(), timeout=patience)
        except TimeoutError:
            return False
        if self._changed:
            await self._look()
        return True
