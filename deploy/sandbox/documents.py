"""Documents: what a provider keeps, as the JSON that it answers, with a few indexed columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

Json = dict[str, Any]

COLUMNS = frozenset({"customer", "payment_intent", "charge", "reference"})
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, kw_only=True)
class Page:
    data: list[Json]
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class Query:
    """A filter over one kind, newest first. `created` maps gt, gte, lt, lte to unix seconds."""

    kind: str
    equal: Mapping[str, str]
    created: Mapping[str, int]
    any_reference: Sequence[str] = ()
    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None


class Documents:
    """Reads and writes within the transaction of the connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(
        self,
        kind: str,
        body: Json,
        *,
        created: int,
        document_id: str | None = None,
        **columns: str | None,
    ) -> None:
        """Store a document under its own ``id``, or under the one given when it has none."""
        self._connection.execute(
            "INSERT INTO document (id, kind, created, customer, payment_intent, charge, reference,"
            " body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                document_id or body["id"],
                kind,
                created,
                columns.get("customer"),
                columns.get("payment_intent"),
                columns.get("charge"),
                columns.get("reference"),
                orjson.dumps(body),
            ),
        )

    def save(self, body: Json) -> None:
        self._connection.execute(
            "UPDATE document SET body = ? WHERE id = ?", (orjson.dumps(body), body["id"])
        )

    def index(self, document_id: str, *, customer: str | None, reference: str | None) -> None:
        """Bring the indexed columns of a changed document up to date."""
        self._connection.execute(
            "UPDATE document SET customer = ?, reference = ? WHERE id = ?",
            (customer, reference, document_id),
        )

    def get(self, document_id: str, *kinds: str) -> Json | None:
        """The document of one of the kinds, or of any kind when none is given."""
        row = self._connection.execute(
            "SELECT kind, body FROM document WHERE id = ?", (document_id,)
        ).fetchone()
        if row is None or (kinds and row["kind"] not in kinds):
            return None
        found: Json = orjson.loads(row["body"])
        return found

    def reference(self, document_id: str) -> str | None:
        row = self._connection.execute(
            "SELECT reference FROM document WHERE id = ?", (document_id,)
        ).fetchone()
        return None if row is None else row["reference"]

    def page(self, query: Query) -> Page:
        """One page, newest first, walked by ids as Stripe does."""
        clauses = ["kind = ?"]
        values: list[str | int] = [query.kind]
        for column, value in query.equal.items():
            if column not in COLUMNS:
                raise KeyError(column)
            clauses.append(f"{column} = ?")
            values.append(value)
        for comparison, moment in query.created.items():
            clauses.append(f"created {_COMPARISONS[comparison]} ?")
            values.append(moment)
        if query.any_reference:
            clauses.append(f"reference IN ({', '.join('?' * len(query.any_reference))})")
            values.extend(query.any_reference)
        direction = "DESC"
        if query.starting_after is not None:
            clauses.append("seq < (SELECT seq FROM document WHERE id = ?)")
            values.append(query.starting_after)
        elif query.ending_before is not None:
            clauses.append("seq > (SELECT seq FROM document WHERE id = ?)")
            values.append(query.ending_before)
            direction = "ASC"
        # Every piece of the statement is a constant of this module; the values are bound.
        statement = (
            f"SELECT body FROM document WHERE {' AND '.join(clauses)}"  # noqa: S608
            f" ORDER BY seq {direction} LIMIT ?"
        )
        rows = self._connection.execute(statement, (*values, query.limit + 1)).fetchall()
        data = [orjson.loads(row["body"]) for row in rows[: query.limit]]
        if direction == "ASC":
            data.reverse()
        return Page(data=data, has_more=len(rows) > query.limit)
