"""What each parcel of an order costs: the shares add up to the order's total at every commit."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.money import split
from core.domain.statuses import ShipmentStatus
from models.orders import Order
from models.repositories import shipments
from models.shipments import Shipment, ShipmentPurpose

_VALUES = text("""
SELECT si.shipment_id, sum(round(
    si.quantity::numeric * (i.total_amount - i.discount_amount
        + CASE WHEN o.tax_included THEN 0 ELSE i.tax_amount END) / i.quantity))::bigint AS value
FROM shipment_items si
JOIN shipments s ON s.id = si.shipment_id
JOIN order_items i ON i.id = si.item_id
JOIN orders o ON o.id = s.order_id
WHERE s.order_id = :order_id AND i.quantity > 0 GROUP BY si.shipment_id
""")

# Units without stock, and units that have just been given some and are in no parcel yet.
_WAITING_VALUE = text("""
WITH unsent AS (
    SELECT order_id, sku, quantity FROM backorders
    WHERE order_id = :order_id AND status = 'waiting'
    UNION ALL
    SELECT order_id, sku, quantity FROM reservation_lines
    WHERE order_id = :order_id AND status = 'committed' AND shipment_id IS NULL
)
SELECT coalesce(sum(round(
    b.quantity::numeric * (i.total_amount - i.discount_amount
        + CASE WHEN o.tax_included THEN 0 ELSE i.tax_amount END) / i.quantity)), 0)::bigint AS value
FROM unsent b JOIN order_items i ON i.order_id = b.order_id AND i.sku = b.sku
JOIN orders o ON o.id = b.order_id
WHERE i.kind = 'ordered' AND i.quantity > 0
""")


async def reshare(session: AsyncSession, order: Order) -> int:
    """Split what no parcel has been sent for over the parcels that can still change.

    A parcel whose dispatch has begun keeps its share. The rest of the order's total goes to the
    others by what their goods cost, and to the goods that still wait for stock.

    Returns:
        The share that belongs to no parcel yet: that of the waiting goods, or, when there is
        nothing left to send, what the customer must not be asked for any more (minor units).
        Negative: what the parcels that are sent have taken more than the order costs now.
    """
    await session.flush()
    of_order = [
        one
        for one in await shipments.of_order(session, order.id)
        if one.purpose == ShipmentPurpose.ORDER and one.status != ShipmentStatus.CANCELED
    ]
    open_parcels = [one for one in of_order if one.dispatching_at is None]
    spent = sum(one.capture_amount for one in of_order if one.dispatching_at is not None)
    waiting = await _waiting_value(session, order.id)
    values = await _values(session, order.id)
    weights = [values.get(one.id, 0) for one in open_parcels]
    rest = order.total_amount - spent
    if not open_parcels and not waiting:
        return rest
    # Goods that wait are the last of the parts; with none waiting they weigh nothing.
    parts = split(max(rest, 0), [*weights, waiting] if waiting else weights)
    for parcel, part in zip(open_parcels, parts, strict=False):
        parcel.capture_amount = part
    await session.flush()
    if rest < 0:
        return rest
    return parts[-1] if waiting else 0


async def has_more_to_send(session: AsyncSession, order: Order) -> bool:
    """Whether there is an open parcel of the order, or goods that wait for stock."""
    of_order = await shipments.of_order(session, order.id)
    if any(one.purpose == ShipmentPurpose.ORDER and is_open(one) for one in of_order):
        return True
    return await _waiting_value(session, order.id) > 0


def is_open(shipment: Shipment) -> bool:
    """Whether the parcel's contents can still change: nobody has begun to send it."""
    return shipment.dispatching_at is None and shipment.status in {
        ShipmentStatus.PLANNED,
        ShipmentStatus.PACKED,
    }


async def _values(session: AsyncSession, order_id: str) -> dict[str, int]:
    rows = await session.execute(_VALUES, {"order_id": order_id})
    return {row.shipment_id: row.value for row in rows}


async def _waiting_value(session: AsyncSession, order_id: str) -> int:
    return int((await session.execute(_WAITING_VALUE, {"order_id": order_id})).scalar_one())
