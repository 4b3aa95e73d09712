"""Orders and what happened to them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import AT_EXAMPLE, NO_CONTROLS, Moment, Money, Quantity, Schema, example
from api.schemas.checkout import ADDRESS_EXAMPLE, Address, AppliedPromotion, Backordered
from core.domain.statuses import (
    FulfillmentStatus,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
    ShipmentStatus,
)

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"


def _money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "USD"}


_SHIPMENT = {
    "id": f"shp_{_ID}",
    "number": 1,
    "purpose": "order",
    "carrier": "carrier",
    "tracking_number": "PDR0001",
    "status": "in_transit",
    "failure": None,
    "vendor_id": f"ven_{_ID}",
    "label_url": None,
    "events": [
        {"status": "in_transit", "description": "On its way", "location": None, "at": AT_EXAMPLE}
    ],
    "items": [{"item_id": f"itm_{_ID}", "sku": "TEE-BLK-M", "quantity": 2}],
}
ORDER_EXAMPLE: dict[str, Any] = {
    "id": f"ord_{_ID}",
    "number": "P-100042",
    "status": "confirmed",
    "payment_status": "authorized",
    "fulfillment_status": "unfulfilled",
    "items": [
        {
            "id": f"itm_{_ID}",
            "sku": "TEE-BLK-M",
            "name": "Plain tee - Black, M",
            "quantity": 2,
            "unit_price": _money(1999),
            "total": _money(3998),
            "discount": _money(0),
            "vendor_id": f"ven_{_ID}",
            "backordered": {"quantity": 1, "promised_at": "2026-12-01T00:00:00.000000Z"},
        }
    ],
    "subtotal": _money(3998),
    "discount": _money(0),
    "shipping": _money(500),
    "tax": _money(360),
    "included_tax": _money(0),
    "total": _money(4858),
    "promotions": [],
    "shipping_address": ADDRESS_EXAMPLE,
    "shipments": [],
    "refunds": [
        {
            "id": f"rfd_{_ID}",
            "amount": _money(500),
            "status": "succeeded",
            "reason": "a scratch on the box",
            "created_at": AT_EXAMPLE,
        }
    ],
    "next_action": None,
    "workflow_id": f"checkout/ord_{_ID}",
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}
ENTRY_EXAMPLE: dict[str, Any] = {
    "at": AT_EXAMPLE,
    "type": "order.confirmed",
    "title": "Order confirmed",
    "detail": "",
    "actor": "system",
}


class OrderItem(Schema):
    id: str
    sku: str
    name: str
    quantity: int
    unit_price: Money
    total: Money
    discount: Money
    vendor_id: str
    kind: Literal["ordered", "exchange"] = "ordered"
    """Goods given in exchange for a return are not part of the order's amounts."""
    returned_quantity: int = 0
    """Units that came back and were credited; ``quantity`` still counts them."""
    backordered: Backordered | None = None
    """Null when every unit has its stock."""


class ShipmentEvent(Schema):
    status: str
    description: str
    location: str | None
    at: Moment


class ShipmentItem(Schema):
    item_id: str
    sku: str
    quantity: int


class Shipment(Schema):
    """``number`` is what the timeline calls it; ``purpose`` is what it is sent for.

    ``failure`` says what went wrong with one that was not delivered: ``lost``, for example.
    """

    model_config = example(_SHIPMENT)

    id: str
    number: int
    purpose: Literal["order", "replacement", "exchange"]
    carrier: str | None
    tracking_number: str | None
    status: ShipmentStatus
    failure: str | None
    vendor_id: str
    label_url: str | None
    events: list[ShipmentEvent]
    items: list[ShipmentItem]


class Refund(Schema):
    """Money that goes back to the customer; ``pending`` until the provider has confirmed it."""

    id: str
    amount: Money
    status: RefundStatus
    reason: str
    created_at: Moment


class NextAction(Schema):
    """What the customer's client has to do before the deadline, such as a 3-D Secure challenge."""

    type: str
    client_secret: str | None = None
    redirect_url: str | None = None


class Order(Schema):
    """``total = subtotal - discount + shipping + tax``.

    Where prices contain the tax, ``tax`` is zero and ``included_tax`` is the part of the total.
    """

    model_config = example(ORDER_EXAMPLE)

    id: str
    number: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    items: list[OrderItem]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    included_tax: Money
    total: Money
    promotions: list[AppliedPromotion]
    shipping_address: Address
    shipments: list[Shipment]
    refunds: list[Refund]
    next_action: NextAction | None
    workflow_id: str
    created_at: Moment
    updated_at: Moment
    tracking_token: str | None = None
    """Only in the answer to a guest's checkout: it goes into the header ``Order-Token``."""


class OrderPage(Schema):
    model_config = example({"data": [ORDER_EXAMPLE], "next_cursor": None})

    data: list[Order]
    next_cursor: str | None


class ShipmentList(Schema):
    model_config = example({"data": [_SHIPMENT], "next_cursor": None})

    data: list[Shipment]
    next_cursor: str | None


class TimelineEntry(Schema):
    at: Moment
    type: str
    title: str
    detail: str
    actor: str


class WaitingFor(Schema):
    what: str
    since: Moment
    next_attempt_at: Moment | None
    attempts: int
    last_error: str | None


class Timeline(Schema):
    """Everything so far, the oldest first, and what the order waits for now."""

    model_config = example({"data": [ENTRY_EXAMPLE], "waiting_for": None})

    data: list[TimelineEntry]
    waiting_for: WaitingFor | None


class CanceledItem(Schema):
    item_id: str
    quantity: Quantity


class CancelRequest(Schema):
    """All of the order, or so many units of these items."""

    model_config = example({"reason": "ordered twice", "items": None})

    reason: Annotated[str, StringConstraints(max_length=500, pattern=NO_CONTROLS)] | None = None
    items: Annotated[list[CanceledItem], Field(min_length=1, max_length=100)] | None = None
