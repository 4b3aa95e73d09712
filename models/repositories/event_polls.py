"""How far each provider was asked for events that never arrived, and what is known of payments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, text

from core.database import Database

_POLLED = text("SELECT polled_until_at FROM event_polls WHERE provider = :provider")

_ADVANCE = text("""
INSERT INTO event_polls (provider, polled_until_at, filled) VALUES (:provider, :until, :filled)
ON CONFLICT (provider) DO UPDATE SET
    polled_until_at = greatest(event_polls.polled_until_at, excluded.polled_until_at),
    filled = event_polls.filled + excluded.filled, updated_at = now()
""")

_KNOWN = text("""
SELECT id, provider_payment_id, status, refunded_amount FROM payments
WHERE provider = :provider AND (
    provider_payment_id = ANY(CAST(:provider_payment_ids AS text[]))
    OR id = ANY(CAST(:payment_ids AS text[])))
""")


async def polled_until(database: Database, provider: str) -> datetime | None:
    """The moment (UTC) until which everything that the provider lists was looked at."""
    rows = await database.statement(_POLLED, {"provider": provider})
    return rows[0]["polled_until_at"] if rows else None


async def advance(database: Database, provider: str, until: datetime, *, filled: int) -> None:
    """Record a look that came to its end; never a step back."""
    await database.statement(_ADVANCE, {"provider": provider, "until": until, "filled": filled})


async def known_payments(
    database: Database,
    provider: str,
    *,
    provider_payment_ids: Sequence[str],
    payment_ids: Sequence[str],
) -> Sequence[RowMapping]:
    """The payments of a provider that are any of these, by its ids or by ours."""
    return await database.statement(
        _KNOWN,
        {
            "provider": provider,
            "provider_payment_ids": list(provider_payment_ids),
            "payment_ids": list(payment_ids),
        },
    )
