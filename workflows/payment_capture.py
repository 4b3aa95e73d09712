"""The capture of one shipment's share of a payment."""

from __future__ import annotations

from temporalio import workflow

from core.domain.payments import ProviderPayment
from workflows.messages import PaymentCapture
from workflows.parking import Parkable
from workflows.ports.payments import PaymentActivities
from workflows.saga import shielded
from workflows.steps import payment_call


@workflow.defn
class PaymentCaptureWorkflow(Parkable):
    """Capture once. A call without an answer is unknown: the next attempt asks the provider first.

    An authorization that has lapsed is refused by the provider; the run then waits for a person.
    """

    @workflow.run
    async def run(self, capture: PaymentCapture) -> ProviderPayment:
        if capture.capture_before is not None:
            workflow.set_current_details(f"To be captured before {capture.capture_before} UTC")
        return await shielded(
            self.until_done(
                capture.step.order_id,
                "payment capture",
                lambda: payment_call(
                    PaymentActivities.capture_payment,
                    capture.step,
                    summary=f"Capture {capture.step.amount}",
                ),
            )
        )
