"""Units that came back: the sellable ones lie in a warehouse again, the others are written off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models.repositories import stock_moves
from models.repositories.stock_moves import Movement
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
) -> list[str]:
    """Move the units in; lock the stock of the ``wanted`` SKUs with them, in primary-key order.

    Returns:
        The orders that waited for these units and got some: signal the fulfilment of each.
    """
    skus = sorted({one.sku for one in units})
    await session.execute(_MAKE_ROOM, {"warehouse_id": warehouse_id, "skus": skus})
    await session.execute(
        _LOCK, {"warehouse_id": warehouse_id, "skus": skus, "wanted": list(wanted)}
    )
    damaged = [
        movement
        for one in units
        if one.damaged
        for movement in _there_and_gone(one, warehouse_id, f"return:{returned.id}:{one.item_id}")
    ]
    if damaged:
        await stock_moves.move(session, damaged, actor=actor)
    sellable = [
        Movement(
            warehouse_id=warehouse_id,
            sku=one.sku,
            delta=one.sellable,
            reason="returned",
            reference=f"return:{returned.id}:{one.item_id}",
        )
        for one in units
        if one.sellable
    ]
    return await stock_moves.receive(session, sellable, actor=actor) if sellable else []


def _there_and_gone(one: UnitsBack, warehouse_id: str, reference: str) -> list[Movement]:
    """A damaged unit comes in and goes out: the ledger shows both, and ``on_hand`` stays."""
    return [
        Movement(
            warehouse_id=warehouse_id,
            sku=one.sku,
            delta=delta,
            reason=reason,
            reference=f"{reference}/{reason}",
        )
        for delta, reason in ((one.damaged, "damaged"), (-one.damaged, "written_off"))
    ]
