"""Disputes: opened by a customer's bank, answered by the merchant, decided by the bank."""

from __future__ import annotations

from datetime import UTC, datetime

from deploy.sandbox.documents import Json
from deploy.sandbox.paystack import ledger, transactions
from deploy.sandbox.paystack.authorizations import TEST_AUTHORIZATIONS, TestAuthorization
from deploy.sandbox.paystack.context import (
    DISPUTE,
    DOMAIN,
    EVIDENCE,
    Context,
    Record,
    new_code,
    new_number,
)
from deploy.sandbox.paystack.errors import PaystackError
from deploy.sandbox.paystack.transactions import show, transaction_by

EVIDENCE_SECONDS = 3 * 86_400
OPEN = "awaiting-merchant-feedback"
ANSWERED = "awaiting-bank-feedback"
RESOLVED = "resolved"
ACCEPTED = "merchant-accepted"
DECLINED = "declined"
_EVIDENCE_FIELDS = ("customer_email", "customer_name", "customer_phone", "service_details")


def charge_authorization(context: Context) -> Json:
    """Charge it; the customer of one test authorization goes to the bank at once."""
    answer = transactions.charge_authorization(context)
    code = str(context.given.get("authorization_code"))
    if TEST_AUTHORIZATIONS.get(code, TestAuthorization()).disputed:
        open_dispute(context, answer["reference"])
    return answer


def open_dispute(
    context: Context,
    reference: str,
    *,
    amount: int | None = None,
    category: str = "chargeback",
    due_in_seconds: int = EVIDENCE_SECONDS,
) -> Record:
    """A customer went to their bank.

    Raises:
        PaystackError: there is no such transaction, or nobody paid it.
    """
    transaction = transaction_by(context, reference)
    if transaction.wire["status"] != "success":
        raise PaystackError("Only what was paid can be disputed.", status=409)
    number = new_number()
    due = datetime.fromtimestamp(context.transaction.now + due_in_seconds, UTC)
    wire: Json = {
        "id": number,
        "refund_amount": amount or transaction.wire["amount"],
        "currency": transaction.wire["currency"],
        "status": OPEN,
        "resolution": None,
        "domain": DOMAIN,
        "transaction": show(transaction),
        "transaction_reference": None,
        "category": category,
        "customer": transaction.wire["customer"],
        "bin": None,
        "last4": None,
        "dueAt": due.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "resolvedAt": None,
        "evidence": None,
        "attachments": None,
        "note": None,
        "history": [{"status": "pending", "by": "bank", "createdAt": context.now}],
        "messages": [],
        "createdAt": context.now,
        "updatedAt": context.now,
    }
    dispute = context.add(
        DISPUTE, str(number), wire, order_id=transaction.order_id, payment_intent=transaction.id
    )
    context.emit("charge.dispute.create", wire, subject=dispute)
    return dispute


def remind(context: Context, dispute: Record) -> None:
    """The merchant has not answered yet."""
    dispute.wire["updatedAt"] = context.now
    context.save(dispute)
    context.emit("charge.dispute.remind", dispute.wire, subject=dispute)


def close(context: Context, dispute: Record, resolution: str) -> None:
    """It is decided; the money of a lost one goes back to the customer."""
    dispute.wire.update(
        {
            "status": RESOLVED,
            "resolution": resolution,
            "resolvedAt": context.now,
            "updatedAt": context.now,
        }
    )
    context.save(dispute)
    if resolution == ACCEPTED:
        ledger.book(
            context,
            model="Dispute",
            number=dispute.wire["id"],
            currency=dispute.wire["currency"],
            difference=-dispute.wire["refund_amount"],
            reason=f"Dispute {dispute.id}",
            order_id=dispute.order_id,
        )
    context.emit("charge.dispute.resolve", dispute.wire, subject=dispute)


def retrieve_dispute(context: Context) -> Json:
    return _dispute(context).wire


def _dispute(context: Context) -> Record:
    return context.fetch(DISPUTE, context.path["id"], what="Dispute")


def add_evidence(context: Context) -> Json:
    dispute = _dispute(context)
    given = {name: context.text(name) for name in _EVIDENCE_FIELDS}
    number = new_number()
    evidence: Json = {
        **given,
        "delivery_address": context.given.get("delivery_address"),
        "delivery_date": context.given.get("delivery_date"),
        "dispute": dispute.wire["id"],
        "id": number,
        "createdAt": context.now,
        "updatedAt": context.now,
    }
    context.add(EVIDENCE, str(number), evidence, order_id=dispute.order_id)
    dispute.wire["evidence"] = evidence
    context.save(dispute)
    return evidence


def upload_url(context: Context) -> Json:
    """Where a file for the answer is put."""
    dispute = _dispute(context)
    file_name = f"{new_code('file')}-{context.text('upload_filename')}"
    return {
        "signedUrl": f"{context.public_url}/paystack/uploads/{dispute.id}/{file_name}",
        "fileName": file_name,
    }


def resolve(context: Context) -> Json:
    """The merchant's answer: accepted at once, or declined and for the bank to decide."""
    dispute = _dispute(context)
    if dispute.wire["status"] != OPEN:
        raise PaystackError("Dispute has already been answered", code="dispute_resolved")
    resolution = context.text("resolution")
    if resolution not in {ACCEPTED, DECLINED}:
        raise PaystackError("resolution must be merchant-accepted or declined")
    context.text("message")
    context.text("uploaded_filename")
    dispute.wire["attachments"] = context.given["uploaded_filename"]
    if resolution == ACCEPTED:
        dispute.wire["refund_amount"] = context.amount("refund_amount")
        close(context, dispute, ACCEPTED)
    else:
        dispute.wire.update(
            {
                "status": ANSWERED,
                "resolution": DECLINED,
                "updatedAt": context.now,
            }
        )
        context.save(dispute)
    return dispute.wire
