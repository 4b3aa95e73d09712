"""The prices of a variant: what holds, and what holds for a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.ids import Prefix, new_id

_READ = text("""
SELECT (SELECT coalesce(json_agg(json_build_object('amount', amount, 'currency', currency)
                                 ORDER BY currency), '[]'::json)
        FROM variant_prices WHERE variant_id = v.id)::text AS prices, p.version
FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = :id
""")
_PERIODS = text("""
SELECT id, currency, amount, starts_at, ends_at FROM price_periods
WHERE variant_id = :id AND (ends_at IS NULL OR ends_at > now()) ORDER BY currency, starts_at
""")
_NOW = text("SELECT now()")

_PUT_PRICES = text("""
WITH wanted AS MATERIALIZED (
    SELECT currency, amount FROM jsonb_to_recordset(CAST(:prices AS jsonb))
        AS w (currency text, amount bigint)
), gone AS (
    DELETE FROM variant_prices WHERE variant_id = :id
        AND currency NOT IN (SELECT currency FROM wanted)
)
INSERT INTO variant_prices (variant_id, currency, amount)
SELECT :id, currency, amount FROM wanted
ON CONFLICT (variant_id, currency) DO UPDATE SET amount = excluded.amount
""")
# What has been charged stays written: a period that runs is ended, one to come is taken away.
_END = text("""
UPDATE price_periods SET ends_at = now(), told = 2
WHERE id = ANY(CAST(:ids AS text[])) AND starts_at < now()
""")
_TAKE_AWAY = text("""
DELETE FROM price_periods WHERE id = ANY(CAST(:ids AS text[])) AND starts_at >= now()
""")
_PROLONG = text("""
UPDATE price_periods SET ends_at = :ends_at, told = CASE WHEN told = 0 THEN 0
    WHEN CAST(:ends_at AS timestamptz) IS NULL THEN 2 ELSE 1 END
WHERE id = :id
""")
_ADD = text("""
INSERT INTO price_periods (id, variant_id, currency, amount, starts_at, ends_at, told)
SELECT :id, :variant_id, :currency, :amount, starts_at, :ends_at,
    CASE WHEN starts_at > now() THEN 0 WHEN CAST(:ends_at AS timestamptz) IS NULL THEN 2 ELSE 1 END
FROM (SELECT greatest(CAST(:starts_at AS timestamptz), now()) AS starts_at) begun
""")

_DUE = "(t.told = 0 AND t.starts_at <= now()) OR (t.told = 1 AND t.ends_at <= now())"
# Products first, as everywhere, and none that somebody changes now: the next round finds them.
_TELL = text(f"""
WITH due AS MATERIALIZED (
    SELECT t.id, v.product_id FROM price_periods t JOIN variants v ON v.id = t.variant_id
    WHERE {_DUE}
    LIMIT :limit
), locked AS MATERIALIZED (
    SELECT id FROM products WHERE id IN (SELECT product_id FROM due)
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), marked AS (
    UPDATE price_periods t
    SET told = CASE WHEN t.ends_at IS NULL OR t.ends_at <= now() THEN 2 ELSE 1 END
    FROM due JOIN locked ON locked.id = due.product_id
    WHERE t.id = due.id AND ({_DUE})
    RETURNING due.product_id
)
UPDATE products SET updated_at = now() WHERE id IN (SELECT product_id FROM marked) RETURNING id
""")
TOLD_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedPeriod:
    """A price from ``starts_at`` until before ``ends_at``, UTC; None for now, and for good."""

    currency: str
    amount: int
    starts_at: datetime | None
    ends_at: datetime | None


async def read(session: AsyncSession, variant_id: str) -> dict[str, Any]:
    """Return the prices of a variant that is there, and the periods that run or will."""
    row = (await session.execute(_READ, {"id": variant_id})).mappings().one()
    periods = (await session.execute(_PERIODS, {"id": variant_id})).mappings()
    return {
        "variant_id": variant_id,
        "prices": orjson.loads(row["prices"]),
        "periods": [dict(period) for period in periods],
        "version": row["version"],
    }


async def now(session: AsyncSession) -> datetime:
    """The moment of this transaction, by the database's clock."""
    moment: datetime = (await session.execute(_NOW)).scalar_one()
    return moment


async def put(
    session: AsyncSession,
    variant_id: str,
    *,
    prices: Sequence[tuple[str, int]],
    periods: Sequence[WantedPeriod],
) -> None:
    """Let these be all of a variant's prices; its product's row is locked by the caller.

    What was charged stays written: a period that runs and is not wanted any more ends now, one that
    is wanted longer or shorter is the same one, and none begins in the past.
    """
    wanted = [{"currency": currency, "amount": amount} for currency, amount in prices]
    await session.execute(_PUT_PRICES, {"id": variant_id, "prices": orjson.dumps(wanted).decode()})
    at = await now(session)
    unwanted = {
        (row.currency, row.starts_at, row.amount): row
        for row in await session.execute(_PERIODS, {"id": variant_id})
    }
    new: list[WantedPeriod] = []
    prolonged: list[tuple[str, datetime | None]] = []
    for period in periods:
        known = unwanted.pop((period.currency, period.starts_at, period.amount), None)
        if known is None:
            new.append(period)
        elif known.ends_at != period.ends_at:
            prolonged.append((known.id, period.ends_at))
    ids = {"ids": sorted(row.id for row in unwanted.values())}
    await session.execute(_END, ids)
    await session.execute(_TAKE_AWAY, ids)
    for id_, ends_at in prolonged:
        await session.execute(_PROLONG, {"id": id_, "ends_at": ends_at})
    for period in new:
        await session.execute(
            _ADD,
            {
                "id": new_id(Prefix.PRICE),
                "variant_id": variant_id,
                "currency": period.currency,
                "amount": period.amount,
                "starts_at": period.starts_at or at,
                "ends_at": period.ends_at,
            },
        )


async def tell_due(database: Database, limit: int = TOLD_AT_ONCE) -> int:
    """Tell of products of which a price began or ended to hold by itself; return how many.

    Each beginning and each end is told once, by an event of the product.
    """
    return len(await database.statement(_TELL, {"limit": limit}))
