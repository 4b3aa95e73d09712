"""The mirror of a provider's own books, and what is posted from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.movement_postings import postings_of
from core.domain.provider_books import MovementKind, ProviderMovement
from core.domain.reconciliation_pictures import MovedBack
from models.reconciliation import ProviderTransaction
from models.repositories import ledger

_MIRROR = text("""
WITH added AS (
    INSERT INTO provider_transactions (provider, id, kind, source_id, provider_payment_id,
        reference, currency, amount, fee, net, occurred_at)
    SELECT :provider, m.id, m.kind, m.source_id, m.provider_payment_id, m.reference, m.currency,
        m.amount, m.fee, m.amount - m.fee, m.occurred_at
    FROM jsonb_to_recordset(CAST(:movements AS jsonb)) AS m (
        id text, kind text, source_id text, provider_payment_id text, reference text,
        currency text, amount bigint, fee bigint, occurred_at timestamptz)
    ON CONFLICT (provider, id) DO NOTHING
    RETURNING 1
) SELECT count(*) FROM added
""")

# What gives a refund back to us, because it failed, cancels it.
_MOVED_BACK = text("""
SELECT provider_payment_id, source_id, -sum(amount) AS amount, max(reference) AS reference
FROM provider_transactions
WHERE provider = :provider AND provider_payment_id = ANY(CAST(:ids AS text[]))
  AND kind IN ('refund', 'refund_failed')
GROUP BY provider_payment_id, source_id HAVING sum(amount) < 0
ORDER BY source_id
""")

# Fees, payouts and adjustments are posted from the very same rows; everything else is left out on
# both sides while it is in question or has only just moved.
_BALANCES = text("""
WITH in_question AS (
    SELECT order_id, subject, evidence ->> 'provider_payment_id' AS provider_payment_id,
        substring(evidence ->> 'reference' FROM '^stl_[a-z0-9]+') AS settlement_id
    FROM differences
    WHERE provider = :provider AND status IN ('open', 'repairing')
      AND kind NOT IN ('balance', 'lost_workflow', 'unprocessed_event', 'missed_event')
), orders_out AS (
    SELECT order_id FROM in_question WHERE order_id IS NOT NULL
    UNION SELECT p.order_id FROM ledger_postings p
        JOIN ledger_entries e ON e.posting_key = p.key
        WHERE e.account = 'provider_balance' AND e.holder = :provider
          AND p.posted_at > :young AND p.order_id IS NOT NULL
    UNION SELECT p.order_id FROM provider_transactions t
        JOIN payments p ON p.provider = t.provider
            AND p.provider_payment_id = t.provider_payment_id
        WHERE t.provider = :provider AND t.occurred_at > :young
), things_out AS (
    SELECT subject AS thing FROM in_question
    UNION SELECT provider_payment_id FROM in_question WHERE provider_payment_id IS NOT NULL
    UNION SELECT settlement_id FROM in_question WHERE settlement_id <> ''
    UNION SELECT coalesce(substring(reference FROM '^stl_[a-z0-9]+'), reference, source_id)
        FROM provider_transactions
        WHERE provider = :provider AND occurred_at > :young
          AND kind NOT IN ('fee', 'payout', 'payout_failed', 'other')
    UNION SELECT p.reference FROM ledger_postings p
        WHERE p.posted_at > :young AND p.kind IN ('transfer', 'transfer_failed')
), theirs AS (
    SELECT t.currency, sum(t.net) AS whole, sum(CASE
        WHEN p.order_id IN (SELECT order_id FROM orders_out)
          OR t.provider_payment_id IN (SELECT thing FROM things_out)
          OR t.source_id IN (SELECT thing FROM things_out)
          OR coalesce(substring(t.reference FROM '^stl_[a-z0-9]+'), t.reference)
              IN (SELECT thing FROM things_out)
        THEN -t.fee ELSE t.net END) AS settled
    FROM provider_transactions t
    LEFT JOIN payments p ON p.provider = t.provider
        AND p.provider_payment_id = t.provider_payment_id
    WHERE t.provider = :provider GROUP BY t.currency
), ours AS (
    SELECT e.currency, sum(e.amount) AS whole, sum(CASE
        WHEN p.order_id IN (SELECT order_id FROM orders_out)
          OR p.kind NOT IN ('fee', 'payout', 'adjustment')
         AND p.reference IN (SELECT thing FROM things_out)
        THEN 0 ELSE e.amount END) AS settled
    FROM ledger_entries e JOIN ledger_postings p ON p.key = e.posting_key
    WHERE e.account = 'provider_balance' AND e.holder = :provider GROUP BY e.currency
)
SELECT coalesce(theirs.currency, ours.currency) AS currency,
    CAST(coalesce(theirs.whole, 0) AS bigint) AS provider,
    CAST(coalesce(ours.whole, 0) AS bigint) AS ledger,
    CAST(coalesce(theirs.settled, 0) AS bigint) AS provider_settled,
    CAST(coalesce(ours.settled, 0) AS bigint) AS ledger_settled
