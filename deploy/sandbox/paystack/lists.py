"""Lists in Paystack's shape: numbered pages, the newest first."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson

from deploy.sandbox.documents import Json
from deploy.sandbox.paystack.context import Context, Record, record_of
from deploy.sandbox.paystack.errors import PaystackError

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Listing:
    """`data` with the `meta` that tells where it is."""

    data: list[Json]
    meta: Json


def listing(
    kind: str,
    *,
    show: Callable[[Record], Json],
    filters: Callable[[Context], tuple[str, str] | None] = lambda _context: None,
) -> Callable[[Context], Listing]:
    """An operation that lists one kind; `filters` names an indexed column and its value."""

    def run(context: Context) -> Listing:
        clauses = ["kind = ?"]
        values: list[str | int] = [kind]
        filtered = filters(context)
        if filtered is not None:
            column, value = filtered
            clauses.append(f"{column} = ?")
            values.append(value)
        for name, comparison in (("from", ">="), ("to", "<=")):
            if name in context.given:
                clauses.append(f"created {comparison} ?")
                values.append(_seconds(context.given[name]))
        return _page(context, kind, " AND ".join(clauses), values, show)

    return run


def _page(
    context: Context,
    kind: str,
    where: str,
    values: list[str | int],
    show: Callable[[Record], Json],
) -> Listing:
    connection = context.transaction.connection
    per_page = _number(context, "perPage", DEFAULT_PER_PAGE, at_most=MAX_PER_PAGE)
    page = _number(context, "page", 1)
    # Every piece of the statements is a constant of this package; the values are bound.
    count = f"SELECT count(*) AS total FROM document WHERE {where}"  # noqa: S608
    total: int = connection.execute(count, values).fetchone()["total"]
    select = f"SELECT body FROM document WHERE {where} ORDER BY seq DESC LIMIT ? OFFSET ?"  # noqa: S608 - as above
    rows = connection.execute(select, (*values, per_page, (page - 1) * per_page)).fetchall()
    return Listing(
        data=[show(record_of(kind, orjson.loads(row["body"]))) for row in rows],
        meta={
            "total": total,
            "skipped": (page - 1) * per_page,
            "perPage": per_page,
            "page": page,
            "pageCount": math.ceil(total / per_page),
        },
    )


def _number(context: Context, name: str, default: int, *, at_most: int = 1_000_000) -> int:
    value = str(context.given.get(name, default))
    if not value.isdecimal() or not 1 <= int(value) <= at_most:
        raise PaystackError(f"{name} must be a number from 1 to {at_most}")
    return int(value)


def _seconds(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise PaystackError(f"{text} is not a date") from error
