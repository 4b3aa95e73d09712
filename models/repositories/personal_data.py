"""A person's data, found by the one map of where it is: handed out, or forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncResult, AsyncSession

from models.personal_map import ORDERS, PERSONAL
from models.users import Role

_WHO = text("SELECT lower(email) AS email, phone FROM users WHERE id = :user_id")
_ORDERS = text(ORDERS)
_ERASING = text("SELECT set_config('perdure.erasing', 'on', true)")

_KEPT = text("""
SELECT (SELECT count(*) FROM orders WHERE id = ANY(:orders)) AS orders,
    (SELECT count(*) FROM payments WHERE order_id = ANY(:orders)) AS payments,
    (SELECT count(*) FROM refunds WHERE order_id = ANY(:orders)) AS refunds,
    (SELECT (max(created_at) + make_interval(years => :years))::date::text
     FROM orders WHERE id = ANY(:orders)) AS until
""")


def folder(user_id: str) -> str:
    """Return where the files are that were made for a person."""
    return f"personal/{user_id}/"


def file_of(user_id: str, export_id: str) -> str:
    """Return where the file of one export is."""
    return f"{folder(user_id)}{export_id}/data.zip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Traces:
    """By what a person's rows are found; the names are those of the map's parameters."""

    user_id: str
    actors: Sequence[str]
    orders: Sequence[str]
    addresses: Sequence[str]

    def parameters(self, sql: str) -> dict[str, object]:
        """Those of them that a statement has."""
        known: Mapping[str, object] = {
            "user_id": self.user_id,
            "actors": list(self.actors),
            "orders": list(self.orders),
            "addresses": list(self.addresses),
        }
        return {name: value for name, value in known.items() if f":{name}" in sql}


async def find_traces(session: AsyncSession, user_id: str) -> Traces:
    """Return by what a person's rows are found, as long as the account knows its addresses."""
    who = (await session.execute(_WHO, {"user_id": user_id})).mappings().one()
    orders = (await session.execute(_ORDERS, {"user_id": user_id})).scalars()
    return Traces(
        user_id=user_id,
        actors=[f"{role}:{user_id}" for role in Role],
        orders=sorted(orders),
        addresses=[one for one in (who["email"], who["phone"]) if one],
    )


async def forget(session: AsyncSession, traces: Traces) -> None:
    """Take a person out of every table; what the law asks to keep stays without its person."""
    await session.execute(_ERASING)
    for table in PERSONAL:
        if table.deleted:
            sql = f"DELETE FROM {table.name} WHERE {table.of_person}"
        elif table.erased:
            changes = ", ".join(f"{column} = {value}" for column, value in table.erased.items())
            sql = f"UPDATE {table.name} SET {changes} WHERE {table.of_person}"
        else:
            continue
        await session.execute(text(sql), traces.parameters(sql))


async def count_kept(session: AsyncSession, traces: Traces, *, years: int) -> dict[str, Any]:
    """Count what stays, and say until when (a date; None without an order)."""
    rows = await session.execute(_KEPT, {"orders": list(traces.orders), "years": years})
    return dict(rows.mappings().one())


async def hand_out(
    session: AsyncSession, traces: Traces
) -> AsyncIterator[tuple[str, AsyncIterator[str]]]:
    """Give the name of every table of the map, and the person's rows in it as JSON objects.

    The rows are read as they are taken; each table's before the next table is asked for.
    """
    for table in PERSONAL:
        if table.handed_out:
            columns = ", ".join(table.handed_out)
            rows = f"SELECT {columns} FROM {table.name} WHERE {table.of_person}"
            sql = f"SELECT row_to_json(handed_out)::text FROM ({rows}) AS handed_out"
            yield table.name, _lines(await session.stream(text(sql), traces.parameters(sql)))


async def _lines(rows: AsyncResult[Any]) -> AsyncIterator[str]:
    async for row in rows.scalars():
        yield row
