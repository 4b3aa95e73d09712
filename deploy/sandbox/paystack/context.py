"""What an operation of Paystack works with: its parameters, its records and the events."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.sandbox.documents import Json, Query
from deploy.sandbox.paystack.errors import PaystackError, not_found
from deploy.sandbox.transaction import Transaction

SERVICE = "paystack"
TRANSACTION = "paystack_transaction"
NUMBER = "paystack_number"
"""Leads from a transaction's number to its reference."""
AUTHORIZATION = "paystack_authorization"
REFUND = "paystack_refund"
RECIPIENT = "paystack_recipient"
TRANSFER = "paystack_transfer"
DISPUTE = "paystack_dispute"
EVIDENCE = "paystack_evidence"
SETTLEMENT = "paystack_settlement"
LEDGER = "paystack_ledger"
EVENT = "paystack_event"

INTEGRATION = 100_043
DOMAIN = "test"
_LOWEST_NUMBER = 1_000_000_000


def new_number() -> int:
    """Paystack's ids are numbers."""
    return _LOWEST_NUMBER + secrets.randbelow(9 * _LOWEST_NUMBER)


def new_code(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(8)}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A document: `wire` is what Paystack answers, `private` what it keeps to itself."""

    kind: str
    id: str
    wire: Json
    private: Json
    order_id: str | None

    def stored(self) -> Json:
        return {
            "id": self.id,
            "wire": self.wire,
            "private": self.private,
            "metadata": {"order_id": self.order_id},
        }


@dataclass(frozen=True, kw_only=True)
class Context:
    """`given` holds the body or the query, `path` the ids of the request's path by name."""

    transaction: Transaction
    given: Mapping[str, Any]
    path: Mapping[str, str]
    public_url: str

    @property
    def now(self) -> str:
        moment = datetime.fromtimestamp(self.transaction.now, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add(
        self,
        kind: str,
        record_id: str,
        wire: Json,
        *,
        order_id: str | None = None,
        private: Json | None = None,
        **columns: str | None,
    ) -> Record:
        record = Record(
            kind=kind, id=record_id, wire=wire, private=private or {}, order_id=order_id
        )
        self.transaction.documents.add(
            kind,
            record.stored(),
            created=self.transaction.now_seconds,
            reference=order_id,
            **columns,
        )
        return record

    def save(self, record: Record) -> None:
        self.transaction.documents.save(record.stored())

    def find(self, kind: str, record_id: str) -> Record | None:
        stored = self.transaction.documents.get(record_id, kind)
        return None if stored is None else record_of(kind, stored)

    def fetch(self, kind: str, record_id: str, *, what: str) -> Record:
        """The record.

        Raises:
            PaystackError: there is none.
        """
        found = self.find(kind, record_id)
        if found is None:
            raise not_found(what)
        return found

    def related(self, kind: str, reference: str) -> list[Record]:
        """The records of one kind about a transaction, the newest first."""
        query = Query(kind=kind, equal={"payment_intent": reference}, created={}, limit=1000)
        page = self.transaction.documents.page(query)
        return [record_of(kind, stored) for stored in page.data]

    def text(self, name: str) -> str:
        """A parameter that has to be there.

        Raises:
            PaystackError: it is not.
        """
        value = self.given.get(name)
        if not isinstance(value, str) or not value:
            raise PaystackError(f"{name} is required", code="missing_params")
        return value

    def amount(self, name: str = "amount") -> int:
        """A positive integer; Paystack takes it as text too.

        Raises:
            PaystackError: it is not one.
        """
        value = str(self.given.get(name, ""))
        if not value.isdecimal() or int(value) == 0:
            raise PaystackError("Amount must be a positive integer", code="invalid_amount")
        return int(value)

    def emit(self, event_type: str, data: Json, *, subject: Record) -> None:
        """Record an event with a snapshot of its subject, and deliver it."""
        event = {"id": f"{event_type}_{secrets.token_hex(8)}", "type": event_type}
        self.transaction.record_event(
            SERVICE,
            EVENT,
            event,
            subject=subject.id,
            deliver=True,
            body={"event": event_type, "data": data},
        )


def record_of(kind: str, stored: Json) -> Record:
    return Record(
        kind=kind,
        id=stored["id"],
        wire=stored["wire"],
        private=stored["private"],
        order_id=stored["metadata"]["order_id"],
    )
