"""A vendor's own parcels."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api.auth import VendorOrders
from api.dependencies import Cursor, CursorsDep, Limit, Res, ShipmentId
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.parcels import move_parcel, parcel_document, require_parcel
from api.schemas.shipments import Packing, Parcel, ParcelPage, Rejection
from core.domain.statuses import ShipmentStatus
from models.repositories import parcel_views
from workflows.ports.shipments import PackedItem, ShipmentStep, SplitShipment

api = router("vendors")

_OWN = problems("not-authenticated", "forbidden", "not-found")
_MOVE = {
    202: {"model": Parcel, "description": "Under way; look again"},
    **_OWN,
    **problems("idempotency-key-missing", "idempotency-key-reused", "invalid-state"),
}


@api.get(
    "/vendor/shipments",
    response_model=ParcelPage,
    responses=problems("not-authenticated", "forbidden", "invalid-cursor"),
)
async def list_vendor_parcels(
    *,
    vendor: VendorOrders,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[ShipmentStatus | None, Query()] = None,
) -> Response:
    """Return the vendor's parcels, the newest first."""
    scope = {"list": "vendor-shipments", "vendor": vendor.vendor_id, "status": status}
    rows = await parcel_views.list_of_vendor(
        resources.database,
        vendor.vendor_id,
        limit=limit + 1,
        before=cursors.open(cursor, scope=scope),
        status=status,
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda parcel: parcel.id,
            render=lambda parcel: parcel_document(parcel, resources.settings.fulfillment),
        )
    )


@api.get("/vendor/shipments/{id}", response_model=Parcel, responses=_OWN)
async def get_vendor_parcel(
    shipment_id: ShipmentId, vendor: VendorOrders, resources: Res
) -> Response:
    """Return one of the vendor's parcels; its address once it is accepted."""
    parcel = await require_parcel(resources, shipment_id, vendor.vendor_id)
    return JsonResponse(parcel_document(parcel, resources.settings.fulfillment))


@api.post("/vendor/shipments/{id}/accept", response_model=Parcel, responses=_MOVE)
async def accept_parcel(
    *,
    request: Request,
    shipment_id: ShipmentId,
    vendor: VendorOrders,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Promise to send a parcel."""
    parcel = await require_parcel(resources, shipment_id, vendor.vendor_id)
    step = ShipmentStep(order_id=parcel.order_id, shipment_id=parcel.id, actor=vendor.actor)
    return await move_parcel(request, resources, call, parcel, update="accept", step=step)


@api.post("/vendor/shipments/{id}/reject", response_model=Parcel, responses=_MOVE)
async def reject_parcel(
    *,
    request: Request,
    shipment_id: ShipmentId,
    wanted: Rejection,
    vendor: VendorOrders,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Refuse to send a parcel: its goods are looked for elsewhere."""
    parcel = await require_parcel(resources, shipment_id, vendor.vendor_id)
    step = ShipmentStep(
        order_id=parcel.order_id,
        shipment_id=parcel.id,
        actor=vendor.actor,
        reason=wanted.reason,
    )
    return await move_parcel(request, resources, call, parcel, update="reject", step=step)


@api.post("/vendor/shipments/{id}/pack", response_model=Parcel, responses=_MOVE)
async def pack_parcel(
    *,
    request: Request,
    shipment_id: ShipmentId,
    vendor: VendorOrders,
    call: Idempotent,
    resources: Res,
    wanted: Packing | None = None,
) -> Response:
    """Tell what is packed: the carrier is booked, and what is left follows in another parcel."""
    parcel = await require_parcel(resources, shipment_id, vendor.vendor_id)
    items = (wanted.items if wanted else None) or []
    step = SplitShipment(
        order_id=parcel.order_id,
        shipment_id=parcel.id,
        actor=vendor.actor,
        items=[PackedItem(item_id=one.item_id, quantity=one.quantity) for one in items],
    )
    return await move_parcel(request, resources, call, parcel, update="pack", step=step)


@api.post("/vendor/shipments/{id}/hand-over", response_model=Parcel, responses=_MOVE)
async def hand_over_parcel(
    *,
    request: Request,
    shipment_id: ShipmentId,
    vendor: VendorOrders,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Give a packed parcel to the carrier: it is paid for, and leaves."""
    parcel = await require_parcel(resources, shipment_id, vendor.vendor_id)
    step = ShipmentStep(order_id=parcel.order_id, shipment_id=parcel.id, actor=vendor.actor)
    return await move_parcel(request, resources, call, parcel, update="hand_over", step=step)
