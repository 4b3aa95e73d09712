"""The shipments of an order: planned, booked, handed over, followed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import NotFoundError
from core.domain.ids import Prefix, derived_id
from core.domain.statuses import ShipmentStatus
from core.gateways.carrier import TrackingEvent
from models.orders import Order
from models.shipments import Shipment, ShipmentEvent, ShipmentItem

_UNPLANNED = text("""
SELECT i.vendor_id, r.warehouse_id, i.id AS item_id, r.sku, r.quantity, r.id AS line_id
FROM reservation_lines r JOIN order_items i ON i.order_id = r.order_id AND i.sku = r.sku
WHERE r.order_id = :order_id AND r.status = 'committed' AND r.shipment_id IS NULL
    AND i.kind = 'ordered'
ORDER BY i.vendor_id, r.warehouse_id, i.position
""")

_ASSIGN = text("""
UPDATE reservation_lines r SET shipment_id = planned.shipment_id
FROM unnest(CAST(:line_ids AS bigint[]), CAST(:shipment_ids AS text[]))
    AS planned (line_id, shipment_id)
WHERE r.id = planned.line_id
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
    """Write shipments for what is committed and in no parcel yet; return all of the order's.

    One for each vendor and warehouse. Safe to call again: a line that has its parcel stays there.
    The caller shares the total out afterwards (``shares.reshare``).
    """
    existing = await of_order(session, order.id)
    parcels: dict[tuple[str, str], list[RowMapping]] = {}
    for row in (await session.execute(_UNPLANNED, {"order_id": order.id})).mappings():
        parcels.setdefault((row["vendor_id"], row["warehouse_id"]), []).append(row)
    if not parcels:
        return existing
    planned: list[Shipment] = []
    items: list[ShipmentItem] = []
    lines: dict[int, str] = {}
    for number, ((vendor_id, warehouse_id), rows) in enumerate(
        parcels.items(), start=len(existing) + 1
    ):
        shipment = Shipment(
            id=derived_id(Prefix.SHIPMENT, order.id, number),
            order_id=order.id,
            number=number,
            vendor_id=vendor_id,
            warehouse_id=warehouse_id,
            status=ShipmentStatus.PLANNED,
            capture_amount=0,
        )
        planned.append(shipment)
        items += [
            ShipmentItem(
                shipment_id=shipment.id,
                item_id=row["item_id"],
                sku=row["sku"],
                quantity=row["quantity"],
            )
            for row in rows
        ]
        lines |= {row["line_id"]: shipment.id for row in rows}
    session.add_all(planned)
    await session.flush()
    session.add_all(items)
    await session.execute(_ASSIGN, {"line_ids": list(lines), "shipment_ids": list(lines.values())})
    return [*existing, *planned]


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
