"""Sends webhooks: at least once, concurrently, and again with back-off until a 2xx answers."""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx

from deploy.sandbox.config import SandboxConfig
from deploy.sandbox.signing import Signer
from deploy.sandbox.store import Store
from deploy.sandbox.transaction import PlannedDelivery

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Target:
    url: str
    sign: Signer


@dataclass(frozen=True, kw_only=True)
class _Pending:
    service: str
    event_id: str
    attempts: int
    created: float
    body: bytes


class Dispatcher:
    """The queue in memory mirrors the pending rows; the rows are the truth after a restart."""

    def __init__(self, store: Store, config: SandboxConfig, targets: Mapping[str, Target]) -> None:
        self._store = store
        self._config = config
        self._targets = targets
        self._queue: list[tuple[float, int]] = []
        self._changed = asyncio.Event()
        self._slots = asyncio.Semaphore(config.webhook_concurrency)
        self._sending: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        limits = httpx.Limits(
            max_connections=self._config.webhook_concurrency,
            max_keepalive_connections=self._config.webhook_concurrency,
        )
        self._client = httpx.AsyncClient(
            timeout=self._config.webhook_timeout_seconds, limits=limits, trust_env=False
        )
        rows = await self._store.read(
            lambda connection: connection.execute(
                "SELECT id, due FROM delivery WHERE state = 'pending'"
            ).fetchall()
        )
        for row in rows:
            heapq.heappush(self._queue, (row["due"], row["id"]))
        self._loop_task = asyncio.create_task(self._run(), name="webhook-dispatcher")

    async def stop(self) -> None:
        """Abandon what is being sent; it stays pending and is sent again after a restart."""
        tasks = list(self._sending)
        if self._loop_task is not None:
            tasks.append(self._loop_task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def schedule(self, deliveries: Iterable[PlannedDelivery]) -> None:
        for delivery in deliveries:
            heapq.heappush(self._queue, (delivery.due, delivery.id))
        self._changed.set()

    async def deliver_now(self, deliveries: Iterable[PlannedDelivery]) -> None:
        """Make the first attempts at once and return when each has ended, well or not."""
        await asyncio.gather(*(self._attempt(delivery.id) for delivery in deliveries))

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            now = time.time()
            while self._queue and self._queue[0][0] <= now:
                _, delivery_id = heapq.heappop(self._queue)
                task = asyncio.create_task(self._attempt(delivery_id))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
            pause = self._queue[0][0] - now if self._queue else None
            try:
                await asyncio.wait_for(self._changed.wait(), pause)
            except TimeoutError:
                continue

    async def _attempt(self, delivery_id: int) -> None:
        async with self._slots:
            pending = await self._load(delivery_id)
            if pending is None:
                return
            status, error = await self._send(pending)
            delivered = status is not None and 200 <= status < 300  # noqa: PLR2004 - HTTP's success
            await self._record(delivery_id, pending, status, error, delivered=delivered)

    async def _load(self, delivery_id: int) -> _Pending | None:
        row = await self._store.read(
            lambda connection: connection.execute(
                "SELECT service, event_id, attempts, delivery.created AS created, body"
                " FROM delivery JOIN document ON document.id = event_id"
                " WHERE delivery.id = ? AND state = 'pending'",
                (delivery_id,),
            ).fetchone()
        )
        return None if row is None else _Pending(**dict(row))

    async def _send(self, pending: _Pending) -> tuple[int | None, str | None]:
        target = self._targets.get(pending.service)
        if target is None or self._client is None:
            return None, "no endpoint is configured"
        headers = {"Content-Type": "application/json; charset=utf-8"}
        headers |= target.sign(pending.event_id, pending.body)
        try:
            answer = await self._client.post(target.url, content=pending.body, headers=headers)
        except httpx.HTTPError as error:
            return None, f"{type(error).__name__}: {error}"
        return answer.status_code, None

    async def _record(
        self,
        delivery_id: int,
        pending: _Pending,
        status: int | None,
        error: str | None,
        *,
        delivered: bool,
    ) -> None:
        now = time.time()
        delays = self._config.webhook_retry_seconds
        due = now + delays[min(pending.attempts, len(delays) - 1)]
        if delivered:
            state = "delivered"
        elif due - pending.created > self._config.webhook_give_up_seconds:
            state = "exhausted"
        else:
            state = "pending"
        await self._store.write(
            lambda connection: connection.execute(
                "UPDATE delivery SET state = ?, due = ?, attempts = attempts + 1,"
                " last_status = ?, last_error = ?, delivered = ? WHERE id = ?",
                (state, due, status, error, now if delivered else None, delivery_id),
            )
        )
        if state == "pending":
            logger.info("delivery %s failed (%s), again in %.1f s", delivery_id, status, due - now)
            heapq.heappush(self._queue, (due, delivery_id))
            self._changed.set()
