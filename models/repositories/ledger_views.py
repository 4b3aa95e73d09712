"""The ledger as accountants read it: balances, postings with their legs, and the whole of a period.

Conditions are written only for the filters that are given, so that every plan uses an index.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlalchemy import text

from core.database import Database
from core.domain.ledger import Account

_BALANCES = """
SELECT account, holder, currency, sum(amount)::bigint AS balance,
    coalesce(sum(amount) FILTER (WHERE posted_on = :on AND amount > 0), 0)::bigint AS debits,
    coalesce(-sum(amount) FILTER (WHERE posted_on = :on AND amount < 0), 0)::bigint AS credits
FROM ledger_entries WHERE posted_on <= :on {conditions}
GROUP BY account, holder, currency ORDER BY account, holder, currency LIMIT :limit
"""
_POSTINGS = """
SELECT p.key, p.kind, p.currency, p.order_id, p.reference, p.posted_at, legs.legs::text AS legs
FROM (
    SELECT * FROM ledger_postings p WHERE true {conditions}
    ORDER BY p.posted_at DESC, p.key DESC LIMIT :limit
) p, LATERAL (
    SELECT jsonb_agg(jsonb_build_object('account', e.account, 'holder', e.holder,
        'item_id', e.item_id, 'amount', e.amount) ORDER BY e.position) AS legs
    FROM ledger_entries e WHERE e.posting_key = p.key
) legs
ORDER BY p.posted_at DESC, p.key DESC
"""
_START = "(CAST(:start AS date)::timestamp AT TIME ZONE 'UTC')"
_END = "((CAST(:end AS date) + 1)::timestamp AT TIME ZONE 'UTC')"
_EXPORT = text(f"""
SELECT p.key, p.kind, p.currency, p.order_id, p.reference, p.posted_at,
    e.account, e.holder, e.item_id, e.amount
FROM (
    SELECT * FROM ledger_postings
    WHERE posted_at >= {_START} AND posted_at < {_END}
      AND (posted_at, key) > (CAST(:after_at AS timestamptz), :after_key)
    ORDER BY posted_at, key LIMIT :postings
) p JOIN ledger_entries e ON e.posting_key = p.key
ORDER BY p.posted_at, p.key, e.position
""")

_CONDITIONS = {
    "account": "account = :account",
    "holder": "holder = :holder",
    "currency": "currency = :currency",
    "after": "(account, holder, currency) > (:after_account, :after_holder, :after_currency)",
}
_POSTING_CONDITIONS = {
    "order_id": "p.order_id = :order_id",
    "account": "p.key IN (SELECT posting_key FROM ledger_entries WHERE account = :account)",
    "start": f"p.posted_at >= {_START}",
    "end": f"p.posted_at < {_END}",
    "before": "(p.posted_at, p.key) < (CAST(:before_at AS timestamptz), :before_key)",
}
_EXPORTED_AT_ONCE = 500
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """What an account of one holder comes to at the end of a day, and what moved on that day.

    Minor units; a debit balance is positive.
    """

    account: str
    holder: str
    currency: str
    balance: int
    debits: int
    credits: int

    @property
    def position(self) -> str:
        """Where it stands in the list."""
        return f"{self.account} {self.currency} {self.holder}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PostedLeg:
    account: str
    holder: str
    item_id: str | None
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PostingView:
    """A posting with its legs; minor units, debits positive."""

    key: str
    kind: str
    currency: str
    order_id: str | None
    reference: str
    posted_at: datetime
    legs: Sequence[PostedLeg]

    @property
    def position(self) -> str:
        """Where it stands in the list."""
        return f"{self.posted_at.isoformat()} {self.key}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PostingFilters:
    """Which postings: of an order, with a leg of an account, of some days.

    The days are UTC; both ``start`` and ``end`` are included.
    """

    order_id: str | None = None
    account: Account | None = None
    start: date | None = None
    end: date | None = None


async def balances(
    database: Database,
    *,
    on: date,
    account: Account | None = None,
    holder: str | None = None,
    currency: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[Balance]:
    """Return what accounts come to at the end of a day (UTC), by account, holder and currency."""
    values: dict[str, Any] = {"account": account, "holder": holder, "currency": currency}
    if after is not None:
        values["after"] = after
        (
            values["after_account"], values["after_currency"], values["after_holder"]
        ) = after.split(" ", 2)  # fmt: skip
    sql = _with_conditions(_BALANCES, _CONDITIONS, values)
    rows = await database.statement(text(sql), {**_given(values, sql), "on": on, "limit": limit})
    return [Balance(**row) for row in rows]


async def postings(
    database: Database, filters: PostingFilters, *, before: str | None = None, limit: int
) -> list[PostingView]:
    """Return postings with their legs, the newest first, those older than ``before``."""
    values: dict[str, Any] = {
        "order_id": filters.order_id,
        "account": filters.account,
        "start": filters.start,
        "end": filters.end,
        "before": before,
    }
    if before is not None:
        at, _, values["before_key"] = before.partition(" ")
        values["before_at"] = datetime.fromisoformat(at)
    sql = _with_conditions(_POSTINGS, _POSTING_CONDITIONS, values)
    rows = await database.statement(text(sql), {**_given(values, sql), "limit": limit})
    return [
        PostingView(**{**row, "legs": [PostedLeg(**leg) for leg in orjson.loads(row["legs"])]})
        for row in rows
    ]


async def export(database: Database, *, start: date, end: date) -> AsyncIterator[dict[str, Any]]:
    """Give every leg that was posted on the days from ``start`` to ``end`` (UTC), in their order.

    Read part by part, so that no transaction stays open while a client reads slowly. A day that is
    not over yet may get more.
    """
    after_at, after_key = _BEGINNING, ""
    while True:
        rows = await database.statement(
            _EXPORT,
            {
                "start": start,
                "end": end,
                "after_at": after_at,
                "after_key": after_key,
                "postings": _EXPORTED_AT_ONCE,
            },
        )
        if not rows:
            return
        for row in rows:
            yield dict(row)
        after_at, after_key = rows[-1]["posted_at"], rows[-1]["key"]


def _with_conditions(sql: str, conditions: Mapping[str, str], values: Mapping[str, Any]) -> str:
    wanted = [sql for name, sql in conditions.items() if values.get(name) is not None]
    return sql.replace("{conditions}", "".join(f" AND {one}" for one in wanted))


def _given(values: Mapping[str, Any], sql: str) -> dict[str, Any]:
    """Those values that the statement asks for."""
    return {name: value for name, value in values.items() if f":{name}" in sql}
