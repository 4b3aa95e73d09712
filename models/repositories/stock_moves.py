"""Units that come and go, each with its movement in the ledger.

Every inflow (an adjustment, a transfer that arrives, goods that come back) goes through
``receive``: it gives what arrives to the orders that wait for it, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.repositories import backorders
from models.repositories.backorders import Place

_MAKE_ROWS = text("""
INSERT INTO stock (warehouse_id, sku, on_hand)
SELECT warehouse_id, sku, 0
FROM unnest(CAST(:warehouse_ids AS text[]), CAST(:skus AS text[])) AS place (warehouse_id, sku)
ORDER BY warehouse_id, sku
ON CONFLICT (warehouse_id, sku) DO NOTHING
""")

_LOCK = text("""
SELECT s.warehouse_id, s.sku, s.on_hand, s.reserved
FROM stock s JOIN unnest(CAST(:warehouse_ids AS text[]), CAST(:skus AS text[]))
    AS place (warehouse_id, sku) USING (warehouse_id, sku)
ORDER BY s.warehouse_id, s.sku FOR NO KEY UPDATE OF s
""")

_MOVE = text("""
WITH moved AS (
    INSERT INTO stock_movements (warehouse_id, sku, delta, reason, reference, actor)
    SELECT warehouse_id, sku, delta, reason, reference, :actor
    FROM unnest(CAST(:warehouse_ids AS text[]), CAST(:skus AS text[]), CAST(:deltas AS int[]),
        CAST(:reasons AS text[]), CAST(:references AS text[]))
        AS wanted (warehouse_id, sku, delta, reason, reference)
    ON CONFLICT (reference) DO NOTHING
    RETURNING warehouse_id, sku, delta, reference
), changed AS (
    UPDATE stock s SET on_hand = s.on_hand + m.delta
    FROM (SELECT warehouse_id, sku, sum(delta) AS delta FROM moved GROUP BY warehouse_id, sku) m
    WHERE s.warehouse_id = m.warehouse_id AND s.sku = m.sku
)
SELECT reference FROM moved
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """``delta`` units come (or go, below zero); a second one with its ``reference`` is none."""

    warehouse_id: str
    sku: str
    delta: int
    reason: str
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What lies in one place, and how much of it is promised."""

    on_hand: int = 0
    reserved: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


async def make_rows(session: AsyncSession, places: Sequence[Place]) -> None:
    """Make empty stock rows where there are none yet."""
    await session.execute(_MAKE_ROWS, _keys(sorted(places)))


async def lock_places(session: AsyncSession, places: Sequence[Place]) -> Mapping[Place, Counted]:
    """Lock these stock rows, in the order of their keys; a place without a row is not in it."""
    rows = await session.execute(_LOCK, _keys(places))
    return {
        (row.warehouse_id, row.sku): Counted(on_hand=row.on_hand, reserved=row.reserved)
        for row in rows
    }


async def move(session: AsyncSession, movements: Sequence[Movement], *, actor: str) -> set[str]:
    """Write movements and what they make of the stock; return the references that were new.

    The rows are there, and the caller has seen under ``lock_places`` that none falls below what is
    reserved.
    """
    places = [(one.warehouse_id, one.sku) for one in movements]
    rows = await session.execute(
        _MOVE,
        {
            **_keys(places),
            "deltas": [one.delta for one in movements],
            "reasons": [one.reason for one in movements],
            "references": [one.reference for one in movements],
            "actor": actor,
        },
    )
    return set(rows.scalars())


async def receive(session: AsyncSession, movements: Sequence[Movement], *, actor: str) -> list[str]:
    """Take units in, and give them to the orders that wait for them.

    Safe to run twice: units whose reference is known are in already.

    Args:
        session: the caller's transaction. An order that it has locked is served too.
        movements: units that come, each more than zero.
        actor: ``staff:usr_…`` and the like.

    Returns:
        The orders that got units: signal the fulfilment of each after the commit.
    """
    places = sorted({(one.warehouse_id, one.sku) for one in movements})
    await make_rows(session, places)
    await lock_places(session, places)
    if not await move(session, movements, actor=actor):
        return []
    return await backorders.allocate_waiting(session, places)


def _keys(places: Sequence[Place]) -> dict[str, object]:
    return {
        "warehouse_ids": [warehouse_id for warehouse_id, _ in places],
        "skus": [sku for _, sku in places],
    }
