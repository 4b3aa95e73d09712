"""The database, the provider and the carrier, with every activity at hand and no workflow.

A workflow is one order of steps among all those that crashes, resets and people can bring about.
Here the steps themselves are called, in any order and any number of times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Self, TypeVar

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel
from temporalio.testing import ActivityEnvironment

from core.domain.errors import DomainError
from core.resources import Resources, open_resources
from core.settings import Settings
from models.repositories.invariants import broken_promises
from tests.shop import Shop
from tests.workflows.outside import TRANSIT_MS, Outside
from workers.registry import POOLS, activities_of

T = TypeVar("T")

Money = tuple[int, int]

TRIES = 4
"""As many as a call to a provider has before its workflow parks."""


class World:
    """Everything that a life of an order touches, on an event loop of its own."""

    def __init__(self, settings: Settings, sandbox_url: str) -> None:
        self._settings = settings
        self._sandbox_url = sandbox_url
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.resources: Resources
        self.shop: Shop
        self.outside: Outside

    def __enter__(self) -> Self:
        self.run(self._open())
        return self

    def __exit__(self, *_error: object) -> None:
        self.run(self._close())
        self._runner.close()

    async def _open(self) -> None:
        self.resources = await self._stack.enter_async_context(open_resources(self._settings))
        http = httpx.AsyncClient(base_url=f"{self._sandbox_url}/_control", timeout=30)
        self.outside = Outside(http=await self._stack.enter_async_context(http))
        await self.outside.webhooks("drop")
        await self.outside.move_parcels_in(None)
        self._activities = {
            method.__name__: method
            for pool in POOLS.values()
            for method in activities_of(pool.activities(self.resources))
        }

    async def _close(self) -> None:
        await self.outside.clear_faults()
        await self.outside.move_parcels_in(TRANSIT_MS)
        await self.outside.webhooks("normal")
        await self._stack.aclose()

    def begin_anew(self) -> None:
        """Forget every row: each life begins in an empty shop."""
        self.run(self.outside.clear_faults())
        tables = ", ".join(SQLModel.metadata.tables)
        self.run(self.resources.database.statement(text(f"TRUNCATE {tables}"), {}))
        self.shop = Shop(self.resources.database, self.resources.temporal)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it now."""
        return self._runner.run(work)

    def step(self, name: str, payload: object) -> Any:
        """Run a step as often as its retries would; a refusal of the domain is returned.

        Raises:
            DomainError: it failed on every try.
        """
        method = self._activities[name]
        environment = ActivityEnvironment()
        for attempt in range(1, TRIES + 1):
            environment.info = replace(environment.info, workflow_id="lives", attempt=attempt)
            try:
                return self.run(environment.run(method, payload))
            except DomainError as error:
                if not error.retryable:
                    return error
                if attempt == TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    def refused(self, work: Callable[[AsyncSession], Awaitable[object]]) -> DomainError | None:
        """Do something in a transaction; return why the domain refused it, if it did."""

        async def attempt() -> None:
            async with self.shop.database.transaction() as session:
                await work(session)

        try:
            self.run(attempt())
        except DomainError as refusal:
            return refusal
        return None

    def rows(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        """Ask the database."""
        found = self.run(self.resources.database.statement(text(sql), parameters))
        return [dict(row) for row in found]

    def broken_promises(self) -> dict[str, int]:
        """The invariants that do not hold, and how many rows break each."""
        return self.run(broken_promises(self.resources.database))

    def provider_says(self, order_ids: Sequence[str]) -> dict[str, Money]:
        """What the provider has captured and refunded for each order, minor units."""
        told = dict.fromkeys(order_ids, (0, 0))
        ledger = self.run(self.outside.http.get("/ledger", params={"service": "stripe"}))
        for one in ledger.json()["data"]:
            if one["order_id"] in told:
                captured, refunded = told[one["order_id"]]
                told[one["order_id"]] = captured + one["captured"], refunded + one["refunded"]
        return told

    def books_say(self, order_ids: Sequence[str]) -> dict[str, Money]:
        """What our rows say about the same."""
        rows = self.rows(
            "SELECT order_id, sum(captured_amount)::bigint AS captured,"
            " sum(refunded_amount)::bigint AS refunded"
            " FROM payments WHERE order_id = ANY(:ids) GROUP BY order_id",
            ids=list(order_ids),
        )
        return {row["order_id"]: (row["captured"], row["refunded"]) for row in rows}
