"""The runs of reconciliations: begun once, resumed at their cursor, ended with their figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.domain.statuses import ReconciliationStatus
from models.reconciliation import Difference, Reconciliation

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('reconciliation:' || :provider))")

# The first look goes back to the first payment, and every other overlaps the one before: the
# mirror has no gap, so what it adds up to is the provider's balance.
_WINDOW = text("""
SELECT now() AS window_end_at, least(
    now() - :days * interval '1 day',
    coalesce(
        (SELECT max(window_end_at) - interval '1 hour' FROM reconciliations
         WHERE provider = :provider AND status = 'done'),
        (SELECT min(created_at) - interval '1 day' FROM payments WHERE provider = :provider)
    )
) AS window_start_at
""")

_SEEN = text("""
INSERT INTO reconciliation_payments (reconciliation_id, provider_payment_id)
SELECT :id, unnest(CAST(:ids AS text[])) ON CONFLICT DO NOTHING
""")
_FORGET_SEEN = text("DELETE FROM reconciliation_payments WHERE reconciliation_id = :id")

_FAIL = text("""
UPDATE reconciliations SET status = 'failed', ended_at = now(),
    figures = figures || jsonb_build_object('error', CAST(:reason AS text))
WHERE id = :id AND status = 'running'
""")

_FINISH = text("""
UPDATE reconciliations SET status = 'done', ended_at = now(), cursor = NULL,
    figures = CAST(:figures AS jsonb),
    found = (SELECT count(*) FROM differences WHERE found_in = :id)
WHERE id = :id AND status = 'running'
""")


async def begin(session: AsyncSession, provider: str, *, days: int) -> Reconciliation:
    """Return the run of a provider that is under way, or begin one.

    Args:
        session: the caller's transaction.
        provider: whose books are looked at.
        days: how far back every run looks.
    """
    await session.execute(_LOCK, {"provider": provider})
    running = await session.scalar(
        select(Reconciliation)
        .where(
            Reconciliation.provider == provider,
            Reconciliation.status == ReconciliationStatus.RUNNING,
        )
        .order_by(col(Reconciliation.id))
        .limit(1)
    )
    if running is not None:
        return running
    window = (await session.execute(_WINDOW, {"provider": provider, "days": days})).mappings().one()
    run = Reconciliation(
        id=new_id(Prefix.RECONCILIATION),
        provider=provider,
        status=ReconciliationStatus.RUNNING,
        window_start_at=window["window_start_at"],
        window_end_at=window["window_end_at"],
        figures={},
    )
    session.add(run)
    await session.flush()
    return run


async def find(session: AsyncSession, run_id: str) -> Reconciliation | None:
    return await session.get(Reconciliation, run_id)


async def keep_place(
    session: AsyncSession,
    run_id: str,
    cursor: str,
    *,
    transactions: int = 0,
    seen: Sequence[str] = (),
) -> None:
    """Keep how far a run has come, with what its last page told; in the page's transaction.

    Args:
        session: the caller's transaction.
        run_id: the run.
        cursor: where the next page begins.
        transactions: how many movements were new.
        seen: the provider's ids of the payments of the page.
    """
    run = await session.get_one(Reconciliation, run_id, with_for_update=True)
    run.cursor = cursor
    run.transactions += transactions
    run.payments += len(seen)
    if seen:
        await session.execute(_SEEN, {"id": run_id, "ids": list(seen)})
    await session.flush()


async def fail(database: Database, run_id: str, reason: str) -> None:
    """End a run that cannot go on; a second time nothing changes."""
    await database.statement(_FAIL, {"id": run_id, "reason": reason})
    await database.statement(_FORGET_SEEN, {"id": run_id})


async def finish(database: Database, run_id: str, figures: dict[str, Any]) -> None:
    """End a run; a second time nothing changes."""
    await database.statement(_FINISH, {"id": run_id, "figures": orjson.dumps(figures).decode()})
    await database.statement(_FORGET_SEEN, {"id": run_id})


async def page_of(
    session: AsyncSession, *, before: str | None, provider: str | None, limit: int
) -> Sequence[Reconciliation]:
    """Return runs, the newest first."""
    statement = select(Reconciliation).order_by(col(Reconciliation.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(Reconciliation.id < before)
    if provider is not None:
        statement = statement.where(Reconciliation.provider == provider)
    return (await session.scalars(statement)).all()


async def differences_of(session: AsyncSession, run_id: str) -> Sequence[Difference]:
    """Return what a run found or saw again, the oldest first."""
    statement = (
        select(Difference)
        .where((Difference.found_in == run_id) | (Difference.seen_in == run_id))
        .order_by(col(Difference.id))
    )
    return (await session.scalars(statement)).all()
