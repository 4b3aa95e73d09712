"""Progress of collected parcels: in transit after half of the transit time, then delivered."""

from __future__ import annotations

import asyncio
import sqlite3
import time

from deploy.sandbox.carrier.shipments import ShipmentStatus, fetch, record_status
from deploy.sandbox.documents import Json
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.transaction import Transaction


class Tracker:
    """Its plan is a table, so it goes on after a restart where it was."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="carrier-tracker")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Look at the plan again, because a row was added or changed."""
        self._changed.set()

    async def set_transit(self, transit_ms: int | None) -> None:
        """Change the speed of all parcels under way; None stops them until it is set again."""
        self._sandbox.transit_ms = transit_ms
        await self._sandbox.save_setting("transit_ms", transit_ms)
        due = None if transit_ms is None else time.time() + transit_ms / 2000
        await self._sandbox.store.write(
            lambda connection: connection.execute("UPDATE tracking SET due = ?", (due,))
        )
        self.wake()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            next_due = await self._sandbox.store.read(_next_due)
            if next_due is not None and next_due <= time.time():
                await self._sandbox.act(self._advance)
                continue
            pause = None if next_due is None else next_due - time.time()
            try:
                await asyncio.wait_for(self._changed.wait(), pause)
            except TimeoutError:
                continue

    def _advance(self, transaction: Transaction) -> None:
        connection = transaction.connection
        rows = connection.execute(
            "SELECT shipment_id, next_status FROM tracking WHERE due <= ?", (transaction.now,)
        ).fetchall()
        half = (self._sandbox.transit_ms or 0) / 2000
        for row in rows:
            shipment = fetch(transaction, row["shipment_id"])
            status = ShipmentStatus(row["next_status"])
            record_status(transaction, shipment, status)
            if status is ShipmentStatus.DELIVERED:
                _end(connection, shipment)
            else:
                connection.execute(
                    "UPDATE tracking SET next_status = ?, due = ? WHERE shipment_id = ?",
                    (ShipmentStatus.DELIVERED, transaction.now + half, shipment["id"]),
                )


def inject(
    transaction: Transaction,
    shipment_id: str,
    status: ShipmentStatus,
    *,
    description: str | None,
) -> Json:
    """Let something happen to a parcel; unless it is only on its way, nothing follows by itself."""
    shipment = fetch(transaction, shipment_id)
    record_status(transaction, shipment, status, description=description)
    if status in {ShipmentStatus.IN_TRANSIT, ShipmentStatus.OUT_FOR_DELIVERY}:
        transaction.connection.execute(
            "UPDATE tracking SET next_status = ? WHERE shipment_id = ?",
            (ShipmentStatus.DELIVERED, shipment_id),
        )
    else:
        _end(transaction.connection, shipment)
    return shipment


def _end(connection: sqlite3.Connection, shipment: Json) -> None:
    connection.execute("DELETE FROM tracking WHERE shipment_id = ?", (shipment["id"],))


def _next_due(connection: sqlite3.Connection) -> float | None:
    row = connection.execute("SELECT min(due) AS due FROM tracking").fetchone()
    due: float | None = row["due"]
    return due
