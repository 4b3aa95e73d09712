"""Units that no warehouse has yet: they wait under a lock's count, and get the next stock in turn.

Stock that comes in is given out in the transaction that brings it. That transaction has locked
stock rows, and orders are otherwise locked before stock: so an order that is busy is passed over,
never waited for, and what it waits for is looked at again by the next inflow or the housekeeping.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.allocation import StockLevel
from core.domain.backorders import (
    BackorderPolicy,
    BackorderTerms,
    Share,
    Waiter,
    WaitingUnits,
    share_out,
)
from core.domain.events import OrderEvent, TimelineEntry
from models.repositories import timeline

_LOCK_VARIANTS = text("""
SELECT sku, backorder_policy, backorder_limit, promised_at FROM variants
WHERE sku = ANY(:skus) AND backorder_policy <> 'deny'
ORDER BY id FOR NO KEY UPDATE
""")

# A statement of its own: the one that waits for the locks sees the rows of before.
_WAITING = text("""
SELECT sku, sum(quantity)::bigint AS quantity FROM backorders
WHERE sku = ANY(:skus) AND status = 'waiting' GROUP BY sku
""")

_RECORD = text("""
INSERT INTO backorders (order_id, sku, number, quantity, status, promised_at)
SELECT :order_id, sku, 1, quantity, 'waiting', promised_at
FROM unnest(CAST(:skus AS text[]), CAST(:quantities AS int[]), CAST(:promised AS timestamptz[]))
    AS waiting (sku, quantity, promised_at)
ON CONFLICT (order_id, sku, number) DO NOTHING
""")

_LOCK_PLACES = text("""
SELECT s.warehouse_id, s.sku, s.on_hand - s.reserved AS available
FROM stock s JOIN unnest(CAST(:warehouse_ids AS text[]), CAST(:skus AS text[]))
    AS place (warehouse_id, sku) USING (warehouse_id, sku)
WHERE EXISTS (SELECT FROM backorders b WHERE b.sku = s.sku AND b.status = 'waiting')
ORDER BY s.warehouse_id, s.sku FOR NO KEY UPDATE OF s
""")

# Nobody gets more than there is, so no more of those who wait are locked.
_LINE = text("""
SELECT b.order_id, b.sku, b.number, b.quantity
FROM backorders b JOIN orders o ON o.id = b.order_id JOIN variants v ON v.sku = b.sku
WHERE b.sku = :sku AND b.status = 'waiting'
    AND o.status IN ('confirmed', 'processing') AND o.cancel_requested_at IS NULL
    AND (v.backorder_policy <> 'preorder' OR v.promised_at <= now())
ORDER BY b.created_at, b.order_id, b.number LIMIT :units
FOR NO KEY UPDATE OF o, b SKIP LOCKED
""")

_RESERVE = text("""
WITH reserved AS (
    UPDATE stock SET reserved = reserved + :quantity
    WHERE warehouse_id = :warehouse_id AND sku = :sku
)
INSERT INTO reservation_lines AS r (order_id, warehouse_id, sku, quantity, status)
VALUES (:order_id, :warehouse_id, :sku, :quantity, 'committed')
ON CONFLICT (order_id, warehouse_id, sku, shipment_id) WHERE order_id IS NOT NULL
DO UPDATE SET status = 'committed', expires_at = NULL,
    quantity = excluded.quantity + CASE r.status WHEN 'committed' THEN r.quantity ELSE 0 END
""")

_SERVED = text("""
UPDATE backorders SET status = 'allocated', quantity = :quantity
WHERE order_id = :order_id AND sku = :sku AND number = :number
""")

_SPLIT = text("""
WITH waiting AS (
    UPDATE backorders SET quantity = :left
    WHERE order_id = :order_id AND sku = :sku AND number = :number
    RETURNING order_id, sku, promised_at, created_at
)
INSERT INTO backorders (order_id, sku, number, quantity, status, promised_at, created_at)
SELECT order_id, sku,
    (SELECT max(number) + 1 FROM backorders b WHERE b.order_id = w.order_id AND b.sku = w.sku),
    :quantity, 'allocated', promised_at, created_at
FROM waiting w
""")

_OVERDUE = text("""
SELECT s.warehouse_id, s.sku FROM stock s
WHERE s.on_hand > s.reserved AND EXISTS (
    SELECT FROM backorders b JOIN orders o ON o.id = b.order_id JOIN variants v ON v.sku = b.sku
    WHERE b.sku = s.sku AND b.status = 'waiting'
        AND o.status IN ('confirmed', 'processing') AND o.cancel_requested_at IS NULL
        AND (v.backorder_policy <> 'preorder' OR v.promised_at <= now()))
