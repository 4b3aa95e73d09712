"""How a parked step is shown."""

from __future__ import annotations

from temporalio import activity

from core.database import Database
from models.repositories import parking
from workflows.ports.parking import ParkingActivities, ParkOrder, ResumeOrder


class PostgresParkingActivities(ParkingActivities):
    """On PostgreSQL: ``orders.waiting_for``, in the contract's shape."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def park_order(self, step: ParkOrder) -> None:
        next_attempt_at = step.next_attempt_at
        waiting_for = {
            "what": step.what,
            "since": step.since.isoformat(),
            "next_attempt_at": next_attempt_at.isoformat() if next_attempt_at else None,
            "attempts": step.attempts,
            "last_error": step.last_error,
        }
        async with self._database.transaction() as session:
            await parking.park(session, step.order_id, waiting_for)

    @activity.defn
    async def resume_order(self, step: ResumeOrder) -> None:
        async with self._database.transaction() as session:
            await parking.resume(
                session, step.order_id, what=step.what, actor=step.actor, reason=step.reason
            )
