"""A carrier with a JSON API over HTTP and Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote

import httpx
from standardwebhooks import Webhook, WebhookVerificationError

from core.domain.errors import (
    DomainError,
    InvalidSignatureError,
    ProviderError,
    ProviderRejectedError,
)
from core.gateways.carrier import CarrierShipment, Parcel, TrackingEvent
from core.gateways.event_kinds import carrier_kind
from core.gateways.payments import ProviderEvent
from core.settings import CarrierSettings

KEY_IN_USE = "idempotency_key_in_use"
"""The first request with our key still runs: the one conflict that goes away by itself."""

_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_ADDRESS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")


class HttpCarrierGateway:
    """See ``CarrierGateway`` for what each method promises."""

    name = "carrier"

    def __init__(self, http: httpx.AsyncClient, webhooks: tuple[Webhook, ...]) -> None:
        self._http = http
        self._webhooks = webhooks

    @classmethod
    def open(cls, settings: CarrierSettings) -> Self:
        """Make a gateway with a connection pool of its own; ``close`` it at the end."""
        http = httpx.AsyncClient(
            base_url=settings.api_base,
            headers={"Authorization": f"Bearer {settings.api_key.get_secret_value()}"},
            timeout=settings.timeout_seconds,
        )
        secrets = settings.webhook_secrets
        return cls(http, tuple(Webhook(secret.get_secret_value()) for secret in secrets))

    async def close(self) -> None:
        await self._http.aclose()

    async def book(self, parcel: Parcel) -> CarrierShipment:
        return await self._call(
            "POST",
            "/v1/shipments",
            headers={"Idempotency-Key": parcel.reference},
            body={
                "reference": parcel.reference,
                "service": parcel.service,
                "to_address": {field: parcel.to_address.get(field) for field in _ADDRESS},
                "items": [{"sku": sku, "quantity": quantity} for sku, quantity in parcel.items],
            },
        )

    async def hand_over(self, carrier_shipment_id: str) -> CarrierShipment:
        return await self._call("POST", f"{_path(carrier_shipment_id)}/hand-over")

    async def cancel(self, carrier_shipment_id: str) -> None:
        await self._call("POST", f"{_path(carrier_shipment_id)}/cancel")

    async def fetch(self, carrier_shipment_id: str) -> CarrierShipment:
        return await self._call("GET", _path(carrier_shipment_id))

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        if not any(_is_signed(body, headers, webhook) for webhook in self._webhooks):
            raise InvalidSignatureError("carrier: no valid signature, or it is too old")
        return event_of(json.loads(body))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> CarrierShipment:
        try:
            response = await self._http.request(method, path, headers=headers, json=body)
        except httpx.HTTPError as error:
            raise ProviderError(f"carrier: {type(error).__name__}") from None
        if not response.is_success:
            raise domain_error_of(response.status_code, response.content)
        try:
            return shipment_of(response.json())
        except (KeyError, TypeError, ValueError):
            # Not chained: the answer repeats the customer's address.
            raise ProviderError("carrier: an answer that cannot be read") from None


def shipment_of(answer: Mapping[str, Any]) -> CarrierShipment:
    """Read the carrier's shipment."""
    return CarrierShipment(
        carrier_shipment_id=answer["id"],
        status=answer["status"],
        tracking_number=answer["tracking_number"],
        label_url=answer["label_url"],
        events=tuple(
            TrackingEvent(
                event_id=event["id"],
                status=event["status"],
                description=event["description"],
                location=event.get("location"),
                occurred_at=datetime.fromisoformat(event["occurred_at"]),
            )
            for event in answer["events"]
        ),
    )


def event_of(event: Mapping[str, Any]) -> ProviderEvent:
    """Read an event; what happened in words and where is fetched, not believed."""
    data: Mapping[str, Any] = event.get("data", {})
    payload = {name: event[name] for name in ("id", "type", "occurred_at")}
    payload |= {
        name: data.get(name) for name in ("shipment_id", "reference", "tracking_number", "status")
    }
    return ProviderEvent(
        event_id=event["id"],
        type=event["type"],
        object_id=data.get("shipment_id") or event["id"],
        reference=data.get("reference"),
        payload=payload,
        kind=carrier_kind(event["type"]),
    )


def domain_error_of(status: int, content: bytes) -> DomainError:
    """Say whether the carrier refused, or whether nobody knows what it did.

    The message keeps the status, the carrier's code and the field's name, never its own words:
    those may repeat the address.
    """
    try:
        error = json.loads(content)["error"]
        code, field = error["code"], error.get("field")
    except (AttributeError, KeyError, TypeError, ValueError):
        code, field = None, None
    words = " ".join(str(fact) for fact in ("carrier:", status, code, field) if fact)
    client_fault = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if client_fault and status not in _TRY_AGAIN and code != KEY_IN_USE:
        return ProviderRejectedError(words)
    return ProviderError(words)


def _path(carrier_shipment_id: str) -> str:
    return f"/v1/shipments/{quote(carrier_shipment_id, safe='')}"


def _is_signed(body: bytes, headers: Mapping[str, str], webhook: Webhook) -> bool:
    try:
        webhook.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # ValueError: a header or a body in no encoding that a signature can have.
        return False
    return True
