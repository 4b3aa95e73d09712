"""A parcel as its workflow sees it."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.statuses import OrderStatus, ShipmentStatus
from models.orders import Order
from models.repositories import parcel_states
from models.shipments import Shipment
from models.vendors import FulfillmentMode, Vendor
from workflows.ports.shipments import ShipmentState

_UNRELEASED = text("""
SELECT coalesce(sum(authorized_amount - captured_amount), 0)::bigint FROM payments
WHERE order_id = :order_id AND status IN ('authorized', 'partially_captured')
""")
_ON_ITS_WAY = frozenset({ShipmentStatus.PLANNED, ShipmentStatus.PACKED, ShipmentStatus.HANDED_OVER})


async def state_of(
    session: AsyncSession,
    order: Order,
    shipment: Shipment,
    *,
    manual: bool = False,
    refund_id: str | None = None,
) -> ShipmentState:
    """Return the state of a locked parcel, and what it made of its order."""
    await session.flush()
    status = ShipmentStatus(shipment.status)
    unreleased, made_good = 0, False
    if status not in _ON_ITS_WAY:
        unreleased = int(await session.scalar(_UNRELEASED, {"order_id": order.id}) or 0)
        made_good = shipment.id in await parcel_states.parcels_made_good(session, order.id)
    return ShipmentState(
        shipment_id=shipment.id,
        status=status,
        order_status=OrderStatus(order.status),
        tracking_number=shipment.tracking_number,
        manual=manual,
        accepted=shipment.accepted_at is not None,
        booked=shipment.carrier_shipment_id is not None,
        dispatching=shipment.dispatching_at is not None,
        held=order.review is not None or order.cancel_requested_at is not None,
        capture_amount=shipment.capture_amount,
        failure=shipment.failure,
        made_good=made_good,
        unreleased_amount=unreleased,
        refund_id=refund_id,
    )


async def is_manual(session: AsyncSession, shipment: Shipment) -> bool:
    """Whether its vendor moves it by hand."""
    vendor = await session.get(Vendor, shipment.vendor_id)
    return vendor is not None and vendor.fulfillment == FulfillmentMode.MANUAL
