"""Settlements on PostgreSQL: each step is one transaction and may run again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from core.database import Database
from core.domain.statuses import SettlementStatus
from core.settings_trade import SettlementSettings
from models.repositories import settlements, vendor_transfers
from models.settlements import Settlement
from workflows.ports.settlements import (
    DecideSettlement,
    NoteSettlement,
    RemindSettlement,
    SettlementActivities,
    SettlementRef,
    SettlementRequest,
    SettlementState,
)

NOTHING_TO_PAY = SettlementState(status=None)

_Decide = Callable[[AsyncSession, settlements.Decision], Awaitable[Settlement]]


class PostgresSettlementActivities(SettlementActivities):
    def __init__(self, database: Database, settings: SettlementSettings) -> None:
        self._database = database
        self._settings = settings

    @activity.defn
    async def draw_up_settlement(self, step: SettlementRequest) -> SettlementState:
        async with self._database.transaction() as session:
            found = await session.get(Settlement, step.settlement_id)
            if found is None and step.period_end is not None:
                found = await settlements.draw_up(
                    session,
                    settlements.Draft(
                        settlement_id=step.settlement_id,
                        vendor_id=step.vendor_id,
                        currency=step.currency,
                        period_end_at=step.period_end,
                        created_by=step.actor,
                        automatic_amount=self._settings.automatic_amount,
                        two_person_amount=self._settings.two_person_amount,
                    ),
                )
            return await self._state(session, found) if found else NOTHING_TO_PAY

    @activity.defn
    async def approve_settlement(self, step: DecideSettlement) -> SettlementState:
        return await self._decide(settlements.approve, step)

    @activity.defn
    async def cancel_settlement(self, step: DecideSettlement) -> SettlementState:
        return await self._decide(settlements.cancel, step)

    @activity.defn
    async def retry_settlement(self, step: DecideSettlement) -> SettlementState:
        return await self._decide(settlements.retry, step)

    @activity.defn
    async def begin_transfer(self, step: SettlementRef) -> SettlementState:
        async with self._database.transaction() as session:
            found = await vendor_transfers.begin(session, step.settlement_id)
            return await self._state(session, found)

    @activity.defn
    async def note_settlement(self, step: NoteSettlement) -> SettlementState:
        async with self._database.transaction() as session:
            found = await vendor_transfers.note(session, step.settlement_id, step.why)
            return await self._state(session, found)

    @activity.defn
    async def remind_of_settlement(self, step: RemindSettlement) -> SettlementState:
        async with self._database.transaction() as session:
            found = await settlements.remind(session, step.settlement_id, version=step.version)
            return await self._state(session, found)

    async def _decide(self, decide: _Decide, step: DecideSettlement) -> SettlementState:
        decision = settlements.Decision(
            settlement_id=step.settlement_id,
            actor=step.actor,
            reason=step.reason,
            update_id=step.update_id,
        )
        async with self._database.transaction() as session:
            return await self._state(session, await decide(session, decision))

    async def _state(self, session: AsyncSession, found: Settlement) -> SettlementState:
        return await state_of(session, found, self._settings)


async def state_of(
    session: AsyncSession, found: Settlement, settings: SettlementSettings
) -> SettlementState:
    """Return how a settlement stands, as its workflow knows it."""
    return SettlementState(
        status=SettlementStatus(found.status),
        version=found.version,
        amount=found.amount,
        approvals_needed=found.approvals_needed,
        approvers=await settlements.approvers(session, found.id),
        created_by=found.created_by,
        attempt=found.attempt,
        failure=found.failure,
        remind_every_seconds=settings.reminder_seconds,
    )
