"""An event of a carrier: recorded once, and it wakes the shipment that it is about."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows import workflow_ids
from workflows.ports.webhooks import EventRef, EventRoute, FinishEvent, WebhookActivities
from workflows.steps import database_step


@workflow.defn
class CarrierEventWorkflow:
    """The event is a hint: the shipment asks the carrier for the present state itself."""

    @workflow.run
    async def run(self, event: EventRef) -> str:
        routed = await database_step(WebhookActivities.route_event, event)
        outcome: str = routed.route
        if routed.route is EventRoute.SHIPMENT and routed.shipment_id is not None:
            shipment = workflow.get_external_workflow_handle(
                workflow_ids.shipment(routed.shipment_id)
            )
            try:
                await shipment.signal("shipment_status_changed")
            except ApplicationError:
                outcome = "shipment_has_ended"
        await database_step(
            WebhookActivities.finish_event,
            FinishEvent(provider=event.provider, event_id=event.event_id, outcome=outcome),
        )
        return outcome
