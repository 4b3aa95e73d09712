"""Stripe's search language for payment intents: `metadata['order_id']:'ord_1' AND status:'…'`."""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson

from deploy.sandbox.documents import Json
from deploy.sandbox.stripe.context import PAYMENT_INTENT, Context
from deploy.sandbox.stripe.errors import StripeError
from deploy.sandbox.stripe.lists import MAX_LIMIT

_CLAUSE = re.compile(
    r"""\s*(?P<negated>-)?
    (?:metadata\[(?P<quote>['"])(?P<key>[^'"]+)(?P=quote)\]|(?P<field>[a-z_]+))
    \s*(?P<operator>:|>=|<=|>|<)\s*
    (?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<number>[0-9]+)|(?P<null>null))
    \s*""",
    re.VERBOSE,
)
_TEXT_FIELDS = {"status", "currency", "customer"}
_NUMBER_FIELDS = {"amount", "created"}


@dataclass(frozen=True, kw_only=True)
class _Condition:
    sql: str
    values: tuple[str | int, ...]


def search_intents(context: Context) -> Json:
    """Unlike at Stripe, a new object is found at once."""
    parameters = context.parameters
    parameters.refuse_unknown({"query", "limit", "page"})
    conditions, joint = _parse(parameters.required("query"))
    limit = parameters.integer("limit", at_least=1, at_most=MAX_LIMIT) or 10
    where = f"({joint.join(one.sql for one in conditions)})"
    values = [value for one in conditions for value in one.values]
    page = parameters.integer("page", at_least=0, at_most=2**62)
    if page is not None:
        where += " AND seq < ?"
        values.append(page)
    # The conditions are made of this module's constants; the values are bound.
    statement = (
        f"SELECT seq, body FROM document WHERE kind = ? AND {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608
    )
    rows = context.transaction.connection.execute(
        statement, (PAYMENT_INTENT, *values, limit + 1)
    ).fetchall()
    has_more = len(rows) > limit
    found = rows[:limit]
    return {
        "object": "search_result",
        "url": "/v1/payment_intents/search",
        "has_more": has_more,
        "next_page": str(found[-1]["seq"]) if has_more else None,
        "data": [orjson.loads(row["body"]) for row in found],
    }


def _parse(query: str) -> tuple[list[_Condition], str]:
    parts = re.split(r"\s+(AND|OR)\s+", query.strip())
    joints = set(parts[1::2])
    if len(joints) > 1:
        raise _invalid("You cannot combine AND and OR in one query.")
    return [_condition(part) for part in parts[::2]], f" {joints.pop() if joints else 'AND'} "


def _condition(text: str) -> _Condition:
    matched = _CLAUSE.fullmatch(text)
    if matched is None:
        raise _invalid(f"We were unable to parse your search query near '{text}'.")
    quoted = matched["single"] if matched["single"] is not None else matched["double"]
    value: str | int | None = None if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    if matched["number"] is not None:
        value = int(matched["number"])
    column, bound = _column(matched["key"], matched["field"])
    operator = "=" if matched["operator"] == ":" else matched["operator"]
    if operator != "=" and matched["field"] not in _NUMBER_FIELDS:
        raise _invalid(f"The operator {operator} is for numbers only.")
    sql = f"{column} IS NULL" if value is None else f"{column} {operator} ?"
    values = bound if value is None else (*bound, value)
    return _Condition(sql=f"NOT ({sql})" if matched["negated"] else sql, values=values)


def _column(key: str | None, field: str | None) -> tuple[str, tuple[str, ...]]:
    if key == "order_id":
        return "reference", ()
    if key is not None:
        return "json_extract(body, ?)", (f'$.metadata."{key}"',)
    if field in _TEXT_FIELDS or field in _NUMBER_FIELDS:
        return "json_extract(body, ?)", (f"$.{field}",)
    raise _invalid(f"Field `{field}` is an unsupported search field for payment_intents.")


def _invalid(message: str) -> StripeError:
    return StripeError(message, param="query")
