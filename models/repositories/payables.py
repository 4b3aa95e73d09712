"""What vendors are owed, and how much of it can be paid: read from the entries of the ledger.

An entry of ``vendor_payable`` is payable once, when its order has ended (the return window is over)
and neither a return nor a dispute of it is open. What happens to an order after the vendor was paid
for it, a refund for example, counts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.ledger import PostingKind
from core.domain.settlements import Line, Totals, kind_of, total
from core.domain.statuses import OPEN_RETURN, DisputeStatus, OrderStatus, SettlementStatus

_ENDED = (OrderStatus.COMPLETED, OrderStatus.CANCELED, OrderStatus.FAILED)
_OPEN_DISPUTE = (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)
_OWN_KINDS = (PostingKind.TRANSFER, PostingKind.TRANSFER_FAILED)
_UNSENT = (
    SettlementStatus.DRAFT,
    SettlementStatus.AWAITING_APPROVAL,
    SettlementStatus.APPROVED,
    SettlementStatus.FAILED,
)

_RULES = {
    "ended": list(_ENDED),
    "open_returns": list(OPEN_RETURN),
    "open_disputes": list(_OPEN_DISPUTE),
    "own_kinds": list(_OWN_KINDS),
}

# The entries that nobody has settled yet. Transfers are the settlements' own.
_UNSETTLED = """
unsettled AS (
    SELECT e.posting_key, e.position, e.holder AS vendor_id, e.currency, -e.amount AS net,
        p.kind, p.order_id, p.posted_at
    FROM ledger_entries e JOIN ledger_postings p ON p.key = e.posting_key
    WHERE e.account = 'vendor_payable' AND p.kind <> ALL(CAST(:own_kinds AS text[]))
        AND p.posted_at < :until
        AND (CAST(:vendor_id AS text) IS NULL OR e.holder = :vendor_id)
        AND (CAST(:currency AS text) IS NULL OR e.currency = :currency)
        AND NOT EXISTS (SELECT FROM settlement_lines l
            WHERE l.posting_key = e.posting_key AND l.position = e.position)
)
"""
_PAYABLE = f"""
{_UNSETTLED},
payable AS (
    SELECT u.* FROM unsettled u
    WHERE u.order_id IS NULL
        OR (u.kind <> 'capture' AND EXISTS (
            SELECT FROM settlement_lines l JOIN settlements s ON s.id = l.settlement_id
            WHERE l.order_id = u.order_id AND s.vendor_id = u.vendor_id))
        OR (EXISTS (SELECT FROM orders o
                WHERE o.id = u.order_id AND o.status = ANY(CAST(:ended AS text[])))
            AND NOT EXISTS (SELECT FROM returns r WHERE r.order_id = u.order_id
                AND r.status = ANY(CAST(:open_returns AS text[])))
            AND NOT EXISTS (SELECT FROM disputes d WHERE d.order_id = u.order_id
                AND d.status = ANY(CAST(:open_disputes AS text[]))))
)
"""

_TAKE = text(f"""
WITH {_PAYABLE}
INSERT INTO settlement_lines (settlement_id, posting_key, position, kind, order_id, amount)
SELECT :settlement_id, posting_key, position, kind, order_id, net FROM payable
""")

# A posting's commission of a vendor belongs to the first of the vendor's entries in it; a leg that
# names nobody is the only vendor's.
COMMISSION = """
coalesce((
    SELECT -sum(k.amount) FROM ledger_entries k
    WHERE k.posting_key = e.posting_key AND k.account = 'commission'
        AND (k.holder = e.holder OR (k.holder = '' AND NOT EXISTS (
            SELECT FROM ledger_entries other WHERE other.posting_key = e.posting_key
                AND other.account = 'vendor_payable' AND other.holder <> e.holder)))
        AND NOT EXISTS (
            SELECT FROM ledger_entries first WHERE first.posting_key = e.posting_key
                AND first.account = 'vendor_payable' AND first.holder = e.holder
                AND first.position < e.position)
), 0)::bigint
"""
"""SQL of the platform's part that goes with an entry ``e``; minor units."""

_TAKEN = text(f"""
SELECT l.kind, sum(l.amount)::bigint AS net, sum({COMMISSION})::bigint AS commission
FROM settlement_lines l
JOIN ledger_entries e ON e.posting_key = l.posting_key AND e.position = l.position
WHERE l.settlement_id = :settlement_id GROUP BY l.kind
""")

_LEFT = text(f"""
WITH {_UNSETTLED} SELECT coalesce(sum(net), 0)::bigint AS net FROM unsettled
""")

_VENDORS = text(f"""
WITH {_PAYABLE}
SELECT vendor_id, currency FROM payable
WHERE (vendor_id, currency) > (:after_vendor, :after_currency)
GROUP BY vendor_id, currency HAVING sum(net) > 0
ORDER BY vendor_id, currency LIMIT :limit
""")

