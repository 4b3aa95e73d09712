"""What becomes of a settlement's payment: its state, and the ledger in the same transaction."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.provider_books import MoneyTransferStatus, ProviderTransfer
from core.domain.settlements import SettlementEvent, TransferAttempt
from core.domain.statuses import SettlementStatus
from models.ledger import LedgerPosting
from models.repositories import ledger
from models.repositories.settlements import change, lock
from models.settlements import Settlement
from models.vendors import Vendor

NO_ACCOUNT = "the vendor has no payout account"

_OPEN = (SettlementStatus.PAYING, SettlementStatus.PAID)


async def begin(session: AsyncSession, settlement_id: str) -> Settlement:
    """Decide where an approved settlement is paid to; from now on the provider may have it.

    A vendor without a payout account keeps it waiting, which it shows.
    """
    settlement = await lock(session, settlement_id)
    if settlement.status != SettlementStatus.APPROVED:
        return settlement
    vendor = await session.get_one(Vendor, settlement.vendor_id)
    if vendor.payout_provider is None or vendor.payout_account is None:
        return await note(session, settlement_id, NO_ACCOUNT)
    settlement.provider, settlement.destination = vendor.payout_provider, vendor.payout_account
    settlement.attempt += 1
    settlement.provider_transfer_id = settlement.failure = None
    paying = SettlementStatus.PAYING
    await change(session, settlement, SettlementEvent.PAYING, status=paying)
    return settlement


async def note(session: AsyncSession, settlement_id: str, why: str) -> Settlement:
    """Show what keeps a settlement from going on; told when that changes."""
    settlement = await lock(session, settlement_id)
    waits = {SettlementStatus.APPROVED, SettlementStatus.PAYING}
    if settlement.status in waits and settlement.failure != why:
        settlement.failure = why
        await change(session, settlement, SettlementEvent.WAITING)
    return settlement


async def record(
    session: AsyncSession, settlement_id: str, attempt: int, found: ProviderTransfer
) -> Settlement:
    """Write down how a transfer stands at the provider; nothing when that is known."""
    settlement = await lock(session, settlement_id)
    if settlement.attempt != attempt or settlement.status not in _OPEN:
        return settlement
    if found.status is MoneyTransferStatus.FAILED:
        return await fail(session, settlement_id, attempt, found.failure or "no reason told")
    settlement.provider_transfer_id = found.provider_transfer_id
    settlement.failure = None
    await ledger.post(session, attempt_of(settlement).sent())
    paid = found.status is MoneyTransferStatus.PAID
    if paid and settlement.status == SettlementStatus.PAYING:
        settlement.paid_at = datetime.now(UTC)
        await change(session, settlement, SettlementEvent.PAID, status=SettlementStatus.PAID)
    await session.flush()
    return settlement


async def fail(session: AsyncSession, settlement_id: str, attempt: int, failure: str) -> Settlement:
    """Write down that a transfer was refused, or came back: the ledger takes it back too."""
    settlement = await lock(session, settlement_id)
    if settlement.attempt != attempt or settlement.status not in _OPEN:
        return settlement
    payment = attempt_of(settlement)
    if await session.get(LedgerPosting, payment.sent().key) is not None:
        await ledger.post(session, payment.came_back())
    settlement.failure = failure
    settlement.paid_at = None
    failed = SettlementStatus.FAILED
    await change(session, settlement, SettlementEvent.FAILED, status=failed)
    return settlement


def attempt_of(settlement: Settlement) -> TransferAttempt:
    """The attempt to pay that is under way."""
    return TransferAttempt(
        settlement_id=settlement.id,
        attempt=settlement.attempt,
        vendor_id=settlement.vendor_id,
        provider=settlement.provider or "",
        currency=settlement.currency,
        amount=settlement.amount,
    )
