"""Events of providers: verified, stored once, answered at once."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.dependencies import Res
from api.engine import start_once
from api.json_route import JsonResponse
from api.metrics import WEBHOOKS
from api.openapi import problems
from api.schemas.operations import Received
from core.domain.errors import FieldError, InvalidRequestError, NotFoundError
from core.domain.provider_events import EventSubject
from core.gateways.carrier import CarrierGateway
from core.gateways.payments import PaymentGateway, ProviderEvent
from core.resources import Resources
from models.repositories.webhook_inbox import Novelty, record_event
from workflows import incoming
from workflows.ports.webhooks import EventRef

api = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

_ENGINE_SECONDS = 0.8
"""Providers are answered in less than a second; without an answer they send the event again."""
_PROBLEMS = problems("invalid-signature")


def _body(example: dict[str, Any]) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
        }
    }


_STRIPE_EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": 1795339800,
    "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
}
_PAYSTACK_EVENT = {
    "event": "charge.success",
    "data": {"id": 302961, "status": "success", "reference": "ord-1.authorize.1", "amount": 10000},
}
_CARRIER_EVENT = {
    "id": "evt_1",
    "type": "shipment.delivered",
    "occurred_at": "2026-11-22T09:30:00Z",
    "data": {"shipment_id": "cs_1", "status": "delivered"},
}


@api.post(
    "/stripe", response_model=Received, responses=_PROBLEMS, openapi_extra=_body(_STRIPE_EVENT)
)
async def receive_stripe_event(request: Request, resources: Res) -> Response:
    """Take an event of Stripe's, signed in `Stripe-Signature`."""
    return await _receive_payment_event(request, resources, "stripe")


@api.post(
    "/paystack",
    response_model=Received,
    responses=_PROBLEMS,
    openapi_extra=_body(_PAYSTACK_EVENT),
)
async def receive_paystack_event(request: Request, resources: Res) -> Response:
    """Take an event of Paystack's: `x-paystack-signature` is the HMAC-SHA512 of the body."""
    return await _receive_payment_event(request, resources, "paystack")


@api.post(
    "/carrier", response_model=Received, responses=_PROBLEMS, openapi_extra=_body(_CARRIER_EVENT)
)
async def receive_carrier_event(request: Request, resources: Res) -> Response:
    """Take an event of the carrier's, signed by the Standard Webhooks scheme."""
    gateway = resources.carrier
    event = await _verified(request, gateway)
    return await _receive(resources, gateway.name, event)


async def _receive_payment_event(request: Request, resources: Resources, provider: str) -> Response:
    gateway = resources.payments.get(provider)
    if gateway is None:
        raise NotFoundError("this provider is not configured")
    event = await _verified(request, gateway)
    return await _receive(resources, gateway.name, event)


async def _verified(request: Request, gateway: PaymentGateway | CarrierGateway) -> ProviderEvent:
    body = await request.body()
    try:
        return gateway.verify_webhook(body, request.headers)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        problem = FieldError(pointer="", detail="signed, but not an event that can be read")
        raise InvalidRequestError([problem]) from error


async def _receive(resources: Resources, provider: str, event: ProviderEvent) -> Response:
    novelty = await record_event(resources.database, provider=provider, event=event)
    WEBHOOKS.labels(provider, novelty).inc()
    if novelty is not Novelty.NOTHING_NEW:
        ref = EventRef(provider=provider, event_id=event.event_id)
        start = incoming.start_of(ref, of_carrier=event.kind.subject is EventSubject.SHIPMENT)
        await start_once(
            resources.temporal,
            start.workflow,
            ref,
            workflow_id=start.workflow_id,
            task_queue=start.task_queue,
            budget_seconds=_ENGINE_SECONDS,
            summary=f"{event.type} of {provider}",
        )
    return JsonResponse({"received": True})
