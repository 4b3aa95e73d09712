"""Disputes, and what staff tell banks."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas.base import AT_EXAMPLE, Email, Moment, Money, Schema, example, text
from core.domain.statuses import DisputeStatus

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_SUBMISSION = {
    "explanation": "Delivered to the address of the cardholder and signed for.",
    "customer_name": "Ada Lovelace",
    "customer_email": "ada@example.com",
    "product_description": "One black tee, size M",
    "shipping_carrier": "DHL",
    "shipping_tracking_number": "JD014600006281230001",
    "shipping_date": "2026-11-20",
}
DISPUTE_EXAMPLE = {
    "id": f"dsp_{_ID}",
    "order_id": f"ord_{_ID}",
    "payment_id": f"pay_{_ID}",
    "provider": "stripe",
    "provider_dispute_id": "du_1",
    "status": "needs_response",
    "reason": "product_not_received",
    "amount": {"amount": 2499, "currency": "USD"},
    "withdrawn": True,
    "inquiry": False,
    "held": [{"vendor_id": f"ven_{_ID}", "amount": {"amount": 1799, "currency": "USD"}}],
    "evidence": None,
    "evidence_due_at": AT_EXAMPLE,
    "evidence_submitted_at": None,
    "submitted_by": None,
    "opened_at": AT_EXAMPLE,
    "closed_at": None,
    "workflow_id": f"dispute/dsp_{_ID}",
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}
_SALE = {
    "id": f"dsp_{_ID}",
    "order_id": f"ord_{_ID}",
    "status": "needs_response",
    "reason": "product_not_received",
    "held": {"amount": 1799, "currency": "USD"},
    "evidence_due_at": AT_EXAMPLE,
    "evidence_submitted_at": None,
    "opened_at": AT_EXAMPLE,
    "closed_at": None,
}
Line = Annotated[str, text(500)]
Explanation = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=20_000,
        pattern=r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$",
    ),
]
"""Paragraphs: tabulators and new lines are allowed."""


class EvidenceFields(Schema):
    """Our side, in the words that most banks share; ``shipping_date`` is a day."""

    model_config = example(_SUBMISSION)

    explanation: Explanation
    customer_name: Line | None = None
    customer_email: Email | None = None
    product_description: Annotated[str, text(5000)] | None = None
    shipping_carrier: Line | None = None
    shipping_tracking_number: Line | None = None
    shipping_date: date | None = None


class Acceptance(Schema):
    """Why a dispute is given up."""

    model_config = example({"reason": "the parcel was lost"})

    reason: Line


class HeldBack(Schema):
    vendor_id: str
    amount: Money


class Dispute(Schema):
    """``withdrawn`` once the money was taken back; ``held`` is what is held back from vendors.

    ``evidence`` is what the bank was told last.
    """

    model_config = example(DISPUTE_EXAMPLE)

    id: str
    order_id: str
    payment_id: str
    provider: str
    provider_dispute_id: str
    status: DisputeStatus
    reason: str
    amount: Money
    withdrawn: bool
    inquiry: bool
    held: list[HeldBack]
    evidence: EvidenceFields | None
    evidence_due_at: Moment | None
    evidence_submitted_at: Moment | None
    submitted_by: str | None
    opened_at: Moment
    closed_at: Moment | None
    workflow_id: str
    created_at: Moment
    updated_at: Moment


class DisputePage(Schema):
    model_config = example({"data": [DISPUTE_EXAMPLE], "next_cursor": None})

    data: list[Dispute]
    next_cursor: str | None


class DisputedSale(Schema):
    """A dispute as a vendor sees it; ``held`` is the vendor's share of what the bank took."""

    model_config = example(_SALE)

    id: str
    order_id: str
    status: DisputeStatus
    reason: str
    held: Money
    evidence_due_at: Moment | None = Field(description="By when staff tell the bank our side")
    evidence_submitted_at: Moment | None
    opened_at: Moment
    closed_at: Moment | None


class DisputedSalePage(Schema):
    model_config = example({"data": [_SALE], "next_cursor": None})

    data: list[DisputedSale]
    next_cursor: str | None
