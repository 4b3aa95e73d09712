"""How a parcel moves, and how its order follows."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.events import Actor, OrderEvent, TimelineEntry
from core.domain.progress import as_counted, fulfillment_of, order_status_for
from core.domain.statuses import SHIPMENT_MOVES, OrderStatus, ShipmentStatus, can_move
from models.orders import Order
from models.repositories import backorders, orders, reservations, shipments, timeline
from models.shipments import Shipment, ShipmentPurpose

LOST = "lost"
REFUSED = "refused"
"""Why a parcel did not arrive."""

_ORDER_EVENTS = {
    OrderStatus.SHIPPED: TimelineEntry(type=OrderEvent.SHIPPED, title="Order shipped"),
    OrderStatus.DELIVERED: TimelineEntry(type=OrderEvent.DELIVERED, title="Order delivered"),
}
_MADE_GOOD = text("""
SELECT s.id FROM shipments s WHERE s.order_id = :order_id AND (
    EXISTS (SELECT FROM shipments r WHERE r.replaces_id = s.id AND r.status <> 'canceled')
    OR EXISTS (SELECT FROM refunds f WHERE f.shipment_id = s.id AND f.status <> 'failed'))
""")


async def move(
    session: AsyncSession,
    order: Order,
    shipment: Shipment,
    status: ShipmentStatus,
    *,
    actor: str = Actor.CARRIER,
    lost: bool = False,
) -> bool:
    """Move a parcel and let its locked order follow; tell whether it moved.

    A step that was taken before, or that comes late, changes nothing.
    """
    if not can_move(SHIPMENT_MOVES, ShipmentStatus(shipment.status), status):
        return await _found_lost(session, order, shipment, actor) if lost else False
    shipment.status = status
    shipment.updated_at = orders.now()
    if status is ShipmentStatus.HANDED_OVER:
        shipment.handed_over_at = orders.now()
    elif status is ShipmentStatus.DELIVERED:
        shipment.delivered_at, shipment.failure = orders.now(), None
    elif status in {ShipmentStatus.RETURNING, ShipmentStatus.RETURNED}:
        shipment.failure = shipment.failure or REFUSED
    if lost:
        shipment.failure = LOST
    await session.flush()
    if status is ShipmentStatus.HANDED_OVER:
        await reservations.consume_shipment(session, shipment.id)
    entries = [_entry(shipment, status, actor, lost=lost), *await sum_up(session, order)]
    await session.flush()
    await timeline.append(session, order.id, entries)
    return True


async def sum_up(session: AsyncSession, order: Order) -> list[TimelineEntry]:
    """Let a locked order follow its parcels; return what is to be told of it.

    Only the parcels of the order itself count, not what makes another one good.
    """
    await session.flush()
    parcels = [
        parcel
        for parcel in await shipments.of_order(session, order.id)
        if parcel.purpose == ShipmentPurpose.ORDER
    ]
    made_good = await parcels_made_good(session, order.id)
    counted = [
        as_counted(ShipmentStatus(parcel.status), made_good=parcel.id in made_good)
        for parcel in parcels
    ]
    if await backorders.any_unsent(session, order.id):
        counted.append(ShipmentStatus.PLANNED)
    fulfillment = fulfillment_of(counted)
    order.fulfillment_status = fulfillment
    wanted = order_status_for(
        fulfillment,
        OrderStatus(order.status),
        made_good=all(
            parcel.id in made_good for parcel in parcels if parcel.status == ShipmentStatus.RETURNED
        ),
    )
    entries: list[TimelineEntry] = []
    if wanted is OrderStatus.DELIVERED and order.status == OrderStatus.PROCESSING:
        entries.append(_advance(order, OrderStatus.SHIPPED))
    if wanted != order.status:
        entries.append(_advance(order, wanted))
    return entries


async def parcels_made_good(session: AsyncSession, order_id: str) -> set[str]:
    """The ids of parcels that were replaced, or whose worth is given back."""
    return set((await session.scalars(_MADE_GOOD, {"order_id": order_id})).all())


async def _found_lost(session: AsyncSession, order: Order, shipment: Shipment, actor: str) -> bool:
    """A delivery that had failed already turns out to be a loss."""
    if shipment.status != ShipmentStatus.DELIVERY_FAILED or shipment.failure == LOST:
        return False
    shipment.failure = LOST
    shipment.updated_at = orders.now()
    await session.flush()
    entry = _entry(shipment, ShipmentStatus.DELIVERY_FAILED, actor, lost=True)
    await timeline.append(session, order.id, [entry])
    return True


def _advance(order: Order, status: OrderStatus) -> TimelineEntry:
    orders.move(order, status)
    if status is OrderStatus.DELIVERED:
        order.delivered_at = orders.now()
    return _ORDER_EVENTS[status]


def _entry(shipment: Shipment, status: ShipmentStatus, actor: str, *, lost: bool) -> TimelineEntry:
    if lost:
        return TimelineEntry(
            type=OrderEvent.SHIPMENT_LOST, title=f"Parcel {shipment.number} lost", actor=actor
        )
    if status is ShipmentStatus.PACKED:
        return TimelineEntry(
            type=OrderEvent.SHIPMENT_BOOKED,
            title=f"Parcel {shipment.number} packed",
            detail=f"tracking number {shipment.tracking_number}",
        )
    words = status.value.replace("_", " ")
    return TimelineEntry(
        type=OrderEvent.SHIPMENT_CHANGED, title=f"Parcel {shipment.number} {words}", actor=actor
    )
