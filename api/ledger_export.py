"""The ledger of a period as CSV (RFC 4180), for bookkeeping programs and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from core.domain.money import Money

HEADER = (
    "posted_at",
    "posting",
    "kind",
    "order_id",
    "reference",
    "account",
    "holder",
    "item_id",
    "debit",
    "credit",
    "currency",
)
_ROWS_AT_ONCE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def as_csv(legs: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    """Give the file part by part; each leg is a row, its amount in major units."""
    rows: list[Sequence[str]] = [HEADER]
    async for leg in legs:
        rows.append(_row(leg))
        if len(rows) >= _ROWS_AT_ONCE:
            yield _encoded(rows)
            rows = []
    if rows:
        yield _encoded(rows)


def _row(leg: Mapping[str, Any]) -> Sequence[str]:
    amount = Money(amount=abs(leg["amount"]), currency=leg["currency"]).decimal()
    return [
        f"{leg['posted_at'].astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        *(
            _harmless(leg[name] or "")
            for name in ("key", "kind", "order_id", "reference", "account", "holder", "item_id")
        ),
        amount if leg["amount"] > 0 else "",
        amount if leg["amount"] < 0 else "",
        leg["currency"],
    ]


def _harmless(cell: str) -> str:
    """Put a quote before what a spreadsheet would take for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _encoded(rows: Sequence[Sequence[str]]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue().encode()
