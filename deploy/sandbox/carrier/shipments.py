"""Shipments and their life: booked, handed over, then tracked to the door or back."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from deploy.sandbox.carrier.errors import CarrierError, not_found
from deploy.sandbox.documents import Json, Query
from deploy.sandbox.transaction import Transaction

SHIPMENT = "shipment"
SHIPMENT_EVENT = "shipment_event"
MAX_LISTED = 100

ShortText = Annotated[str, Field(min_length=1, max_length=200)]


class ShipmentStatus(StrEnum):
    BOOKED = "booked"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    CANCELED = "canceled"


_WORDS = {
    ShipmentStatus.BOOKED: "Shipment booked",
    ShipmentStatus.HANDED_OVER: "Parcel collected by the carrier",
    ShipmentStatus.IN_TRANSIT: "Parcel is on its way",
    ShipmentStatus.OUT_FOR_DELIVERY: "Parcel is out for delivery",
    ShipmentStatus.DELIVERED: "Parcel delivered",
    ShipmentStatus.DELIVERY_FAILED: "Nobody could take the parcel",
    ShipmentStatus.RETURNING: "Parcel is going back to the sender",
    ShipmentStatus.RETURNED: "Parcel is back at the sender",
    ShipmentStatus.LOST: "Parcel cannot be found",
    ShipmentStatus.CANCELED: "Shipment canceled",
}


class Address(BaseModel):
    name: ShortText
    line1: ShortText
    line2: str | None = Field(default=None, max_length=200)
    city: ShortText
    region: str | None = Field(default=None, max_length=200)
    postal_code: str | None = Field(default=None, max_length=32)
    country: str = Field(pattern=r"^[A-Z]{2}$")
    phone: str | None = Field(default=None, max_length=64)


class Item(BaseModel):
    sku: ShortText
    quantity: int = Field(ge=1, le=1_000_000)


class Booking(BaseModel):
    reference: ShortText
    service: ShortText
    to_address: Address
    items: list[Item] = Field(min_length=1, max_length=1000)


def book(transaction: Transaction, booking: Booking, *, public_url: str) -> Json:
    shipment_id = f"cshp_{secrets.token_hex(12)}"
    shipment: Json = {
        "id": shipment_id,
        "reference": booking.reference,
        "service": booking.service,
        "tracking_number": f"SBX{secrets.randbelow(10**12):012d}",
        "label_url": f"{public_url}/carrier/labels/{shipment_id}",
        "status": ShipmentStatus.BOOKED,
        "to_address": booking.to_address.model_dump(),
        "items": [item.model_dump() for item in booking.items],
        "created_at": timestamp(transaction.now),
        "events": [],
    }
    transaction.documents.add(
        SHIPMENT, shipment, created=transaction.now_seconds, reference=booking.reference
    )
    return shipment


def fetch(transaction: Transaction, shipment_id: str) -> Json:
    """Raises CarrierError when there is no such shipment."""
    shipment = transaction.documents.get(shipment_id, SHIPMENT)
    if shipment is None:
        raise not_found(shipment_id)
    return shipment


def find(transaction: Transaction, reference: str | None) -> Json:
    equal = {} if reference is None else {"reference": reference}
    query = Query(kind=SHIPMENT, equal=equal, created={}, limit=MAX_LISTED)
    return {"data": transaction.documents.page(query).data}


def hand_over(transaction: Transaction, shipment_id: str, *, transit_ms: int | None) -> Json:
    """The parcel is collected; doing it again changes nothing."""
    shipment = fetch(transaction, shipment_id)
    if shipment["status"] == ShipmentStatus.CANCELED:
        raise CarrierError(409, "shipment_canceled", "A canceled shipment cannot be handed over.")
    if shipment["status"] != ShipmentStatus.BOOKED:
        return shipment
    record_status(transaction, shipment, ShipmentStatus.HANDED_OVER)
    due = None if transit_ms is None else transaction.now + transit_ms / 2000
    transaction.connection.execute(
        "INSERT INTO tracking (shipment_id, next_status, due) VALUES (?, ?, ?)",
        (shipment_id, ShipmentStatus.IN_TRANSIT, due),
    )
    return shipment


def cancel(transaction: Transaction, shipment_id: str) -> Json:
    """Undo a booking; doing it again changes nothing."""
    shipment = fetch(transaction, shipment_id)
    if shipment["status"] == ShipmentStatus.CANCELED:
        return shipment
    if shipment["status"] != ShipmentStatus.BOOKED:
        raise CarrierError(
            409, "already_handed_over", "A shipment that was handed over cannot be canceled."
        )
    record_status(transaction, shipment, ShipmentStatus.CANCELED)
    return shipment


def record_status(
    transaction: Transaction,
    shipment: Json,
    status: ShipmentStatus,
    *,
    description: str | None = None,
) -> None:
    """Move the shipment, append to its history and tell by webhook."""
    event: Json = {
        "id": f"cevt_{secrets.token_hex(12)}",
        "type": f"shipment.{status}",
        "occurred_at": timestamp(transaction.now),
        "data": {
            "shipment_id": shipment["id"],
            "reference": shipment["reference"],
            "tracking_number": shipment["tracking_number"],
            "status": status,
            "description": description or _WORDS[status],
            "location": shipment["to_address"]["city"],
        },
    }
    shipment["status"] = status
    shipment["events"].append(
        {
            "id": event["id"],
            "type": event["type"],
            "status": status,
            "occurred_at": event["occurred_at"],
            "description": event["data"]["description"],
            "location": event["data"]["location"],
        }
    )
    transaction.documents.save(shipment)
    transaction.record_event("carrier", SHIPMENT_EVENT, event, subject=shipment["id"], deliver=True)


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")
