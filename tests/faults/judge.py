"""What must be true of each order when all troubles are over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, text

from tests.faults.lives import MONEY, Money, Troubled
from tests.workflows.platform import Platform

SUCCESSES = {"requires_capture", "succeeded", "success", "reversed"}
TAKES_AT_ONCE = {"paystack"}
"""What they would only hold is taken, and given back instead of let go."""

Row = Mapping[str, Any] | RowMapping

_BOOKS = text("""
SELECT o.id, o.status, o.payment_status, o.waiting_for, p.*, l.*
FROM orders o
CROSS JOIN LATERAL (
    SELECT count(*) AS payments,
        coalesce(sum(captured_amount), 0)::bigint AS captured,
        coalesce(sum(refunded_amount), 0)::bigint AS refunded
    FROM payments WHERE order_id = o.id
) p
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.amount) FILTER (WHERE e.account = 'provider_balance'), 0)::bigint
            AS ledger_balance,
        coalesce(sum(e.amount) FILTER (WHERE e.account = 'authorized'), 0)::bigint
            AS ledger_authorized
    FROM ledger_postings b JOIN ledger_entries e ON e.posting_key = b.key
    WHERE b.order_id = o.id
) l
""")


async def complaints(platform: Platform, troubled: Sequence[Troubled]) -> list[str]:
    """What is not as it should be, by the names of the combinations."""
    books = {row["id"]: row for row in await platform.shop.database.statement(_BOOKS, {})}
    charges = await _charges(platform, {one.combination.provider for one in troubled})
    found = [
        f"{one.combination}: {complaint}"
        for one in troubled
        for complaint in _of_order(
            MONEY[one.combination.life],
            books.get(one.order_id),
            charges[one.order_id],
            taken_at_once=one.combination.provider in TAKES_AT_ONCE,
        )
    ]
    if len(books) != len(troubled):
        found.append(f"{len(books)} orders, not {len(troubled)}")
    broken = await platform.broken_promises()
    found.extend(f"invariant {name}: {rows}" for name, rows in broken.items())
    return found


async def _charges(platform: Platform, providers: set[str]) -> Mapping[str, list[Row]]:
    """What each provider says of each order."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for provider in sorted(providers):
        ledger = await platform.outside.http.get("/ledger", params={"service": provider})
        for row in ledger.raise_for_status().json()["data"]:
            found[row["order_id"]].append(row)
    return found


def _of_order(
    expected: Money, row: Row | None, charges: Sequence[Row], *, taken_at_once: bool
) -> list[str]:
    if row is None:
        return ["there is no order"]
    its_books = expected.captured, expected.refunded
    if taken_at_once:
        its_books = expected.paid, expected.refunded + expected.let_go
    told = {
        "order": row["status"],
        "payment": row["payment_status"],
        "payments": row["payments"],
        "waits for": row["waiting_for"],
        "our books": (row["captured"], row["refunded"]),
        "its charges": sum(charge["status"] in SUCCESSES for charge in charges),
        "its books": tuple(sum(one[what] for one in charges) for what in ("captured", "refunded")),
        "the ledger": (row["ledger_balance"], row["ledger_authorized"]),
        "keys used twice": _used_twice(charges),
    }
    wanted = {
        "order": expected.order,
        "payment": expected.payment,
        "payments": 1,
        "waits for": None,
        "our books": (expected.captured, expected.refunded),
        "its charges": 1 if taken_at_once and expected.paid else expected.charges,
        "its books": its_books,
        "the ledger": (sum(map(_taken, charges)), sum(map(_held, charges))),
        "keys used twice": [],
    }
    return [
        f"{what} is {told[what]!r}, not {wanted[what]!r}"
        for what in wanted
        if told[what] != wanted[what]
    ]


def _taken(charge: Row) -> int:
    return int(charge["captured"] - charge["refunded"])


def _held(charge: Row) -> int:
    """What the provider still holds ready for us."""
    return int(charge["amount"]) if charge["status"] == "requires_capture" else 0


def _used_twice(charges: Sequence[Row]) -> list[str]:
    keys = Counter(one["idempotency_key"] for one in charges if one["idempotency_key"])
    return [key for key, times in keys.items() if times > 1]