ORDER BY s.warehouse_id, s.sku LIMIT 500
""")

_UNTOLD = text("""
SELECT DISTINCT o.id FROM orders o JOIN reservation_lines r ON r.order_id = o.id
WHERE o.status = 'processing' AND o.cancel_requested_at IS NULL
    AND r.status = 'committed' AND r.shipment_id IS NULL
    AND r.created_at < now() - interval '1 minute'
ORDER BY o.id LIMIT 500
""")

_ANY_WAITING = text("""
SELECT EXISTS (SELECT FROM backorders WHERE order_id = :order_id AND status = 'waiting') AS waits
""")

Place = tuple[str, str]
"""A warehouse's id and a SKU: the key of a stock row."""


async def lock_terms(session: AsyncSession, skus: Sequence[str]) -> dict[str, BackorderTerms]:
    """Return what the variants allow that allow anything; their waiting units stay as counted.

    Call it before the stock rows are locked.
    """
    found = (await session.execute(_LOCK_VARIANTS, {"skus": list(skus)})).mappings().all()
    if not found:
        return {}
    rows = await session.execute(_WAITING, {"skus": [row["sku"] for row in found]})
    waiting = {row.sku: row.quantity for row in rows}
    return {
        row["sku"]: BackorderTerms(
            policy=BackorderPolicy(row["backorder_policy"]),
            limit=row["backorder_limit"],
            waiting=waiting.get(row["sku"], 0),
            promised_at=row["promised_at"],
        )
        for row in found
    }


async def record(session: AsyncSession, order_id: str, waiting: Sequence[WaitingUnits]) -> None:
    """Let units of an order wait, within limits that ``lock_terms`` counted; once per SKU."""
    await session.execute(
        _RECORD,
        {
            "order_id": order_id,
            "skus": [one.sku for one in waiting],
            "quantities": [one.quantity for one in waiting],
            "promised": [one.promised_at for one in waiting],
        },
    )


async def any_waiting(session: AsyncSession, order_id: str) -> bool:
    """Whether the order still waits for stock: then it is neither shipped nor complete."""
    return bool((await session.execute(_ANY_WAITING, {"order_id": order_id})).scalar_one())


async def allocate_waiting(session: AsyncSession, places: Sequence[Place]) -> list[str]:
    """Give the available units of these stock rows to the orders that wait, the oldest first.

    The units become committed lines that are in no parcel yet: whoever commits signals the
    fulfilment of each order that is returned (``shipments_planned``), which plans the parcels.
    """
    rows = await session.execute(
        _LOCK_PLACES, {"warehouse_ids": [w for w, _ in places], "skus": [sku for _, sku in places]}
    )
    levels = [StockLevel(**row) for row in rows.mappings() if row["available"] > 0]
    told: dict[str, list[Share]] = {}
    for sku in sorted({level.sku for level in levels}):
        there = [level for level in levels if level.sku == sku]
        units = sum(level.available for level in there)
        line = (await session.execute(_LINE, {"sku": sku, "units": units})).mappings()
        for share in share_out([Waiter(**row) for row in line], there):
            await _give(session, share)
            told.setdefault(share.waiter.order_id, []).append(share)
    for order_id in sorted(told):
        await timeline.append(session, order_id, [_entry(told[order_id])])
    return sorted(told)


async def overdue_places(session: AsyncSession) -> list[Place]:
    """Stock rows with units left although somebody waits for them."""
    return [(row.warehouse_id, row.sku) for row in await session.execute(_OVERDUE)]


async def untold_orders(session: AsyncSession) -> list[str]:
    """Orders with goods in no parcel for over a minute: their fulfilment missed the news."""
    return list((await session.execute(_UNTOLD)).scalars())


async def _give(session: AsyncSession, share: Share) -> None:
    waiter = share.waiter
    key = {"order_id": waiter.order_id, "sku": waiter.sku}
    await session.execute(
        _RESERVE, {**key, "warehouse_id": share.warehouse_id, "quantity": share.quantity}
    )
    part = {**key, "number": waiter.number, "quantity": share.quantity}
    if share.left:
        await session.execute(_SPLIT, {**part, "left": share.left})
    else:
        await session.execute(_SERVED, part)


def _entry(shares: Sequence[Share]) -> TimelineEntry:
    units: dict[str, int] = {}
    for share in shares:
        units[share.waiter.sku] = units.get(share.waiter.sku, 0) + share.quantity
    return TimelineEntry(
        type=OrderEvent.BACKORDER_ALLOCATED,
        title="Stock has arrived",
        detail=", ".join(f"{quantity} of {sku}" for sku, quantity in units.items()),
    )
