"""One unit of work: documents, events and the webhook deliveries that follow from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploy.sandbox.documents import Documents, Json
from deploy.sandbox.orders import order_of
from deploy.sandbox.webhook_modes import WebhookModes


@dataclass(frozen=True, kw_only=True)
class PlannedDelivery:
    """A row of the delivery table; `due` is unix seconds."""

    id: int
    due: float
    early: bool


@dataclass(kw_only=True)
class Transaction:
    connection: sqlite3.Connection
    modes: WebhookModes
    now: float
    planned: list[PlannedDelivery] = field(default_factory=list)
    documents: Documents = field(init=False)

    def __post_init__(self) -> None:
        self.documents = Documents(self.connection)

    @property
    def now_seconds(self) -> int:
        return int(self.now)

    @contextmanager
    def attempt(self) -> Iterator[Callable[[], None]]:
        """A part that can be undone: call what is yielded, and nothing of it is left."""
        planned_before = len(self.planned)
        self.connection.execute("SAVEPOINT attempt")

        def undo() -> None:
            self.connection.execute("ROLLBACK TO attempt")
            del self.planned[planned_before:]

        yield undo
        self.connection.execute("RELEASE attempt")

    def record_event(
        self,
        service: str,
        kind: str,
        event: Json,
        *,
        subject: str,
        deliver: bool,
        body: Json | None = None,
    ) -> None:
        """Store an event and, when the endpoint subscribes to it, plan its deliveries.

        `body` is what is delivered when the provider's events do not carry their id and type.
        """
        self.documents.add(
            kind,
            event if body is None else body,
            document_id=event["id"],
            created=self.now_seconds,
            reference=event["type"],
            charge=subject,
        )
        if not deliver:
            return
        order_id = None
        if self.modes.ask_for_order(service):
            changed = self.documents.get(subject)
            order_id = order_of(self.documents, changed) if changed else None
        plan = self.modes.plan(service, self.now, len(self.planned), order_id)
        for due in plan.due:
            delivery_id = self._insert_delivery(service, event, "pending", due)
            self.planned.append(PlannedDelivery(id=delivery_id, due=due, early=plan.early))
        if not plan.due:
            self._insert_delivery(service, event, "dropped", self.now)

    def _insert_delivery(self, service: str, event: Json, state: str, due: float) -> int:
        cursor = self.connection.execute(
            "INSERT INTO delivery (service, event_id, event_type, state, due, created)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (service, event["id"], event["type"], state, due, self.now),
        )
        if cursor.lastrowid is None:
            raise RuntimeError("SQLite gave no row id for a delivery")
        return cursor.lastrowid
