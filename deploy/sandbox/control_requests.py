"""What the control API accepts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deploy.sandbox.carrier.app import OPERATIONS as CARRIER_OPERATIONS
from deploy.sandbox.carrier.shipments import ShipmentStatus
from deploy.sandbox.faults import FaultMode
from deploy.sandbox.messages.mailbox import EMAIL, SMS
from deploy.sandbox.messages.sms import OPERATIONS as SMS_OPERATIONS
from deploy.sandbox.messages.smtp import OPERATIONS as EMAIL_OPERATIONS
from deploy.sandbox.paystack.app import CALLS as PAYSTACK_CALLS
from deploy.sandbox.stripe.disputes import EVIDENCE_SECONDS
from deploy.sandbox.stripe.operations import OPERATIONS as STRIPE_OPERATIONS
from deploy.sandbox.webhook_modes import WebhookMode

OPERATIONS = {
    "stripe": frozenset(name for _, _, name, _ in STRIPE_OPERATIONS),
    "paystack": frozenset(call.name for call in PAYSTACK_CALLS),
    "carrier": frozenset(CARRIER_OPERATIONS),
    EMAIL: frozenset(EMAIL_OPERATIONS),
    SMS: frozenset(SMS_OPERATIONS),
}
Service = Literal["stripe", "paystack", "carrier"]
HOUR_MS = 3_600_000
OrderId = Annotated[str | None, Field(max_length=200)]
"""With it a switch is for that order only."""


class Control(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FaultRequest(Control):
    service: Literal["stripe", "paystack", "carrier", "email", "sms"]
    operation: str
    mode: FaultMode
    latency_ms: int | None = Field(default=None, ge=0, le=HOUR_MS)
    probability: float = Field(default=1.0, ge=0, le=1)
    count: int | None = Field(default=None, ge=1)
    order_id: OrderId = None

    @model_validator(mode="after")
    def _know_operation(self) -> Self:
        known = OPERATIONS[self.service]
        if self.operation != "*" and self.operation not in known:
            names = ", ".join(sorted(known))
            raise ValueError(f"operation of {self.service} must be * or one of {names}")
        _refuse_order_of_carrier(self.service, self.order_id)
        return self


class ChallengeRequest(Control):
    outcome: Literal["succeeded", "failed"]


class RefundNews(Control):
    status: Literal["succeeded", "failed"]


class DisputeRequest(Control):
    """``amount`` in minor units, all that was captured and not given back when it is missing."""

    payment_intent: str
    amount: int | None = Field(default=None, ge=1)
    reason: str = Field(default="fraudulent", max_length=50)
    evidence_seconds: int = Field(default=EVIDENCE_SECONDS, ge=0)
    inquiry: bool = False


class DisputeNews(Control):
    """``needs_response`` for an inquiry is its escalation to a chargeback."""

    status: Literal[
        "needs_response", "under_review", "won", "lost", "warning_under_review", "warning_closed"
    ]


class TransferNews(Control):
    status: Literal["reversed"]
    amount: int | None = Field(default=None, ge=1)


class PayoutRequest(Control):
    """``amount`` in minor units, the whole balance of the currency when it is missing."""

    currency: str = Field(pattern="^[A-Za-z]{3}$")
    amount: int | None = Field(default=None, ge=1)


class PayoutNews(Control):
    status: Literal["failed"]


class WebhookRequest(Control):
    service: Service
    mode: WebhookMode
    delay_ms: int | None = Field(default=None, ge=0, le=HOUR_MS)
    order_id: OrderId = None

    @model_validator(mode="after")
    def _know_orders(self) -> Self:
        _refuse_order_of_carrier(self.service, self.order_id)
        return self


class ShipmentEventRequest(Control):
    status: ShipmentStatus
    description: str | None = Field(default=None, max_length=500)


class CarrierRequest(Control):
    transit_ms: int | None = Field(ge=0, le=HOUR_MS)


def _refuse_order_of_carrier(service: str, order_id: str | None) -> None:
    if service == "carrier" and order_id is not None:
        raise ValueError("the carrier knows parcels, not orders: leave order_id out")
