"""The database steps of a hold."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio import activity

from core.database import Database
from core.domain.allocation import Allocation, allocate
from core.domain.backorders import sellable
from core.domain.errors import NotFoundError, Shortage
from core.domain.statuses import HoldStatus, ReservationStatus
from models.repositories import backorders, holds, reservations
from models.stock import Hold
from workflows.ports.stock import EndHold, PlacedHold, PlaceHold, StockActivities


class PostgresStockActivities(StockActivities):
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def place_hold(self, step: PlaceHold) -> PlacedHold:
        wanted = {item.sku: item.quantity for item in step.items}
        async with self._database.transaction() as session:
            existing = await holds.lock(session, step.hold_id)
            if existing is not None:
                return PlacedHold(status=HoldStatus(existing.status))
            terms = await backorders.lock_terms(session, sorted(wanted))
            levels = await reservations.lock_levels(session, sorted(wanted))
            # A hold is a promise of units that are there: it never waits for stock.
            plan = allocate(wanted, sellable(levels, terms, datetime.now(UTC)))
            shortages = [line for line in plan if isinstance(line, Shortage)]
            if shortages:
                return PlacedHold(status=HoldStatus.RELEASED, shortages=shortages)
            session.add(
                Hold(
                    id=step.hold_id,
                    owner_id=step.owner_id,
                    status=HoldStatus.ACTIVE,
                    expires_at=step.expires_at,
                )
            )
            await session.flush()
            await reservations.hold(
                session,
                hold_id=step.hold_id,
                plan=[line for line in plan if isinstance(line, Allocation)],
                expires_at=step.expires_at,
            )
        return PlacedHold(status=HoldStatus.ACTIVE)

    @activity.defn
    async def end_hold(self, step: EndHold) -> HoldStatus:
        async with self._database.transaction() as session:
            hold = await holds.lock(session, step.hold_id)
            if hold is None:
                raise NotFoundError(f"no hold {step.hold_id}")
            if hold.status != HoldStatus.ACTIVE:
                return HoldStatus(hold.status)
            hold.status = step.status
            await reservations.release_hold(session, step.hold_id, ReservationStatus(step.status))
        return step.status
