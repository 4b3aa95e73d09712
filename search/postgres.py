"""The index in PostgreSQL: nothing else has to run, and nothing can get lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import orjson
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.errors import InvalidStateError
from search import typos
from search.documents import ProductDocument
from search.meaning import Asked, Meaning, Vocabulary, ask, understand
from search.postgres_rows import name_key, write_documents
from search.postgres_statements import SUGGEST, VOCABULARY, search_statement
from search.postgres_upkeep import (
    ABANDON,
    BEGIN,
    CHECKSUMS,
    COUNT,
    DELETE,
    EMPTY,
    HOLD,
    KEEP,
    PING,
    PRUNE,
    SLOTS,
    SWAP,
)
from search.queries import SearchQuery, SearchResult, Suggestion, SuggestionKind

_BEHIND = "\U0010ffff"
"""Sorts behind every continuation of a prefix."""
_SHORTEST_BEGINNING = 2
_SHORTEST_INSIDE = 3
_HIGHEST = 2**63 - 1


class PostgresIndex:
    """``search.index.SearchIndex`` in the tables of ``models.search``.

    There are two tables of documents: one is read, and a rebuild fills the other.
    """

    name = "postgres"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, query: SearchQuery) -> SearchResult:
        asked = ask(query.text)
        live, vocabulary = await self._look_up(asked)
        if not asked.words:
            return await self._find(live, query, asked, None)
        meaning = understand(asked, vocabulary)
        if meaning.every:
            found = await self._find(live, query, asked, meaning)
            if found.estimated_total > 0:
                return found
        # Nothing has all the words: perhaps one that exists is not the one that was meant.
        _, vocabulary = await self._look_up(asked, mend_known=True)
        return await self._find(live, query, asked, understand(asked, vocabulary), loose=True)

    async def suggest(self, text: str, *, limit: int) -> Sequence[Suggestion]:
        key = name_key(text)
        if not key:
            return []
        beginning = key.split()
        named = ""
        if len(beginning[-1]) >= _SHORTEST_INSIDE:
            named = " & ".join(f"'{word}':A" for word in beginning[:-1])
            named = f"{named} & '{beginning[-1]}':*A" if named else f"'{beginning[-1]}':*A"
        rows = await self._database.statement(
            SUGGEST,
            {
                "beginning": key,
                "behind": key + _BEHIND,
                "inside": f"% {key}%",
                "named": named,
                "limit": limit,
            },
        )
        return [
            Suggestion(text=row["name"], kind=SuggestionKind(row["kind"]), id=row["id"])
            for row in rows
        ]

    async def upsert(self, documents: Sequence[ProductDocument]) -> None:
        async with self._held() as (session, state):
            await write_documents(session, documents, _written(state))

    async def delete(self, product_ids: Sequence[str]) -> None:
        async with self._held() as (session, state):
            for slot in _written(state):
                await session.execute(DELETE[slot], {"ids": list(product_ids)})

    async def apply_settings(self) -> None:
        """Do nothing: the schema's migrations and this code are the settings."""

    async def begin(self) -> str:
        rebuild = token_hex(8)
        async with self._database.transaction() as session:
            state = await _state(session, KEEP)
            await session.execute(EMPTY[SLOTS[state["live"]]])
            await session.execute(BEGIN, {"rebuild": rebuild})
        return rebuild

    async def fill(self, rebuild: str, documents: Sequence[ProductDocument]) -> None:
        async with self._held() as (session, state):
            if state["rebuild"] != rebuild:
                raise InvalidStateError(present="over", wanted="fill")
            await write_documents(session, documents, [SLOTS[state["live"]]])

    async def swap(self, rebuild: str) -> None:
        async with self._database.transaction() as session:
            state = await _state(session, KEEP)
            if state["swapped"] == rebuild:
                return
            if state["rebuild"] != rebuild:
                raise InvalidStateError(present="given up", wanted="swap")
            filled = SLOTS[state["live"]]
            for statement in PRUNE[filled]:
                await session.execute(statement)
            await session.execute(SWAP, {"live": filled})

    async def abandon(self, rebuild: str) -> None:
        await self._database.statement(ABANDON, {"rebuild": rebuild})

    async def count(self) -> int:
        rows = await self._database.statement(COUNT, {})
        return int(rows[0]["products"])

    async def checksums(self, *, after: str | None, limit: int) -> Mapping[str, str]:
        rows = await self._database.statement(CHECKSUMS, {"after": after, "limit": limit})
        return {row["product_id"]: row["checksum"] for row in rows}

    async def ping(self) -> None:
        await self._database.statement(PING, {})

    async def close(self) -> None:
        """Do nothing: the database is somebody else's."""

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[tuple[AsyncSession, Mapping[str, Any]]]:
        """One transaction in which nobody begins or ends a rebuild."""
        async with self._database.transaction() as session:
            yield session, await _state(session, HOLD)

    async def _look_up(self, asked: Asked, *, mend_known: bool = False) -> tuple[str, Vocabulary]:
        last = asked.words[-1] if asked.words else ""
        beginning = last if len(last) >= _SHORTEST_BEGINNING else ""
        mend = {word: 2 for word in asked.words if typos.allowed(word)}
        if last in mend:
            mend[last] = len(last)
        rows = await self._database.statement(
            VOCABULARY,
            {
                "words": asked.to_look_up(),
                "beginning": beginning,
                "behind": beginning + _BEHIND,
                "mend": list(mend),
                "longer": list(mend.values()),
                "mend_known": mend_known,
            },
        )
        known = orjson.loads(rows[0]["vocabulary"])
        return rows[0]["live"], Vocabulary(
            lexemes=known["lexemes"] or {},
            completions=known["completions"] or (),
            similar={word: found or () for word, found in (known["similar"] or {}).items()},
        )

    async def _find(
        self,
        live: str,
        query: SearchQuery,
        asked: Asked,
        meaning: Meaning | None,
        *,
        loose: bool = False,
    ) -> SearchResult:
        parameters = _parameters(query, asked, meaning, loose=loose)
        read = ""
        while read != live:
            # Since the look before, the table may have been left, and emptied for a rebuild.
            read = live
            statement = search_statement(
                read,
                query,
                words=meaning is not None,
                alike=meaning is not None and meaning.every == meaning.exact,
                loose=loose,
            )
            rows = await self._database.statement(statement, parameters)
            live = rows[0]["live"]
        facets = {facet: rows[0][facet.value] or {} for facet in query.facets}
        return SearchResult(
            product_ids=rows[0]["product_ids"],
            estimated_total=int(rows[0]["total"]),
            facets=facets,
        )


async def _state(session: AsyncSession, statement: TextClause) -> Mapping[str, Any]:
    return dict((await session.execute(statement)).mappings().one())


def _written(state: Mapping[str, Any]) -> Sequence[str]:
    """Return the slots that a change goes to: what is read, and a rebuild that is under way."""
    live = state["live"]
    return (live, SLOTS[live]) if state["rebuild"] else (live,)


def _parameters(
    query: SearchQuery, asked: Asked, meaning: Meaning | None, *, loose: bool
) -> Mapping[str, object]:
    parameters: dict[str, object] = {
        "category_id": query.category_id,
        "vendor_id": query.vendor_id,
        "in_stock": query.in_stock,
        "currency": query.currency,
        "min_price": query.min_price or 0,
        "max_price": _HIGHEST if query.max_price is None else query.max_price,
        "offset": query.offset,
        "limit": query.limit,
    }
    if meaning is None:
        return parameters
    each = [way for way in meaning.each if way]
    return parameters | {
        "key": asked.key,
        "every": " | ".join(each) if loose else meaning.every,
        "named": meaning.named,
        "exact": meaning.exact,
        "wanted": meaning.wanted,
        "each": each,
        "least": -(-len(each) // 2),
    }
