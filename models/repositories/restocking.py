"""Units that came back: the sellable ones lie in a warehouse again, the others are written off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models.returns import Return

_MAKE_ROOM = text("""
INSERT INTO stock (warehouse_id, sku, on_hand)
SELECT :warehouse_id, sku, 0 FROM unnest(CAST(:skus AS text[])) AS sku ORDER BY sku
ON CONFLICT DO NOTHING
""")

_LOCK = text("""
SELECT FROM stock
WHERE sku = ANY(:wanted) OR (warehouse_id = :warehouse_id AND sku = ANY(:skus))
ORDER BY warehouse_id, sku FOR NO KEY UPDATE
""")

# A damaged unit comes in and goes out: the ledger shows both, and ``on_hand`` stays.
_RESTOCK = text("""
WITH back AS (
    SELECT * FROM unnest(
        CAST(:item_ids AS text[]), CAST(:item_skus AS text[]), CAST(:sellable AS int[]),
        CAST(:damaged AS int[])
    ) AS back (item_id, sku, sellable, damaged)
), restocked AS (
    UPDATE stock s SET on_hand = s.on_hand + b.units
    FROM (SELECT sku, sum(sellable)::int AS units FROM back GROUP BY sku) b
    WHERE s.warehouse_id = :warehouse_id AND s.sku = b.sku
)
INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)
SELECT :warehouse_id, sku, sellable + damaged, 'returned',
    'return:' || :return_id || ':' || item_id, :actor
FROM back WHERE sellable + damaged > 0
UNION ALL
SELECT :warehouse_id, sku, -damaged, 'written_off',
    'return:' || :return_id || ':' || item_id || '/written_off', :actor
FROM back WHERE damaged > 0
""")

_SENT_FROM = text("""
SELECT s.warehouse_id FROM shipment_items si JOIN shipments s ON s.id = si.shipment_id
WHERE si.item_id = ANY(:item_ids) AND s.status = 'delivered'
ORDER BY s.number LIMIT 1
""")


_WAREHOUSE = text("SELECT 1 FROM warehouses WHERE id = :id")


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitsBack:
    """What came back of one item."""

    item_id: str
    sku: str
    sellable: int
    damaged: int

    @property
    def units(self) -> int:
        return self.sellable + self.damaged


async def warehouse_exists(database: Database, warehouse_id: str) -> bool:
    """Whether goods can come back to it."""
    return bool(await database.statement(_WAREHOUSE, {"id": warehouse_id}))


async def sent_from(session: AsyncSession, item_ids: Sequence[str]) -> str:
    """The warehouse that sent the first of the items."""
    rows = await session.execute(_SENT_FROM, {"item_ids": list(item_ids)})
    return str(rows.scalar_one())


async def take_back(
    session: AsyncSession,
    returned: Return,
    units: Sequence[UnitsBack],
    *,
    warehouse_id: str,
    actor: str,
    wanted: Sequence[str] = (),
) -> None:
    """Move the units in; lock the stock of the ``wanted`` SKUs with them, in primary-key order.

    The return's row tells whether this was done: the references refuse a second time.
    """
    skus = sorted({one.sku for one in units})
    await session.execute(_MAKE_ROOM, {"warehouse_id": warehouse_id, "skus": skus})
    await session.execute(
        _LOCK, {"warehouse_id": warehouse_id, "skus": skus, "wanted": list(wanted)}
    )
    await session.execute(
        _RESTOCK,
        {
            "warehouse_id": warehouse_id,
            "return_id": returned.id,
            "actor": actor,
            "item_ids": [one.item_id for one in units],
            "item_skus": [one.sku for one in units],
            "sellable": [one.sellable for one in units],
            "damaged": [one.damaged for one in units],
        },
    )
