"""Paystack's objects in the domain's words; pure, over the JSON that the API answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.domain.money import decimals_of
from core.domain.payments import ProviderPayment, ProviderRefund
from core.domain.statuses import PaymentStatus, RefundStatus
from core.gateways.event_kinds import paystack_kind
from core.gateways.payments import Authorization, ProviderEvent

# paystack.com/docs/payments/verify-payments: "abandoned" is also what nobody has paid yet.
_UNPAID = {
    "abandoned": PaymentStatus.REQUIRES_ACTION,
    "ongoing": PaymentStatus.REQUIRES_ACTION,
    "pending": PaymentStatus.PENDING,
    "processing": PaymentStatus.PENDING,
    "queued": PaymentStatus.PENDING,
    "failed": PaymentStatus.FAILED,
}
_PAID = frozenset({"success", "reversed"})
# paystack.com/docs/payments/refunds: "needs-attention" waits for the customer's bank details.
_REFUND_STATUSES = {"processed": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED}

_WIRE_DECIMALS = 2
"""Paystack counts hundredths of every currency, also of one without decimals (XOF)."""

_NOTE = re.compile(r"perdure (?P<reference>\S+) (?P<key>\S+)")
_RELEASE = "release"
_ILLEGAL = re.compile(r"[^A-Za-z0-9.,=-]")
_CODE_LENGTH = 64
_DECLINES = {"declined": "generic_decline"}
_EVENT_FACTS = ("id", "status", "amount", "currency", "domain")
_TIMES = ("paid_at", "resolvedAt", "updatedAt", "updated_at", "transferred_at", "refunded_at")


@dataclass(frozen=True, kw_only=True)
class Note:
    """Whose a refund is, as its merchant note tells; ``key`` makes it once."""

    reference: str
    key: str

    def __str__(self) -> str:
        return f"perdure {self.reference} {self.key}"


def release_note(key: str) -> Note:
    """The note of money that goes back because it was never captured."""
    return Note(reference=f"{_RELEASE}:{key}", key=key)


def note_of(refund: Mapping[str, Any]) -> Note | None:
    """Read a refund's note; None for one that was made at Paystack."""
    match = _NOTE.fullmatch(refund.get("merchant_note") or "")
    return Note(reference=match["reference"], key=match["key"]) if match else None


def is_paid(transaction: Mapping[str, Any]) -> bool:
    """Whether the money was taken, also when it has gone back since."""
    return transaction["status"] in _PAID


def is_release(refund: Mapping[str, Any]) -> bool:
    """Whether a refund is of what was let go before any capture."""
    note = note_of(refund)
    return note is not None and note.reference.startswith(f"{_RELEASE}:")


def reference_of(key: str, page: int = 1) -> str:
    """Make a key a legal reference; a page that was lost is opened again under a later number."""
    legal = _ILLEGAL.sub("-", key.replace(":", "."))
    return legal if page == 1 else f"{legal}.page{page}"


def to_wire(amount: int, currency: str) -> int:
    """From minor units to Paystack's hundredths."""
    return int(amount * 10 ** (_WIRE_DECIMALS - decimals_of(currency)))


def from_wire(amount: int | str | None, currency: str) -> int:
    """From Paystack's hundredths to minor units."""
    return int(amount or 0) // int(10 ** (_WIRE_DECIMALS - decimals_of(currency)))


def payment_of(
    transaction: Mapping[str, Any], refunds: Iterable[Mapping[str, Any]] = ()
) -> ProviderPayment:
    """Read a transaction with its refunds.

    What was paid counts as authorized: how much of it is captured only our books know. What went
    back before any capture lowers what is authorized; with nothing left the payment is voided.
    """
    currency = transaction["currency"]
    amount = from_wire(transaction["amount"], currency)
    metadata = metadata_of(transaction)
    released = refunded = 0
    for refund in refunds:
        if refund["status"] == "failed":
            continue
        part = from_wire(refund["amount"], currency)
        if is_release(refund):
            released += part
        else:
            refunded += part
    status = _UNPAID.get(transaction["status"], PaymentStatus.UNKNOWN)
    held = 0
    if is_paid(transaction):
        held = amount - released
        status = _paid_status(amount, released=released, refunded=refunded)
    return ProviderPayment(
        provider_payment_id=transaction["reference"],
        status=status,
        currency=currency,
        amount=amount,
        authorized_amount=held,
        refunded_amount=refunded,
        decline_code=decline_code_of(transaction) if status is PaymentStatus.FAILED else None,
        order_id=metadata.get("order_id"),
        payment_id=metadata.get("payment_id"),
        taken_at_once=True,
    )


