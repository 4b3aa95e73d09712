"""An order's life after its confirmation: handle, ship every parcel, deliver, complete."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from core.domain.statuses import OrderStatus, ShipmentStatus
from workflows import search_attributes, workflow_ids
from workflows.messages import CancelRequest, Child, Fulfillment
from workflows.parking import Parkable
from workflows.policies import CAPTURE_MARGIN
from workflows.ports.fulfillment import (
    CancelOrder,
    FulfillmentActivities,
    FulfillmentPlan,
    OrderRef,
)
from workflows.ports.payments import PaymentActivities
from workflows.ports.shipments import PlannedShipment, ShipmentState
from workflows.saga import shielded
from workflows.steps import database_step, payment_call
from workflows.task_queues import TaskQueue


@workflow.defn
class FulfillmentWorkflow(Parkable):
    """The order's entity from confirmation to completion, or to cancellation before it ships."""

    @workflow.init
    def __init__(self, fulfillment: Fulfillment) -> None:
        super().__init__()
        self._fulfillment = fulfillment
        self._order = OrderRef(order_id=fulfillment.order_id)
        self._cancel_request: CancelRequest | None = None
        self._shipping_began = False
        self._ended: dict[str, ShipmentStatus] = {}
        self._outcome: OrderStatus | None = None

    @workflow.run
    async def run(self, _fulfillment: Fulfillment) -> OrderStatus:
        canceled = await self._canceled_while_handling()
        plan = await shielded(self._plan())
        if plan.order_status is OrderStatus.CANCELED:
            self._outcome = plan.order_status  # a reset; it was canceled before
        elif canceled:
            self._outcome = await shielded(self._cancel_order(plan))
        else:
            self._outcome = await shielded(self._ship_and_complete(plan))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._outcome

    async def _plan(self) -> FulfillmentPlan:
        return await database_step(
            FulfillmentActivities.plan_fulfillment,
            self._order,
        )

    async def _canceled_while_handling(self) -> bool:
        """Give the customer time to think again, but never let the authorization lapse."""
        wait = timedelta(seconds=self._fulfillment.handling_seconds)
        capture_before = self._fulfillment.capture_before
        if capture_before is not None:
            wait = min(wait, capture_before - CAPTURE_MARGIN - workflow.now())
        try:
            await workflow.wait_condition(
                lambda: self._cancel_request is not None,
                timeout=max(wait, timedelta(0)),
                timeout_summary="handling time",
            )
        except TimeoutError:
            self._shipping_began = True
            return False
        except asyncio.CancelledError:
            self._cancel_request = CancelRequest(reason="canceled in Temporal")
        return True

    async def _cancel_order(self, plan: FulfillmentPlan) -> OrderStatus:
        """Money first, then stock: the order is canceled when both are undone."""
        request = self._cancel_request or CancelRequest()
        voided = await self.until_done(
            self._order.order_id,
            "payment void",
            lambda: payment_call(PaymentActivities.void_payment, plan.payment),
        )
        return await database_step(
            FulfillmentActivities.cancel_order,
            CancelOrder(
                order_id=self._order.order_id,
                reason=request.reason,
                actor=request.actor,
                voided=voided is not None,
            ),
            summary="Release the stock and cancel the order",
        )

    async def _ship_and_complete(self, plan: FulfillmentPlan) -> OrderStatus:
        await database_step(FulfillmentActivities.begin_processing, self._order)
        for shipment in plan.shipments:
            await self._start_shipment(shipment)
        await workflow.wait_condition(lambda: len(self._ended) == len(plan.shipments))
        if any(status is not ShipmentStatus.DELIVERED for status in self._ended.values()):
            workflow.set_current_details("Not every parcel was delivered: see its shipments.")
            return OrderStatus.SHIPPED
        await workflow.sleep(timedelta(seconds=plan.return_window_seconds), summary="return window")
        return await database_step(FulfillmentActivities.complete_order, self._order)

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
            workflow.logger.info("the shipment was started before a reset and goes on")

    @workflow.signal
    def shipment_ended(self, state: ShipmentState) -> None:
        """A parcel has arrived, or came back."""
        self._ended[state.shipment_id] = state.status

    @workflow.update
    async def cancel(self, request: CancelRequest) -> OrderStatus:
        """Cancel before shipping begins; returns when money and stock are undone."""
        self._cancel_request = self._cancel_request or request
        await workflow.wait_condition(lambda: self._outcome is not None)
        assert self._outcome is not None  # noqa: S101  # tells the type checker
        if self._outcome is not OrderStatus.CANCELED:
            raise ApplicationError(f"the order is {self._outcome}", type="invalid-state")
        return self._outcome

    @cancel.validator
    def _refuse_cancel_once_shipping(self, request: CancelRequest) -> None:
        if self._shipping_began:
            raise ApplicationError(
                f"shipping has begun; {request.actor} can no longer cancel", type="invalid-state"
            )

    @workflow.query
    def get_cancel_reason(self) -> str | None:
        """Return why the order was canceled, if it was."""
        return self._cancel_request.reason if self._cancel_request else None
