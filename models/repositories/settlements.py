"""Settlements: drawn up, approved, canceled. Each change has its event in the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.settlements import SettlementEvent, approvals_needed, require_approver
from core.domain.statuses import SETTLEMENT_MOVES, SettlementStatus, require_move
from models.ledger import LedgerEntry, LedgerPosting
from models.orders import OutboxEvent
from models.repositories import audit, payables
from models.settlements import Settlement, SettlementApproval, SettlementLine
from models.vendors import Vendor


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What is to be drawn up, and the limits of approval (minor units)."""

    settlement_id: str
    vendor_id: str
    currency: str
    period_end_at: datetime
    created_by: str
    automatic_amount: int
    two_person_amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Who decided about a settlement and why, by which update of its workflow."""

    settlement_id: str
    actor: str
    reason: str
    update_id: str


class _NothingToPayError(Exception):
    """The sum is not positive: the lines stay for the next settlement."""


async def draw_up(session: AsyncSession, draft: Draft) -> Settlement | None:
    """Put everything that is payable into a settlement, once; None when nothing is to be paid.

    A vendor who owes more than is payable is paid nothing, and the entries stay for the next one.

    Raises:
        NotFoundError: there is no such vendor.
    """
    vendor = await session.get(Vendor, draft.vendor_id, with_for_update={"key_share": True})
    if vendor is None:
        raise NotFoundError(f"no vendor {draft.vendor_id}")
    known = await session.get(Settlement, draft.settlement_id, with_for_update=True)
    if known is not None:
        return known
    last = await _last_period_end(session, draft)
    if last is not None and last >= draft.period_end_at:
        return None
    settlement = _empty(draft, last or await _first_entry(session, draft))
    try:
        async with session.begin_nested():
            session.add(settlement)
            await session.flush()
            await _fill(session, settlement, draft)
    except _NothingToPayError:
        return None
    await session.refresh(settlement)
    return settlement


async def _fill(session: AsyncSession, settlement: Settlement, draft: Draft) -> None:
    whose = (settlement.vendor_id, settlement.currency)
    settlement.opening_amount = await payables.left(session, *whose, settlement.period_start_at)
    sums = await payables.take(
        session,
        settlement.id,
        vendor_id=settlement.vendor_id,
        currency=settlement.currency,
        until=settlement.period_end_at,
    )
    if sums.amount <= 0:
        raise _NothingToPayError
    settlement.carried_amount = await payables.left(session, *whose, settlement.period_end_at)
    settlement.sales_amount, settlement.commission_amount = sums.sales, sums.commission
    settlement.refunds_amount, settlement.disputes_amount = sums.refunds, sums.disputes
    settlement.adjustments_amount, settlement.amount = sums.adjustments, sums.amount
    settlement.approvals_needed = approvals_needed(
        sums.amount, automatic=draft.automatic_amount, two_person=draft.two_person_amount
    )
    needed = settlement.approvals_needed
    wanted = SettlementStatus.AWAITING_APPROVAL if needed else SettlementStatus.APPROVED
    await change(session, settlement, SettlementEvent.DRAWN_UP, status=wanted)
    await audit.record(
        session,
        actor=draft.created_by,
        action=SettlementEvent.DRAWN_UP,
        target=settlement.id,
        reason="",
        after={
            "vendor_id": settlement.vendor_id,
            "currency": settlement.currency,
            "amount": settlement.amount,
        },
    )


async def lock(session: AsyncSession, settlement_id: str) -> Settlement:
    """Return a settlement, locked.

    Raises:
        NotFoundError: there is none.
    """
    found = await session.get(Settlement, settlement_id, with_for_update=True)
    if found is None:
        raise NotFoundError("there is no such settlement")
    return found


async def approvers(session: AsyncSession, settlement_id: str) -> list[str]:
    """Who has approved it, the first one first."""
    statement = (
        select(SettlementApproval.actor)
        .where(SettlementApproval.settlement_id == settlement_id)
        .order_by(col(SettlementApproval.at), col(SettlementApproval.actor))
    )
    return list((await session.scalars(statement)).all())


async def approve(session: AsyncSession, decision: Decision) -> Settlement:
    """Count a person's approval, once; with the last one the settlement is approved.

    Raises:
        InvalidStateError: it waits for no approval, or not for this person's.
    """
    settlement = await lock(session, decision.settlement_id)
    if await _is_known(session, decision):
        return settlement
    given = await approvers(session, settlement.id)
    require_approver(
        decision.actor,
        status=SettlementStatus(settlement.status),
        needed=settlement.approvals_needed,
        approvers=given,
        created_by=settlement.created_by,
    )
    session.add(SettlementApproval(settlement_id=settlement.id, actor=decision.actor, at=_now()))
    if len(given) + 1 >= settlement.approvals_needed:
        settlement.approved_at = _now()
        approved = SettlementStatus.APPROVED
        await change(session, settlement, SettlementEvent.APPROVED, status=approved)
    else:
        await change(session, settlement, SettlementEvent.APPROVAL_GIVEN)
    await _record_decision(session, settlement, "settlement.approve", decision)
    return settlement


async def cancel(session: AsyncSession, decision: Decision) -> Settlement:
    """Give a settlement up that is not being paid: its entries go to the next one.

    Raises:
        InvalidStateError: the provider may have it already, or it has ended.
    """
    settlement = await lock(session, decision.settlement_id)
    if await _is_known(session, decision):
        return settlement
    await change(session, settlement, SettlementEvent.CANCELED, status=SettlementStatus.CANCELED)
    await session.execute(
        delete(SettlementLine).where(col(SettlementLine.settlement_id) == settlement.id)
    )
    await _record_decision(session, settlement, "settlement.cancel", decision)
    return settlement


async def retry(session: AsyncSession, decision: Decision) -> Settlement:
    """Let a settlement that failed at the provider be paid again, by a transfer of its own.

    Raises:
        InvalidStateError: it has not failed.
    """
    settlement = await lock(session, decision.settlement_id)
    if await _is_known(session, decision):
        return settlement
    if settlement.status != SettlementStatus.FAILED:
        raise InvalidStateError(present=settlement.status, wanted="retry")
    settlement.failure = None
    approved = SettlementStatus.APPROVED
    await change(session, settlement, SettlementEvent.APPROVED, status=approved)
    await _record_decision(session, settlement, "settlement.retry", decision)
    return settlement


async def remind(session: AsyncSession, settlement_id: str, *, version: int) -> Settlement:
    """Tell people once more that a settlement waits for them, unless it has changed since."""
    settlement = await lock(session, settlement_id)
    if settlement.version == version:
        await change(session, settlement, SettlementEvent.REMINDER)
    return settlement


async def change(
    session: AsyncSession,
    settlement: Settlement,
    event: SettlementEvent,
    *,
    status: SettlementStatus | None = None,
) -> None:
    """Move a locked settlement and tell of it.

    Raises:
        InvalidStateError: there is no such move.
    """
    if status is not None:
        require_move(SETTLEMENT_MOVES, SettlementStatus(settlement.status), status)
        settlement.status = status
    settlement.version += 1
    settlement.updated_at = _now()
    session.add(
        OutboxEvent(
            aggregate_id=settlement.id,
            sequence=settlement.version,
            type=event,
            payload=_payload(settlement),
        )
    )
    await session.flush()


def _payload(settlement: Settlement) -> dict[str, object]:
    return {
        "settlement_id": settlement.id,
        "vendor_id": settlement.vendor_id,
        "status": settlement.status,
        "amount": settlement.amount,
        "currency": settlement.currency,
        "sequence": settlement.version,
    }


def _empty(draft: Draft, period_start: datetime) -> Settlement:
    return Settlement(
        id=draft.settlement_id,
        vendor_id=draft.vendor_id,
        currency=draft.currency,
        period_start_at=period_start,
        period_end_at=draft.period_end_at,
        status=SettlementStatus.DRAFT,
        created_by=draft.created_by,
    )


async def _last_period_end(session: AsyncSession, draft: Draft) -> datetime | None:
    statement = select(func.max(Settlement.period_end_at)).where(
        Settlement.vendor_id == draft.vendor_id,
        Settlement.currency == draft.currency,
        Settlement.status != SettlementStatus.CANCELED,
    )
    found: datetime | None = (await session.execute(statement)).scalar_one()
    return found


async def _first_entry(session: AsyncSession, draft: Draft) -> datetime:
    """When the vendor's books in the currency began; the end of the period when they have not."""
    statement = (
        select(func.min(LedgerPosting.posted_at))
        .join(LedgerEntry, col(LedgerEntry.posting_key) == col(LedgerPosting.key))
        .where(
            LedgerEntry.account == "vendor_payable",
            LedgerEntry.holder == draft.vendor_id,
            LedgerEntry.currency == draft.currency,
        )
    )
    found: datetime | None = (await session.execute(statement)).scalar_one()
    return min(found or draft.period_end_at, draft.period_end_at)


async def _is_known(session: AsyncSession, decision: Decision) -> bool:
    return await audit.knows_update(
        session, target=decision.settlement_id, update_id=decision.update_id
    )


async def _record_decision(
    session: AsyncSession, settlement: Settlement, action: str, decision: Decision
) -> None:
    await audit.record(
        session,
        actor=decision.actor,
        action=action,
        target=settlement.id,
        reason=decision.reason,
        after={"status": settlement.status, "update_id": decision.update_id},
    )


def _now() -> datetime:
    return datetime.now(UTC)
