"""Lists in Stripe's shape, walked by `starting_after` and `ending_before`."""

from __future__ import annotations

from collections.abc import Callable

from deploy.sandbox.documents import Json, Query
from deploy.sandbox.stripe.context import Context
from deploy.sandbox.stripe.errors import StripeError, missing
from deploy.sandbox.stripe.parameters import Parameters

MAX_LIMIT = 100
MAX_PLURAL = 20
_COMPARISONS = ("gt", "gte", "lt", "lte")


def listing(
    kind: str, url: str, *, filters: dict[str, str] | None = None, plural: str | None = None
) -> Callable[[Context], Json]:
    """An operation that lists one kind; `filters` maps a parameter to its indexed column.

    `plural` is a parameter that may be given several times for the `reference` column.
    """
    columns = filters or {}

    def run(context: Context) -> Json:
        parameters = context.parameters
        known = {"limit", "starting_after", "ending_before", "created", *columns}
        parameters.refuse_unknown(known | ({plural} if plural else set()))
        query = Query(
            kind=kind,
            equal=_equal(parameters, columns),
            created=created_range(parameters),
            any_reference=_plural(parameters, plural),
            limit=parameters.integer("limit", at_least=1, at_most=MAX_LIMIT) or 10,
            starting_after=_cursor(context, kind, "starting_after"),
            ending_before=_cursor(context, kind, "ending_before"),
        )
        page = context.transaction.documents.page(query)
        return {"object": "list", "url": url, "has_more": page.has_more, "data": page.data}

    return run


def _plural(parameters: Parameters, name: str | None) -> list[str]:
    given = parameters.sequence(name) if name else []
    if len(given) > MAX_PLURAL:
        raise StripeError(f"You can pass at most {MAX_PLURAL} values.", param=name)
    return given


def _equal(parameters: Parameters, columns: dict[str, str]) -> dict[str, str]:
    given = {column: parameters.text(name) for name, column in columns.items()}
    return {column: value for column, value in given.items() if value is not None}


def _cursor(context: Context, kind: str, name: str) -> str | None:
    cursor = context.parameters.text(name)
    if cursor is not None and context.transaction.documents.get(cursor, kind) is None:
        raise missing(kind, cursor, param=name)
    return cursor


def created_range(parameters: Parameters) -> dict[str, int]:
    """`created=N` or `created[gte]=N`; an exact moment is a range of one second."""
    if "created" not in parameters:
        return {}
    try:
        exact = parameters.text("created")
    except StripeError:
        exact = None
    if exact is not None:
        moment = _moment(exact)
        return {"gte": moment, "lte": moment}
    ranges = parameters.mapping("created")
    if not set(ranges) <= set(_COMPARISONS):
        raise StripeError("Invalid created range", param="created")
    return {name: _moment(value) for name, value in ranges.items()}


def _moment(value: object) -> int:
    if not isinstance(value, str) or not value.isdecimal():
        raise StripeError(f"Invalid timestamp: {value}", param="created")
    return int(value)