_BALANCES = text(f"""
WITH {_PAYABLE}
, owed AS (
    SELECT e.holder AS vendor_id, e.currency,
        -coalesce(sum(e.amount) FILTER (WHERE e.account = 'vendor_payable'), 0) AS owed,
        -coalesce(sum(e.amount) FILTER (WHERE e.account = 'vendor_held'), 0) AS held
    FROM ledger_entries e
    WHERE e.account IN ('vendor_payable', 'vendor_held')
        AND (CAST(:vendor_id AS text) IS NULL OR e.holder = :vendor_id)
        AND (CAST(:currency AS text) IS NULL OR e.currency = :currency)
    GROUP BY e.holder, e.currency
), ready AS (
    SELECT vendor_id, currency, sum(net) AS net FROM payable GROUP BY vendor_id, currency
), drawn AS (
    SELECT s.vendor_id, s.currency, sum(s.amount) AS amount FROM settlements s
    WHERE s.status = ANY(CAST(:unsent AS text[]))
        OR (s.status = 'paying' AND s.provider_transfer_id IS NULL)
    GROUP BY s.vendor_id, s.currency
)
SELECT o.vendor_id, o.currency, o.owed::bigint AS owed, o.held::bigint AS held,
    coalesce(r.net, 0)::bigint AS payable, coalesce(d.amount, 0)::bigint AS settling
FROM owed o
LEFT JOIN ready r USING (vendor_id, currency)
LEFT JOIN drawn d USING (vendor_id, currency)
WHERE (o.vendor_id, o.currency) > (:after_vendor, :after_currency)
    AND (NOT CAST(:owing AS boolean) OR coalesce(r.net, 0) < 0)
ORDER BY o.vendor_id, o.currency LIMIT :limit
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """How a vendor stands in one currency; minor units, negative is what the vendor owes.

    ``owed`` = ``payable`` + ``settling`` + ``waiting``.
    """

    vendor_id: str
    currency: str
    owed: int
    """The balance of ``vendor_payable``."""
    payable: int
    """What the next settlement would pay, or carry over when it is negative."""
    settling: int
    """In settlements that wait for approval or for their payment."""
    waiting: int
    """Of orders that are in their return window, or have an open return or dispute."""
    held: int
    """Held back beside that, for open disputes."""


async def take(
    session: AsyncSession,
    settlement_id: str,
    *,
    vendor_id: str,
    currency: str,
    until: datetime,
) -> Totals:
    """Make every payable entry before ``until`` a line of the settlement; return the sums.

    The caller has locked the vendor: of two at once the second finds what the first has left.
    """
    wanted = _scope(vendor_id, currency, until)
    await session.execute(_TAKE, {**wanted, "settlement_id": settlement_id})
    rows = await session.execute(_TAKEN, {"settlement_id": settlement_id})
    return total(
        Line(kind=kind_of(PostingKind(row.kind)), net=row.net, commission=row.commission)
        for row in rows
    )


async def left(session: AsyncSession, vendor_id: str, currency: str, until: datetime) -> int:
    """What is owed of entries before a moment that no settlement has; minor units."""
    wanted = _scope(vendor_id, currency, until)
    names = ("own_kinds", "until", "vendor_id", "currency")
    result = await session.execute(_LEFT, {name: wanted[name] for name in names})
    return int(result.scalar_one())


async def vendors_to_pay(
    database: Database, until: datetime, *, after: tuple[str, str] = ("", ""), limit: int
) -> list[tuple[str, str]]:
    """Vendors and currencies with more payable than owing, in order, those after a pair."""
    wanted = {
        **_scope(None, None, until),
        "after_vendor": after[0],
        "after_currency": after[1],
        "limit": limit,
    }
    rows = await database.statement(_VENDORS, wanted)
    return [(row["vendor_id"], row["currency"]) for row in rows]


async def balances(
    database: Database,
    until: datetime,
    *,
    vendor_id: str | None = None,
    owing: bool = False,
    after: Sequence[str] = ("", ""),
    limit: int = 100,
) -> list[Balance]:
    """How vendors stand, by vendor and currency; with ``owing`` those who owe us."""
    wanted = {
        **_scope(vendor_id, None, until),
        "unsent": list(_UNSENT),
        "owing": owing,
        "after_vendor": after[0],
        "after_currency": after[1],
        "limit": limit,
    }
    rows = await database.statement(_BALANCES, wanted)
    return [
        Balance(**row, waiting=row["owed"] - row["payable"] - row["settling"])
        for row in map(dict, rows)
    ]


def _scope(vendor_id: str | None, currency: str | None, until: datetime) -> dict[str, object]:
    return {**_RULES, "vendor_id": vendor_id, "currency": currency, "until": until}
