"""Every vendor's parcels, for staff."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import Path, Request, Response

from api.auth import OrdersReader, OrdersWriter
from api.dependencies import Res, ShipmentId
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.parcels import move_parcel, parcel_document, require_parcel, update_id_of
from api.schemas.shipments import Packing, Parcel, ParcelEvent, Reallocation
from workflows.ports.shipments import (
    PackedItem,
    ReallocateShipment,
    RecordEvent,
    ShipmentStep,
    SplitShipment,
)

api = router("staff")

_ANY = problems("not-authenticated", "forbidden", "not-found")
_MOVE = {
    202: {"model": Parcel, "description": "Under way; look again"},
    **_ANY,
    **problems("idempotency-key-missing", "idempotency-key-reused", "invalid-state"),
}


class VendorMove(StrEnum):
    """What staff can do in a vendor's place."""

    ACCEPT = "accept"
    PACK = "pack"
    HAND_OVER = "hand-over"


@api.get("/admin/shipments/{id}", response_model=Parcel, responses=_ANY)
async def get_any_parcel(shipment_id: ShipmentId, _staff: OrdersReader, resources: Res) -> Response:
    """Return a parcel of any vendor."""
    parcel = await require_parcel(resources, shipment_id, None)
    return JsonResponse(parcel_document(parcel, resources.settings.fulfillment))


@api.post("/admin/shipments/{id}/events", response_model=Parcel, responses=_MOVE)
async def record_parcel_event(
    *,
    request: Request,
    shipment_id: ShipmentId,
    wanted: ParcelEvent,
    staff: OrdersWriter,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Tell where a parcel is, for a carrier that does not tell."""
    parcel = await require_parcel(resources, shipment_id, None)
    step = RecordEvent(
        order_id=parcel.order_id,
        shipment_id=parcel.id,
        event_id=f"staff:{update_id_of(call, 'record_event')}",
        status=wanted.status,
        actor=staff.actor,
        occurred_at=wanted.occurred_at or datetime.now(UTC),
        description=wanted.description,
        location=wanted.location,
        sellable=wanted.sellable,
    )
    return await move_parcel(request, resources, call, parcel, update="record_event", step=step)


@api.post("/admin/shipments/{id}/reallocate", response_model=Parcel, responses=_MOVE)
async def reallocate_parcel(
    *,
    request: Request,
    shipment_id: ShipmentId,
    wanted: Reallocation,
    staff: OrdersWriter,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Have a parcel that nobody has booked sent from elsewhere: it is canceled for new ones."""
    parcel = await require_parcel(resources, shipment_id, None)
    step = ReallocateShipment(
        order_id=parcel.order_id,
        shipment_id=parcel.id,
        actor=staff.actor,
        reason=wanted.reason,
        warehouse_id=wanted.warehouse_id,
    )
    return await move_parcel(request, resources, call, parcel, update="reallocate", step=step)


@api.post("/admin/shipments/{id}/{move}", response_model=Parcel, responses=_MOVE)
async def move_any_parcel(
    *,
    request: Request,
    shipment_id: ShipmentId,
    move: Annotated[VendorMove, Path(examples=["pack"])],
    staff: OrdersWriter,
    call: Idempotent,
    resources: Res,
    wanted: Packing | None = None,
) -> Response:
    """Accept, pack or hand over a parcel in its vendor's place; `items` count for packing."""
    parcel = await require_parcel(resources, shipment_id, None)
    actor = staff.actor
    ids = {"order_id": parcel.order_id, "shipment_id": parcel.id}
    step: ShipmentStep | SplitShipment = ShipmentStep(**ids, actor=actor)
    if move is VendorMove.PACK:
        items = (wanted.items if wanted else None) or []
        packed = [PackedItem(item_id=one.item_id, quantity=one.quantity) for one in items]
        step = SplitShipment(**ids, actor=actor, items=packed)
    update = move.value.replace("-", "_")
    return await move_parcel(request, resources, call, parcel, update=update, step=step)
