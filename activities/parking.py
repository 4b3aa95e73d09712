"""How a parked step is shown."""

from __future__ import annotations

from temporalio import activity

from core.database import Database
from core.domain.events import OrderEvent, TimelineEntry
from models.oversight import OrderWait
from models.repositories import parking
from workflows.messages import NEW_PAYMENT
from workflows.ports.parking import ParkingActivities, ParkOrder, ResolveStep, ResumeOrder

_ASKED = TimelineEntry(
    type=OrderEvent.PAYMENT_REQUESTED,
    title="Another payment is asked for",
    detail="the customer can give another payment method",
)


class PostgresParkingActivities(ParkingActivities):
    """On PostgreSQL: one row for each parked step of each workflow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def park_order(self, step: ParkOrder) -> None:
        async with self._database.transaction() as session:
            await parking.park(
                session,
                OrderWait(
                    order_id=step.order_id,
                    workflow_id=activity.info().workflow_id or "",
                    what=step.what,
                    since_at=step.since,
                    attempts=step.attempts,
                    last_error=step.last_error,
                    next_attempt_at=step.next_attempt_at,
                    actions=list(step.actions),
                ),
                then=[_ASKED] if step.what == NEW_PAYMENT else [],
            )

    @activity.defn
    async def resume_order(self, step: ResumeOrder) -> None:
        async with self._database.transaction() as session:
            await parking.resume(
                session,
                step.order_id,
                workflow_id=activity.info().workflow_id or "",
                what=step.what,
                entry=TimelineEntry(
                    type=OrderEvent.RESUMED,
                    title=f"No longer waiting for {step.what}",
                    detail=step.reason,
                    actor=step.actor,
                ),
            )

    @activity.defn
    async def resolve_step(self, step: ResolveStep) -> None:
        async with self._database.transaction() as session:
            await parking.resolve(
                session,
                parking.Decision(
                    order_id=step.order_id,
                    workflow_id=activity.info().workflow_id or "",
                    what=step.what,
                    update_id=step.update_id,
                    action=step.action,
                    actor=step.actor,
                    reason=step.reason,
                ),
            )
