"""SQLite behind one thread: every unit of work is one transaction, one hop and no interleaving.

The standard library's driver on a thread of its own is chosen over aiosqlite because a unit of work
is then a plain function that runs to its commit without a thread switch per statement.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    customer TEXT,
    payment_intent TEXT,
    charge TEXT,
    reference TEXT,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS document_kind ON document (kind, seq);
CREATE INDEX IF NOT EXISTS document_customer ON document (customer) WHERE customer IS NOT NULL;
CREATE INDEX IF NOT EXISTS document_intent ON document (payment_intent)
    WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS document_reference ON document (kind, reference)
    WHERE reference IS NOT NULL;
CREATE TABLE IF NOT EXISTS idempotency (
    service TEXT NOT NULL,
    key TEXT NOT NULL,
    path TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    body BLOB NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (service, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempt (
    id INTEGER PRIMARY KEY,
    payment_intent TEXT NOT NULL,
    charge TEXT,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    captured INTEGER NOT NULL DEFAULT 0,
    refunded INTEGER NOT NULL DEFAULT 0,
    idempotency_key TEXT,
    created INTEGER NOT NULL,
    CHECK (captured <= amount AND refunded <= captured)
);
CREATE INDEX IF NOT EXISTS attempt_intent ON attempt (payment_intent);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    state TEXT NOT NULL,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER,
    last_error TEXT,
    created REAL NOT NULL,
    delivered REAL
);
CREATE INDEX IF NOT EXISTS delivery_pending ON delivery (due) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS tracking (
    shipment_id TEXT PRIMARY KEY,
    next_status TEXT NOT NULL,
    due REAL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
"""


class Store:
    """The only owner of the database file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-store")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        await self._in_thread(self._open)

    async def close(self) -> None:
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` in one transaction; what it returns is committed when this returns."""
        return await self._in_thread(lambda: self._transact(work))

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        return await self._in_thread(lambda: work(self._opened))

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the store is not open")
        return self._connection

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing with NORMAL: the log is in the page cache at every commit.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.executescript(SCHEMA)
        self._connection = connection

    def _close(self) -> None:
        self._opened.close()
        self._connection = None

    def _transact(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._opened
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return result