FROM theirs FULL JOIN ours ON ours.currency = theirs.currency
ORDER BY 1
""")


async def mirror(
    session: AsyncSession, provider: str, movements: Sequence[ProviderMovement]
) -> int:
    """Write a provider's movements down, each once; return how many are new."""
    rows = [
        {
            "id": one.movement_id,
            "kind": one.kind,
            "source_id": one.source_id,
            "provider_payment_id": one.provider_payment_id,
            "reference": one.reference,
            "currency": one.currency,
            "amount": one.amount,
            "fee": one.fee,
            "occurred_at": one.occurred_at,
        }
        for one in movements
    ]
    result = await session.execute(
        _MIRROR, {"provider": provider, "movements": orjson.dumps(rows).decode()}
    )
    return int(result.scalar_one())


async def post(session: AsyncSession, provider: str, *, limit: int, now: datetime) -> int:
    """Post fees and payouts of movements that are not posted yet; return how many were looked at.

    Args:
        session: the caller's transaction.
        provider: whose.
        limit: at most so many movements.
        now: the moment that is written to them, UTC.
    """
    statement = (
        select(ProviderTransaction)
        .where(
            ProviderTransaction.provider == provider, col(ProviderTransaction.posted_at).is_(None)
        )
        .order_by(col(ProviderTransaction.id))
        .limit(limit)
        .with_for_update()
    )
    rows = (await session.scalars(statement)).all()
    for row in rows:
        for posting in postings_of(provider, _movement(row)):
            await ledger.post(session, posting)
        row.posted_at = now
    await session.flush()
    return len(rows)


async def moved_back(
    database: Database, provider: str, provider_payment_ids: Sequence[str]
) -> dict[str, list[MovedBack]]:
    """Return what was given back of some payments, as the mirror has it, by payment."""
    found: dict[str, list[MovedBack]] = {}
    rows = await database.statement(
        _MOVED_BACK, {"provider": provider, "ids": list(provider_payment_ids)}
    )
    for row in rows:
        one = MovedBack(
            provider_refund_id=row["source_id"],
            amount=int(row["amount"]),
            reference=row["reference"],
        )
        found.setdefault(row["provider_payment_id"], []).append(one)
    return found


async def balances(database: Database, provider: str, *, young: datetime) -> list[dict[str, Any]]:
    """Return by currency what the provider's movements and the ledger add up to, minor units.

    ``…_settled`` leaves out, on both sides, what is in question or has moved since ``young`` (UTC).
    """
    rows = await database.statement(_BALANCES, {"provider": provider, "young": young})
    return [dict(row) for row in rows]


def _movement(row: ProviderTransaction) -> ProviderMovement:
    return ProviderMovement(
        movement_id=row.id,
        kind=MovementKind(row.kind),
        source_id=row.source_id,
        currency=row.currency,
        amount=row.amount,
        fee=row.fee,
        occurred_at=row.occurred_at,
        provider_payment_id=row.provider_payment_id,
        reference=row.reference,
    )
