"""Which parcel carries what from where: split, sent from elsewhere, sent once more, restocked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.allocation import Allocation, allocate
from core.domain.errors import InvalidStateError, OutOfStockError, Shortage
from core.domain.ids import Prefix, derived_id
from core.domain.money import split as divide
from core.domain.statuses import ShipmentStatus
from models.orders import Order
from models.repositories import backorders, reservations, shares, shipments
from models.repositories.parcel_cancellation import withdraw_parcel
from models.shipments import Shipment, ShipmentItem, ShipmentPurpose

_MOVE_LINE = text("""
UPDATE reservation_lines SET shipment_id = :to_id
WHERE shipment_id = :from_id AND sku = :sku AND status = 'committed' AND quantity = :quantity
RETURNING id
""")
_SPLIT_LINE = text("""
WITH line AS (
    UPDATE reservation_lines SET quantity = quantity - :quantity
    WHERE shipment_id = :from_id AND sku = :sku AND status = 'committed'
    RETURNING order_id, warehouse_id, sku
)
INSERT INTO reservation_lines (order_id, shipment_id, warehouse_id, sku, quantity, status)
SELECT order_id, :to_id, warehouse_id, sku, :quantity, 'committed' FROM line
""")
_WORTH = text("""
SELECT sum(i.unit_price_amount * s.quantity)::bigint
FROM shipment_items s JOIN order_items i ON i.id = s.item_id WHERE s.shipment_id = :shipment_id
""")
_RESERVE = text("""
WITH wanted AS (
    SELECT * FROM unnest(
        CAST(:warehouse_ids AS text[]), CAST(:skus AS text[]), CAST(:quantities AS int[]),
        CAST(:shipment_ids AS text[])
    ) AS wanted (warehouse_id, sku, quantity, shipment_id)
), reserved AS (
    UPDATE stock s SET reserved = s.reserved + wanted.quantity FROM wanted
    WHERE s.warehouse_id = wanted.warehouse_id AND s.sku = wanted.sku
)
INSERT INTO reservation_lines (order_id, shipment_id, warehouse_id, sku, quantity, status)
SELECT :order_id, shipment_id, warehouse_id, sku, quantity, 'committed' FROM wanted
""")
_RESTOCK = text("""
WITH goods AS (
    SELECT s.warehouse_id, i.sku, sum(i.quantity)::int AS quantity, s.id
    FROM shipments s JOIN shipment_items i ON i.shipment_id = s.id
    WHERE s.id = :shipment_id GROUP BY s.warehouse_id, i.sku, s.id
), locked AS (
    SELECT warehouse_id, sku FROM stock
    WHERE (warehouse_id, sku) IN (SELECT warehouse_id, sku FROM goods)
    ORDER BY warehouse_id, sku FOR NO KEY UPDATE
), moved AS (
    INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)
    SELECT warehouse_id, sku, quantity, 'returned', 'returned:' || id || ':' || sku, :actor
    FROM goods JOIN locked USING (warehouse_id, sku)
    ON CONFLICT (reference) DO NOTHING
    RETURNING warehouse_id, sku, delta
)
UPDATE stock s SET on_hand = s.on_hand + moved.delta FROM moved
WHERE s.warehouse_id = moved.warehouse_id AND s.sku = moved.sku
""")


async def split(
    session: AsyncSession, order: Order, shipment: Shipment, packed: Mapping[str, int]
) -> Shipment | None:
    """Leave the packed units of each item in the parcel; return the new parcel of the rest.

    Both are locked with their order. None when there is no rest.

    Raises:
        InvalidStateError: more was packed than is in the parcel, or nothing at all.
    """
    items = await shipments.items_of(session, shipment.id)
    held = {item.item_id: item.quantity for item in items}
    if not packed or any(not 0 < n <= held.get(item_id, 0) for item_id, n in packed.items()):
        raise InvalidStateError(
            present=f"{sum(held.values())} units in the parcel",
            wanted=f"packing {sum(packed.values())} units of {len(packed)} items",
        )
    if packed == held:
        return None
    rest = await _new_parcel(session, order, like=shipment, warehouse_id=shipment.warehouse_id)
    for item in items:
        left = item.quantity - packed.get(item.item_id, 0)
        if not left:
            continue
        session.add(
            ShipmentItem(shipment_id=rest.id, item_id=item.item_id, sku=item.sku, quantity=left)
        )
        line = {"from_id": shipment.id, "to_id": rest.id, "sku": item.sku, "quantity": left}
        if (await session.execute(_MOVE_LINE, line)).first() is None:
            await session.execute(_SPLIT_LINE, line)
        if left == item.quantity:
            await session.delete(item)
        else:
            item.quantity -= left
    await _share_the_difference(session, shipment, rest)
    await shares.reshare(session, order)
    return rest


async def _share_the_difference(session: AsyncSession, shipment: Shipment, rest: Shipment) -> None:
    """What an exchange costs more is paid with each of its parcels, by the price of their goods."""
    if not shipment.capture_amount or shipment.purpose != ShipmentPurpose.EXCHANGE:
        return
    await session.flush()
    worth = [
        int(await session.scalar(_WORTH, {"shipment_id": one.id}) or 0) for one in (shipment, rest)
    ]
    shipment.capture_amount, rest.capture_amount = divide(shipment.capture_amount, worth)


async def send_from_elsewhere(
    session: AsyncSession, order: Order, shipment: Shipment, *, warehouse_id: str | None = None
) -> list[Shipment]:
    """Cancel a parcel that nobody has booked, and plan its goods from other warehouses.

    Args:
        session: the transaction that holds the locks of order and parcel.
        order: the locked order.
        shipment: the parcel; it stays as it is when this raises.
        warehouse_id: from there alone, or from wherever the goods are.

    Raises:
        OutOfStockError: the goods are not there.
    """
    items = await shipments.items_of(session, shipment.id)
    plan = await _find_goods(session, items, warehouse_id, without=shipment.warehouse_id)
    await withdraw_parcel(session, shipment)
    planned = await _plan_parcels(session, order, items, plan, like=shipment)
    await shares.reshare(session, order)
    return planned


async def send_once_more(session: AsyncSession, order: Order, shipment: Shipment) -> list[Shipment]:
    """Plan the goods of a parcel that did not arrive again, for nothing. Once per parcel.

    Raises:
        OutOfStockError: the goods are nowhere.
    """
    known = [
        one
        for one in await shipments.of_order(session, order.id)
        if one.replaces_id == shipment.id and one.status != ShipmentStatus.CANCELED
    ]
    if known:
        return known
    items = await shipments.items_of(session, shipment.id)
    plan = await _find_goods(session, items, None, without=None)
    return await _plan_parcels(session, order, items, plan, like=shipment, replaces=True)


async def restock(session: AsyncSession, shipment: Shipment, *, actor: str) -> list[str]:
    """Put the goods of a parcel that came back on the shelf that they left, once.

    Orders that wait for them get them; return the ids of those, to tell their fulfilments.
    """
    await session.execute(_RESTOCK, {"shipment_id": shipment.id, "actor": actor})
    items = await shipments.items_of(session, shipment.id)
    return await backorders.allocate_waiting(
        session, sorted({(shipment.warehouse_id, item.sku) for item in items})
    )


async def _find_goods(
    session: AsyncSession,
    items: Sequence[ShipmentItem],
    warehouse_id: str | None,
    *,
    without: str | None,
) -> list[Allocation]:
    wanted = {item.sku: item.quantity for item in items}
    levels = [
        level
        for level in await reservations.lock_levels(session, sorted(wanted))
        if level.warehouse_id != without and warehouse_id in {None, level.warehouse_id}
    ]
    plan: list[Allocation] = []
    shortages: list[Shortage] = []
    for line in allocate(wanted, levels):
        if isinstance(line, Shortage):
            shortages.append(line)
        else:
            plan.append(line)
    if shortages:
        raise OutOfStockError(shortages)
    return plan


async def _plan_parcels(
    session: AsyncSession,
    order: Order,
    items: Sequence[ShipmentItem],
    plan: Sequence[Allocation],
    *,
    like: Shipment,
    replaces: bool = False,
) -> list[Shipment]:
    item_ids = {item.sku: item.item_id for item in items}
    parcels: dict[str, Shipment] = {}
    for line in plan:
        if line.warehouse_id not in parcels:
            parcels[line.warehouse_id] = await _new_parcel(
                session, order, like=like, warehouse_id=line.warehouse_id, replaces=replaces
            )
        parcel = parcels[line.warehouse_id]
        session.add(
            ShipmentItem(
                shipment_id=parcel.id,
                item_id=item_ids[line.sku],
                sku=line.sku,
                quantity=line.quantity,
            )
        )
    await session.flush()
    await session.execute(
        _RESERVE,
        {
            "order_id": order.id,
            "warehouse_ids": [line.warehouse_id for line in plan],
            "skus": [line.sku for line in plan],
            "quantities": [line.quantity for line in plan],
            "shipment_ids": [parcels[line.warehouse_id].id for line in plan],
        },
    )
    return list(parcels.values())


async def _new_parcel(
    session: AsyncSession,
    order: Order,
    *,
    like: Shipment,
    warehouse_id: str,
    replaces: bool = False,
) -> Shipment:
    await session.flush()
    number = max(one.number for one in await shipments.of_order(session, order.id)) + 1
    parcel = Shipment(
        id=derived_id(Prefix.SHIPMENT, order.id, number),
        order_id=order.id,
        number=number,
        vendor_id=like.vendor_id,
        warehouse_id=warehouse_id,
        status=ShipmentStatus.PLANNED,
        capture_amount=0,
        purpose=ShipmentPurpose.REPLACEMENT if replaces else like.purpose,
        replaces_id=like.id if replaces else like.replaces_id,
    )
    session.add(parcel)
    await session.flush()
    return parcel
