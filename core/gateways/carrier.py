"""What every carrier can do for us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.gateways.payments import ProviderEvent


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What to carry where; ``reference`` is our shipment's id and the idempotency key."""

    reference: str
    service: str
    to_address: Mapping[str, Any]
    items: Sequence[tuple[str, int]]
    """SKU and quantity."""


@dataclass(frozen=True, kw_only=True)
class TrackingEvent:
    event_id: str
    status: str
    description: str
    location: str | None
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class CarrierShipment:
    """The carrier's present state of a parcel."""

    carrier_shipment_id: str
    status: str
    tracking_number: str
    label_url: str
    events: Sequence[TrackingEvent]


class CarrierGateway(Protocol):
    """One carrier. Every method is safe to call again with the same arguments.

    Raises, each of them:
        ProviderError: no answer or a fault of the carrier's; the effect is unknown.
        ProviderRejectedError: the carrier will never accept this request (a bad address).
    """

    name: str

    async def book(self, parcel: Parcel) -> CarrierShipment: ...

    async def hand_over(self, carrier_shipment_id: str) -> CarrierShipment: ...

    async def cancel(self, carrier_shipment_id: str) -> None:
        """Cancel a booking that was not handed over."""
        ...

    async def fetch(self, carrier_shipment_id: str) -> CarrierShipment: ...

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """Check the signature (Standard Webhooks) and read the event.

        Raises:
            InvalidSignatureError: wrong signature, or a timestamp too old.
        """
        ...

    async def close(self) -> None: ...
