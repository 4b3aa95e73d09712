"""The shipments of an order: planned, booked, handed over, followed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import NotFoundError
from core.domain.ids import Prefix, derived_id
from core.domain.money import split
from core.domain.statuses import ShipmentStatus
from core.gateways.carrier import TrackingEvent
from models.orders import Order
from models.shipments import Shipment, ShipmentEvent, ShipmentItem

_COMMITTED = text("""
SELECT i.vendor_id, r.warehouse_id, i.id AS item_id, r.sku, r.quantity,
    r.quantity * i.unit_price_amount AS value
FROM reservation_lines r JOIN order_items i ON i.order_id = r.order_id AND i.sku = r.sku
WHERE r.order_id = :order_id AND r.status = 'committed'
ORDER BY i.vendor_id, r.warehouse_id, i.position
""")


async def of_order(session: AsyncSession, order_id: str) -> Sequence[Shipment]:
    """The shipments in the order of their numbers."""
    statement = select(Shipment).where(Shipment.order_id == order_id).order_by(col(Shipment.number))
    return (await session.scalars(statement)).all()


async def lock(session: AsyncSession, shipment_id: str) -> Shipment:
    """Return the shipment, locked. Its order is always locked first.

    Raises:
        NotFoundError: there is no such shipment.
    """
    statement = select(Shipment).where(Shipment.id == shipment_id).with_for_update(key_share=True)
    shipment = (await session.scalars(statement)).one_or_none()
    if shipment is None:
        raise NotFoundError(f"no shipment {shipment_id}")
    return shipment


async def items_of(session: AsyncSession, shipment_id: str) -> Sequence[ShipmentItem]:
    """What is in the parcel."""
    statement = select(ShipmentItem).where(ShipmentItem.shipment_id == shipment_id)
    return (await session.scalars(statement)).all()


async def plan(session: AsyncSession, order: Order) -> Sequence[Shipment]:
    """Write one shipment per vendor and warehouse of a locked order, unless they are there.

    The order's total is split over them by the value of their goods, to the last minor unit.
    """
    existing = await of_order(session, order.id)
    if existing:
        return existing
    parcels: dict[tuple[str, str], list[ShipmentItem]] = {}
    values: dict[tuple[str, str], int] = {}
    for row in (await session.execute(_COMMITTED, {"order_id": order.id})).mappings():
        parcel = (row["vendor_id"], row["warehouse_id"])
        shipment_id = derived_id(Prefix.SHIPMENT, order.id, *parcel)
        values[parcel] = values.get(parcel, 0) + row["value"]
        parcels.setdefault(parcel, []).append(
            ShipmentItem(
                shipment_id=shipment_id,
                item_id=row["item_id"],
                sku=row["sku"],
                quantity=row["quantity"],
            )
        )
    shares = split(order.total_amount, list(values.values())) if values else []
    shipments = [
        Shipment(
            id=items[0].shipment_id,
            order_id=order.id,
            number=number,
            vendor_id=vendor_id,
            warehouse_id=warehouse_id,
            status=ShipmentStatus.PLANNED,
            capture_amount=share,
        )
        for number, (((vendor_id, warehouse_id), items), share) in enumerate(
            zip(parcels.items(), shares, strict=True), start=1
        )
    ]
    session.add_all(shipments)
    await session.flush()
    session.add_all([item for items in parcels.values() for item in items])
    return shipments


async def record_tracking(
    session: AsyncSession, shipment_id: str, events: Sequence[TrackingEvent]
) -> None:
    """Keep the carrier's events; one that is known already is passed over."""
    if not events:
        return
    await session.execute(
        insert(ShipmentEvent)
        .values(
            [
                {
                    "shipment_id": shipment_id,
                    "event_id": event.event_id,
                    "status": event.status,
                    "description": event.description,
                    "location": event.location,
                    "occurred_at": event.occurred_at,
                }
                for event in events
            ]
        )
        .on_conflict_do_nothing()
    )
