"""Differences: one open row for each provider, kind and subject, until it is put right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.errors import NotFoundError
from core.domain.ids import Prefix, new_id
from core.domain.reconciliation import DifferenceStatus
from core.domain.reconciliation_pictures import Finding
from models.reconciliation import Difference, Reconciliation

OPEN = (DifferenceStatus.OPEN, DifferenceStatus.REPAIRING)
BY_ITSELF = "it is gone by itself"
REPAIRED = "repaired"

# What a person has accepted is told no more, until it is another amount.
_NOTE = text("""
INSERT INTO differences (id, provider, kind, subject, status, repair, order_id, payment_id,
    currency, amount, evidence, found_in, seen_in)
SELECT new.* FROM (
    SELECT :id, CAST(:provider AS text) AS provider, CAST(:kind AS text) AS kind,
        CAST(:subject AS text) AS subject, :status, :repair, :order_id, :payment_id, :currency,
        CAST(:amount AS bigint) AS amount, CAST(:evidence AS jsonb), CAST(:run_id AS text),
        CAST(:run_id AS text)
) AS new
WHERE NOT EXISTS (
    SELECT FROM differences d WHERE d.provider = new.provider AND d.kind = new.kind
      AND d.subject = new.subject AND d.status = 'resolved' AND d.amount = new.amount
      AND d.resolution IN ('accept', 'book_adjustment'))
ON CONFLICT (provider, kind, subject) WHERE status IN ('open', 'repairing')
DO UPDATE SET seen_in = excluded.seen_in, amount = excluded.amount, currency = excluded.currency,
    evidence = excluded.evidence, order_id = excluded.order_id, payment_id = excluded.payment_id
""")


async def note(
    session: AsyncSession, *, provider: str, run_id: str, findings: Sequence[Finding]
) -> None:
    """Write findings down; one that is open already is seen again."""
    for one in sorted(findings, key=lambda one: (one.kind, one.subject)):
        status = DifferenceStatus.REPAIRING if one.is_safe else DifferenceStatus.OPEN
        await session.execute(
            _NOTE,
            {
                "id": new_id(Prefix.DIFFERENCE),
                "provider": provider,
                "kind": one.kind,
                "subject": one.subject,
                "status": status,
                "repair": one.repair,
                "order_id": one.order_id,
                "payment_id": one.payment_id,
                "currency": one.currency,
                "amount": one.amount,
                "evidence": _evidence(one),
                "run_id": run_id,
            },
        )


async def find(session: AsyncSession, difference_id: str) -> Difference | None:
    return await session.get(Difference, difference_id)


async def lock(session: AsyncSession, difference_id: str) -> Difference:
    """Lock a row.

    Raises:
        NotFoundError: there is none.
    """
    found = await session.get(Difference, difference_id, with_for_update=True)
    if found is None:
        raise NotFoundError("there is no such difference")
    return found


async def unseen(
    session: AsyncSession, *, provider: str, run_id: str, after: str, limit: int
) -> Sequence[Difference]:
    """Return open differences of a provider that a run has not met, the oldest first."""
    statement = (
        select(Difference)
        .where(
            Difference.provider == provider,
            col(Difference.status).in_(OPEN),
            Difference.seen_in != run_id,
            Difference.id > after,
        )
        .order_by(col(Difference.id))
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def to_repair(session: AsyncSession, provider: str, *, limit: int) -> Sequence[str]:
    """Return the ids of what is to be repaired without a person, the oldest first."""
    statement = (
        select(Difference.id)
        .where(Difference.provider == provider, Difference.status == DifferenceStatus.REPAIRING)
        .order_by(col(Difference.id))
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def see_again(session: AsyncSession, difference: Difference, run_id: str) -> None:
    """A difference is still there."""
    difference.seen_in = run_id
    await session.flush()


async def close(session: AsyncSession, difference: Difference, resolution: str) -> None:
    """A difference is gone, by a repair or by itself; the run that found it counts it."""
    if difference.status in OPEN:
        difference.status = DifferenceStatus.REPAIRED
        difference.resolution = resolution
        difference.ended_at = datetime.now(UTC)
        run = await session.get_one(Reconciliation, difference.found_in, with_for_update=True)
        run.repaired += 1
        await session.flush()


async def page_of(
    session: AsyncSession,
    *,
    before: str | None,
    status: str | None,
    kind: str | None,
    provider: str | None,
    limit: int,
) -> Sequence[Difference]:
    """Return differences, the newest first."""
    statement = select(Difference).order_by(col(Difference.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(Difference.id < before)
    for column, value in (
        (Difference.status, status),
        (Difference.kind, kind),
        (Difference.provider, provider),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    return (await session.scalars(statement)).all()


def on_balance(difference: Difference) -> int:
    """Return how much of it is missing in the ledger's balance at the provider, minor units."""
    return int(difference.evidence.get("on_balance", 0))


async def counted(database: Database, provider: str) -> dict[str, int]:
    """Return how many differences of a provider are open, by their status."""
    rows = await database.statement(_COUNTED, {"provider": provider})
    return {row["status"]: row["number"] for row in rows}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the metrics tell: what is open, what was repaired, when a run ended well."""

    open: Sequence[RowMapping]
    amounts: Sequence[RowMapping]
    repaired: Sequence[RowMapping]
    runs: Sequence[RowMapping]


async def figures(database: Database) -> Figures:
    """Return the figures of all providers, as they are now."""
    return Figures(
        open=await database.statement(_OPEN_FIGURES, {}),
        amounts=await database.statement(_AMOUNT_FIGURES, {}),
        repaired=await database.statement(_REPAIRED_FIGURES, {}),
        runs=await database.statement(_RUN_FIGURES, {}),
    )


_COUNTED = text("""
SELECT status, count(*) AS number FROM differences
WHERE provider = :provider AND status IN ('open', 'repairing') GROUP BY 1
""")
_OPEN_FIGURES = text("""
SELECT provider, kind, count(*) AS number
FROM differences WHERE status IN ('open', 'repairing') GROUP BY 1, 2 ORDER BY 1, 2
""")
_AMOUNT_FIGURES = text("""
SELECT provider, currency, CAST(sum(abs(amount)) AS bigint) AS amount
FROM differences WHERE status IN ('open', 'repairing') AND currency IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
""")
_REPAIRED_FIGURES = text("""
SELECT provider, kind, count(*) AS number FROM differences WHERE status = 'repaired'
GROUP BY 1, 2 ORDER BY 1, 2
""")
_RUN_FIGURES = text("""
SELECT provider, CAST(extract(epoch FROM now() - coalesce(
    max(ended_at) FILTER (WHERE status = 'done'), min(started_at)
)) AS double precision) AS age_seconds
FROM reconciliations GROUP BY 1 ORDER BY 1
""")


def _evidence(one: Finding) -> str:
    return orjson.dumps({**one.evidence, "on_balance": one.on_balance}).decode()
