"""Units of an order that are not sent yet: taken out of what waits, out of shelves and parcels."""

from __future__ import annotations

from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import InvalidStateError
from core.domain.statuses import BackorderStatus, ReservationStatus, ShipmentStatus
from models.orders import Order, OrderItem
from models.repositories import orders, parcel_cancellation, shares, shipments
from models.shipments import Shipment, ShipmentItem, ShipmentPurpose
from models.stock import Backorder, ReservationLine

_LOCK_SHELVES = text("""
SELECT s.warehouse_id FROM stock s
WHERE s.sku = :sku AND s.warehouse_id IN (
    SELECT warehouse_id FROM reservation_lines WHERE order_id = :order_id AND sku = :sku)
ORDER BY s.warehouse_id, s.sku FOR NO KEY UPDATE
""")

_GIVE_BACK = text("""
UPDATE stock SET reserved = reserved - :units WHERE warehouse_id = :warehouse_id AND sku = :sku
""")


async def remove(session: AsyncSession, order: Order, item: OrderItem, units: int) -> None:
    """Take units of an item out of everything that is not on its way.

    First what waits for stock, then what is in no parcel, then out of parcels that are not packed,
    the latest first, and at last packed parcels that hold nothing else.

    Raises:
        InvalidStateError: fewer units than that can still be stopped.
    """
    left = units - await _out_of_backorders(session, order, item, units)
    if left:
        await session.execute(_LOCK_SHELVES, {"order_id": order.id, "sku": item.sku})
        left -= await _out_of_shelves(session, order, item, left)
    for parcel in reversed(await _open_parcels(session, order)):
        if not left:
            break
        left -= await _out_of_parcel(session, parcel, item, left)
    if left:
        possible = units - left
        raise InvalidStateError(
            present=f"{order.status}, {possible} of {item.id} not packed",
            wanted=f"{units} canceled",
            allowed=[f"cancel up to {possible}"] if possible else ["return"],
        )
    await session.flush()


async def _out_of_backorders(
    session: AsyncSession, order: Order, item: OrderItem, units: int
) -> int:
    statement = (
        select(Backorder)
        .where(
            Backorder.order_id == order.id,
            Backorder.sku == item.sku,
            Backorder.status == BackorderStatus.WAITING,
        )
        .order_by(col(Backorder.number).desc())
        .with_for_update(key_share=True)
    )
    removed = 0
    for waiting in (await session.scalars(statement)).all():
        part = min(waiting.quantity, units - removed)
        if part == waiting.quantity:
            waiting.status = BackorderStatus.CANCELED
        else:
            waiting.quantity -= part
        removed += part
        if removed == units:
            break
    return removed


async def _out_of_shelves(session: AsyncSession, order: Order, item: OrderItem, units: int) -> int:
    """Out of lines that no parcel carries yet."""
    statement = (
        select(ReservationLine)
        .where(
            ReservationLine.order_id == order.id,
            ReservationLine.sku == item.sku,
            ReservationLine.status == ReservationStatus.COMMITTED,
            col(ReservationLine.shipment_id).is_(None),
        )
        .order_by(col(ReservationLine.id).desc())
    )
    removed = 0
    for line in (await session.scalars(statement)).all():
        removed += await _shorten(session, line, units - removed)
        if removed == units:
            break
    return removed


async def _open_parcels(session: AsyncSession, order: Order) -> list[Shipment]:
    """Those that can still be changed or stopped; packed ones come first, to be taken last."""
    parcels = [
        one
        for one in await shipments.of_order(session, order.id)
        if shares.is_open(one) and one.purpose == ShipmentPurpose.ORDER
    ]
    return sorted(parcels, key=lambda one: (_is_loose(one), one.number))


async def _out_of_parcel(
    session: AsyncSession, parcel: Shipment, item: OrderItem, units: int
) -> int:
    contents = await shipments.items_of(session, parcel.id)
    content = next((one for one in contents if one.item_id == item.id), None)
    if content is None:
        return 0
    removed = min(content.quantity, units)
    if removed == content.quantity and len(contents) == 1:
        await parcel_cancellation.withdraw_parcel(session, parcel)
        return removed
    if not _is_loose(parcel):
        return 0
    await _shorten_content(session, content, removed)
    statement = select(ReservationLine).where(
        ReservationLine.shipment_id == parcel.id,
        ReservationLine.sku == item.sku,
        ReservationLine.status == ReservationStatus.COMMITTED,
    )
    taken = 0
    for line in (await session.scalars(statement)).all():
        taken += await _shorten(session, line, removed - taken)
        if taken == removed:
            break
    parcel.updated_at = orders.now()
    await session.flush()
    return removed


async def _shorten_content(session: AsyncSession, content: ShipmentItem, units: int) -> None:
    if content.quantity == units:
        await session.delete(content)
    else:
        content.quantity -= units
    await session.flush()


async def _shorten(session: AsyncSession, line: ReservationLine, units: int) -> int:
    """Give up to ``units`` of a line back to its shelf; return how many."""
    given = min(line.quantity, units)
    if given == line.quantity:
        line.status = ReservationStatus.RELEASED
    else:
        line.quantity -= given
    await session.flush()
    await session.execute(
        _GIVE_BACK, {"units": given, "warehouse_id": line.warehouse_id, "sku": line.sku}
    )
    return given


def _is_loose(parcel: Shipment) -> bool:
    """Whether single units can be taken out: nobody has asked a carrier for it."""
    return parcel.status == ShipmentStatus.PLANNED and parcel.booking_at is None


async def waiting_units(session: AsyncSession, order_id: str) -> int:
    """How many units of the order wait for stock."""
    statement = select(func.coalesce(func.sum(Backorder.quantity), 0)).where(
        Backorder.order_id == order_id, Backorder.status == BackorderStatus.WAITING
    )
    return int((await session.scalars(statement)).one())


async def forget_waiting(session: AsyncSession, order_id: str) -> None:
    """Nothing of the order waits for stock any more."""
    await session.execute(
        update(Backorder)
        .where(
            col(Backorder.order_id) == order_id, col(Backorder.status) == BackorderStatus.WAITING
        )
        .values(status=BackorderStatus.CANCELED)
    )