def _paid_status(amount: int, *, released: int, refunded: int) -> PaymentStatus:
    if released + refunded < amount:
        return PaymentStatus.AUTHORIZED
    return PaymentStatus.REFUNDED if refunded else PaymentStatus.VOIDED


def refund_of(refund: Mapping[str, Any], currency: str) -> ProviderRefund:
    """Read a refund; one that waits for the processor or for bank details is pending."""
    note = note_of(refund)
    status = _REFUND_STATUSES.get(refund["status"], RefundStatus.PENDING)
    return ProviderRefund(
        provider_refund_id=str(refund["id"]),
        status=status,
        amount=from_wire(refund["amount"], currency),
        reference=note.reference if note else None,
        failure_code=_code(refund.get("reason") or "refund_failed")
        if status is RefundStatus.FAILED
        else None,
    )


def declined(request: Authorization, code: str) -> ProviderPayment:
    """A payment that was refused before there was a transaction."""
    return ProviderPayment(
        provider_payment_id=None,
        status=PaymentStatus.FAILED,
        currency=request.currency,
        amount=request.amount,
        decline_code=code,
        order_id=request.order_id,
        payment_id=request.payment_id,
        taken_at_once=True,
    )


def decline_code_of(transaction: Mapping[str, Any]) -> str:
    """The bank's words as a code: Paystack has no codes for them."""
    return _code(transaction.get("gateway_response") or "declined")


def metadata_of(transaction: Mapping[str, Any]) -> Mapping[str, Any]:
    """Our metadata; Paystack answers an empty one as a string, a number or null."""
    metadata = transaction.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def moment_of(text: str) -> datetime:
    """Read one of Paystack's times (ISO 8601, UTC)."""
    return datetime.fromisoformat(text).astimezone(UTC)


def event_of(body: Mapping[str, Any]) -> ProviderEvent:
    """Read an event and keep ids, status and amounts only: no card and no customer.

    Paystack's events have no id: it follows from what happened to what and when, so that the same
    event sent again has the same one. ``object_id`` is the transaction's reference, also for an
    event of its refund or dispute; for a transfer it is the transfer's.
    """
    kind: str = body["event"]
    data: Mapping[str, Any] = body["data"]
    transaction = data.get("transaction")
    transaction = transaction if isinstance(transaction, Mapping) else data
    transfer_code = data.get("transfer_code")
    object_id = str(
        transfer_code
        or data.get("transaction_reference")
        or transaction.get("reference")
        or transaction["id"]
    )
    metadata = metadata_of(transaction)
    event_id = _event_id(kind, data, object_id)
    order_id = metadata.get("order_id")
    payload = {name: data[name] for name in _EVENT_FACTS if name in data}
    payload |= {
        "id": event_id,
        "type": kind,
        "object_id": object_id,
        "subject_id": str(data.get("id") or object_id),
        "order_id": order_id,
        "payment_id": metadata.get("payment_id"),
    }
    if kind.startswith("charge.dispute."):
        payload["dispute_id"] = payload["subject_id"]
    return ProviderEvent(
        event_id=event_id,
        type=kind,
        object_id=object_id,
        reference=data["reference"] if transfer_code else order_id,
        payload=payload,
        kind=paystack_kind(kind),
    )


def _event_id(kind: str, data: Mapping[str, Any], object_id: str) -> str:
    facts = (
        data.get("id") or data.get("refund_reference") or data.get("transfer_code"),
        object_id,
        data.get("status"),
        data.get("amount") or data.get("refund_amount"),
        *(data.get(name) for name in _TIMES),
    )
    seed = "\x1f".join("" if fact is None else str(fact) for fact in facts)
    return f"{kind}:{hashlib.sha256(seed.encode()).hexdigest()[:32]}"


def _code(words: str) -> str:
    code = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:_CODE_LENGTH]
    return _DECLINES.get(code, code or "declined")
