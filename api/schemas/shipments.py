"""Parcels for those who send them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from api.schemas.base import AT_EXAMPLE, Moment, Quantity, Schema, example, text
from api.schemas.checkout import ADDRESS_EXAMPLE, Address
from core.domain.statuses import ShipmentStatus

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_PARCEL = {
    "id": f"shp_{_ID}",
    "order_id": f"ord_{_ID}",
    "number": 1,
    "vendor_id": f"ven_{_ID}",
    "warehouse_id": f"whs_{_ID}",
    "status": "planned",
    "purpose": "order",
    "shipping_method": "standard",
    "carrier": None,
    "tracking_number": None,
    "label_url": None,
    "failure": None,
    "items": [
        {
            "item_id": f"itm_{_ID}",
            "sku": "TEE-BLK-M",
            "name": "Plain tee - Black, M",
            "quantity": 2,
        }
    ],
    "shipping_address": ADDRESS_EXAMPLE,
    "accepted_at": AT_EXAMPLE,
    "deadline": AT_EXAMPLE,
    "moves": ["pack", "reject"],
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}
Words = Annotated[str, text(500)]


class ParcelItem(Schema):
    item_id: str
    sku: str
    name: str
    quantity: int


class Parcel(Schema):
    """``shipping_address`` is told once the parcel is accepted; ``deadline`` of its next move."""

    model_config = example(_PARCEL)

    id: str
    order_id: str
    number: int
    vendor_id: str
    warehouse_id: str
    status: ShipmentStatus
    purpose: Literal["order", "replacement", "exchange"]
    shipping_method: str
    carrier: str | None
    tracking_number: str | None
    label_url: str | None
    failure: str | None
    items: list[ParcelItem]
    shipping_address: Address | None
    accepted_at: Moment | None
    deadline: Moment | None
    moves: list[str]
    created_at: Moment
    updated_at: Moment


class ParcelPage(Schema):
    model_config = example({"data": [_PARCEL], "next_cursor": None})

    data: list[Parcel]
    next_cursor: str | None


class Rejection(Schema):
    model_config = example({"reason": "the machine is broken"})

    reason: Words


class PackedItem(Schema):
    item_id: Annotated[str, Field(max_length=64)]
    quantity: Quantity


class Packing(Schema):
    """What is in the parcel; without ``items`` all of it, else the rest goes into a new one."""

    model_config = example({"items": [{"item_id": f"itm_{_ID}", "quantity": 1}]})

    items: Annotated[list[PackedItem], Field(min_length=1, max_length=100)] | None = None


class Reallocation(Schema):
    """From ``warehouse_id``, or from wherever the goods are."""

    model_config = example({"reason": "the warehouse is flooded", "warehouse_id": f"whs_{_ID}"})

    reason: Words
    warehouse_id: Annotated[str, Field(max_length=64)] | None = None


class ParcelEvent(Schema):
    """``sellable`` puts the goods of a parcel that came back on the shelf again."""

    model_config = example(
        {
            "status": "delivered",
            "description": "Left with the neighbor",
            "location": "Springfield",
            "occurred_at": AT_EXAMPLE,
        }
    )

    status: Literal["in_transit", "delivered", "delivery_failed", "lost", "returning", "returned"]
    description: Annotated[str, text(500, 0)] = ""
    location: Annotated[str, text(200)] | None = None
    occurred_at: AwareDatetime | None = None
    sellable: bool | None = None
