"""Server-Sent Events of orders: one poller for all open streams of a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from api.json_route import to_json
from api.metrics import STREAMS
from core.database import Database
from core.domain.errors import UnavailableError
from models.repositories.order_views import News, news_since

log = structlog.get_logger("api")


@dataclass(eq=False, kw_only=True)
class _Listener:
    order_id: str
    seen: int
    inbox: asyncio.Queue[News | None] = field(default_factory=asyncio.Queue)
    """None ends the stream."""


class OrderEvents:
    """Reads the news of every watched order in one statement, and hands them out.

    It sleeps while nobody listens.
    """

    def __init__(
        self, database: Database, *, poll_seconds: float, heartbeat_seconds: float
    ) -> None:
        self._database = database
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._listeners: set[_Listener] = set()
        self._poller: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closed = False

    async def stream(self, order_id: str, after: int) -> AsyncIterator[bytes]:
        """Yield an order's timeline after a sequence number, as it grows, until the order ends."""
        if self._closed:
            return
        listener = _Listener(order_id=order_id, seen=after)
        self._listeners.add(listener)
        STREAMS.inc()
        self._ensure_poller()
        try:
            yield KEEPALIVE_COMMENT
            while True:
                try:
                    async with asyncio.timeout(self._heartbeat_seconds):
                        news = await listener.inbox.get()
                except TimeoutError:
                    yield KEEPALIVE_COMMENT
                    continue
                if news is None:
                    return
                for entry in news.entries:
                    yield _event(entry)
                if news.done:
                    return
        finally:
            self._listeners.discard(listener)
            STREAMS.dec()

    def close(self) -> None:
        """End every stream; clients come back to another process with ``Last-Event-ID``."""
        self._closed = True
        for listener in self._listeners:
            listener.inbox.put_nowait(None)
        if self._poller is not None:
            self._poller.cancel()

    def _ensure_poller(self) -> None:
        self._wake.set()
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="order-events")

    async def _poll(self) -> None:
        while self._listeners:
            self._wake.clear()
            try:
                await self._hand_out()
            except UnavailableError:
                log.warning("order events wait for the database")
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _hand_out(self) -> None:
        oldest: dict[str, int] = {}
        for listener in self._listeners:
            oldest[listener.order_id] = min(
                listener.seen, oldest.get(listener.order_id, listener.seen)
            )
        listeners = tuple(self._listeners)
        by_order = {news.order_id: news for news in await news_since(self._database, oldest)}
        for listener in listeners:
            news = by_order.get(listener.order_id)
            if news is None:
                continue
            entries = [e for e in news.entries if e["sequence"] > listener.seen]
            if entries or news.done:
                listener.seen = max([listener.seen, *(e["sequence"] for e in entries)])
                listener.inbox.put_nowait(
                    News(order_id=news.order_id, entries=entries, done=news.done)
                )


def _event(entry: Mapping[str, Any]) -> bytes:
    data = {name: value for name, value in entry.items() if name != "sequence"}
    return format_sse_event(
        data_str=to_json(data).decode(), event=entry["type"], id=str(entry["sequence"])
    )
