"""Reserve, release and consume units. Stock rows are locked in primary-key order."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.allocation import Allocation, StockLevel
from core.domain.places import place_of
from core.domain.statuses import ReservationStatus

_LOCK_LEVELS = text("""
SELECT s.warehouse_id, s.sku, s.on_hand - s.reserved AS available, w.priority,
    w.country, w.region, w.latitude, w.longitude
FROM stock s JOIN warehouses w ON w.id = s.warehouse_id
WHERE s.sku = ANY(:skus)
ORDER BY s.warehouse_id, s.sku
FOR NO KEY UPDATE OF s
""")

_HOLD = text("""
WITH plan AS (
    SELECT * FROM unnest(
        CAST(:warehouse_ids AS text[]), CAST(:skus AS text[]), CAST(:quantities AS int[])
    ) AS plan (warehouse_id, sku, quantity)
), reserved AS (
    UPDATE stock s SET reserved = s.reserved + plan.quantity FROM plan
    WHERE s.warehouse_id = plan.warehouse_id AND s.sku = plan.sku
)
INSERT INTO reservation_lines (hold_id, warehouse_id, sku, quantity, status, expires_at)
SELECT :hold_id, warehouse_id, sku, quantity, 'held', :expires_at FROM plan
""")

_RELEASE = """
WITH lines AS (
    SELECT id, warehouse_id, sku, quantity FROM reservation_lines
    WHERE {owner} AND status IN ('held', 'committed')
    ORDER BY id FOR UPDATE
), locked AS (
    SELECT s.warehouse_id, s.sku, sum(lines.quantity) OVER (
        PARTITION BY s.warehouse_id, s.sku) AS quantity
    FROM lines JOIN (
        SELECT warehouse_id, sku FROM stock
        WHERE (warehouse_id, sku) IN (SELECT warehouse_id, sku FROM lines)
        ORDER BY warehouse_id, sku FOR NO KEY UPDATE
    ) s USING (warehouse_id, sku)
), freed AS (
    UPDATE stock s SET reserved = s.reserved - l.quantity
    FROM (SELECT DISTINCT warehouse_id, sku, quantity FROM locked) l
    WHERE s.warehouse_id = l.warehouse_id AND s.sku = l.sku
)
UPDATE reservation_lines r SET status = :status, expires_at = NULL
FROM lines WHERE r.id = lines.id
RETURNING r.sku, r.quantity
"""
# What still waits for stock is given up with what has some.
_RELEASE_ORDER = text(
    "WITH given_up AS (UPDATE backorders SET status = 'canceled'"
    " WHERE order_id = :owner_id AND status = 'waiting'), "
    + _RELEASE.format(owner="order_id = :owner_id").removeprefix("\nWITH ")
)
_RELEASE_SHIPMENT = text(_RELEASE.format(owner="shipment_id = :owner_id"))
_RELEASE_HOLD = text(_RELEASE.format(owner="hold_id = :owner_id AND order_id IS NULL"))

_CONSUME = text("""
WITH lines AS (
    SELECT id, warehouse_id, sku, quantity FROM reservation_lines
    WHERE shipment_id = :shipment_id AND status = 'committed'
    ORDER BY id FOR UPDATE
), locked AS (
    SELECT warehouse_id, sku FROM stock
    WHERE (warehouse_id, sku) IN (SELECT warehouse_id, sku FROM lines)
    ORDER BY warehouse_id, sku FOR NO KEY UPDATE
), taken AS (
    UPDATE stock s
    SET on_hand = s.on_hand - lines.quantity, reserved = s.reserved - lines.quantity
    FROM lines JOIN locked USING (warehouse_id, sku)
    WHERE s.warehouse_id = lines.warehouse_id AND s.sku = lines.sku
), moved AS (
    INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)
    SELECT warehouse_id, sku, -quantity, 'shipped', 'shipment:' || :shipment_id || ':' || sku,
        'system'
    FROM lines
)
UPDATE reservation_lines r SET status = 'consumed' FROM lines WHERE r.id = lines.id
RETURNING r.sku
""")


async def lock_levels(session: AsyncSession, skus: Sequence[str]) -> list[StockLevel]:
    """Lock every stock row of the SKUs and return what is available in each."""
    rows = (await session.execute(_LOCK_LEVELS, {"skus": list(skus)})).mappings()
    return [
        StockLevel(
            warehouse_id=row["warehouse_id"],
            sku=row["sku"],
            available=row["available"],
            priority=row["priority"],
            place=place_of(
                country=row["country"],
                region=row["region"],
                latitude=row["latitude"],
                longitude=row["longitude"],
            ),
        )
        for row in rows
    ]


async def hold(
    session: AsyncSession, *, hold_id: str, plan: Sequence[Allocation], expires_at: object
) -> None:
    """Reserve a plan made from levels that this transaction has locked."""
    await session.execute(
        _HOLD,
        {
            "hold_id": hold_id,
            "warehouse_ids": [line.warehouse_id for line in plan],
            "skus": [line.sku for line in plan],
            "quantities": [line.quantity for line in plan],
            "expires_at": expires_at,
        },
    )


async def release_order(session: AsyncSession, order_id: str) -> int:
    """Give back every open line of an order, and what waits for stock; return how many lines."""
    rows = await session.execute(
        _RELEASE_ORDER, {"owner_id": order_id, "status": ReservationStatus.RELEASED}
    )
    return len(rows.all())


async def release_shipment(session: AsyncSession, shipment_id: str) -> int:
    """Give back every open line of a parcel that is not sent; return how many there were."""
    rows = await session.execute(
        _RELEASE_SHIPMENT, {"owner_id": shipment_id, "status": ReservationStatus.RELEASED}
    )
    return len(rows.all())


async def release_hold(session: AsyncSession, hold_id: str, status: ReservationStatus) -> int:
    """Give back every open line of a hold that no order has taken over."""
    rows = await session.execute(_RELEASE_HOLD, {"owner_id": hold_id, "status": status})
    return len(rows.all())


async def consume_shipment(session: AsyncSession, shipment_id: str) -> int:
    """The units of a shipment leave the warehouse; a second call finds nothing to do."""
    rows = await session.execute(_CONSUME, {"shipment_id": shipment_id})
    return len(rows.all())
