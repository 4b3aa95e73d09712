"""Reconciliations and what they found, as staff see and decide them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from api.schemas.base import AT_EXAMPLE, MONEY_EXAMPLE, Moment, Money, Schema, example, text
from core.domain.reconciliation import DifferenceKind, DifferenceStatus, RepairKind
from core.domain.statuses import ReconciliationStatus

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_RUN: dict[str, Any] = {
    "id": f"rec_{_ID}",
    "provider": "stripe",
    "status": "done",
    "overview": "34 payments and 40 movements: 1 difference is new, 0 are repaired",
    "window_start_at": AT_EXAMPLE,
    "window_end_at": AT_EXAMPLE,
    "transactions": 40,
    "payments": 34,
    "found": 1,
    "repaired": 0,
    "figures": {"USD": {"provider": 120_000, "ledger": 120_000}},
    "error": None,
    "started_at": AT_EXAMPLE,
    "ended_at": AT_EXAMPLE,
}
_DIFFERENCE: dict[str, Any] = {
    "id": f"dif_{_ID}",
    "provider": "stripe",
    "kind": "unknown_payment",
    "subject": "pi_3abc",
    "status": "open",
    "overview": "pi_3abc: the provider holds or took money for no order of ours, by 19.99 USD",
    "repair": "by_hand",
    "actions": ["book_adjustment", "accept"],
    "order_id": None,
    "payment_id": None,
    "difference": MONEY_EXAMPLE,
    "on_balance": MONEY_EXAMPLE,
    "evidence": {"provider": {"status": "captured", "amount": 1999}, "ours": None},
    "found_in": f"rec_{_ID}",
    "seen_in": f"rec_{_ID}",
    "attempts": 0,
    "resolution": None,
    "actor": None,
    "reason": None,
    "found_at": AT_EXAMPLE,
    "ended_at": None,
}


class Resolution(StrEnum):
    """What a person decides about a difference."""

    REPAIR = "repair"
    """Try the proposed repair again."""
    BOOK_ADJUSTMENT = "book_adjustment"
    """Write what the balance differs by to ``suspense``."""
    ACCEPT = "accept"
    """It is as it should be; it is not told again until it is another amount."""


class ReconcileRequest(Schema):
    """Whose books to compare now."""

    model_config = example({"provider": "stripe"})

    provider: Annotated[str, text(64)]


class ReconcileStarted(Schema):
    """The comparison runs; ``workflow_id`` in Temporal."""

    model_config = example({"provider": "stripe", "workflow_id": "reconciliation/stripe"})

    provider: str
    workflow_id: str


class Balances(Schema):
    """What our balance at the provider is by its own movements, and by the ledger; minor units."""

    provider: int
    ledger: int


class Reconciliation(Schema):
    """One look at a provider's books; ``transactions`` counts movements that were new."""

    model_config = example(_RUN)

    id: str
    provider: str
    status: ReconciliationStatus
    overview: str
    window_start_at: Moment
    window_end_at: Moment
    transactions: int
    payments: int
    found: int
    repaired: int
    figures: dict[str, Balances]
    error: str | None
    started_at: Moment
    ended_at: Moment | None


class Difference(Schema):
    """Where the books do not agree; ``difference`` is the provider's figure less ours."""

    model_config = example(_DIFFERENCE)

    id: str
    provider: str
    kind: DifferenceKind
    subject: str
    status: DifferenceStatus
    overview: str
    repair: RepairKind
    actions: list[Resolution]
    order_id: str | None
    payment_id: str | None
    difference: Money | None
    on_balance: Money | None
    evidence: dict[str, Any]
    found_in: str
    seen_in: str
    attempts: int
    resolution: str | None
    actor: str | None
    reason: str | None
    found_at: Moment
    ended_at: Moment | None


class ReconciliationDetail(Reconciliation):
    """A look with all that it found or saw again."""

    model_config = example({**_RUN, "differences": [_DIFFERENCE]})

    differences: list[Difference]


class ReconciliationPage(Schema):
    model_config = example({"data": [_RUN], "next_cursor": None})

    data: list[Reconciliation]
    next_cursor: str | None


class DifferencePage(Schema):
    model_config = example({"data": [_DIFFERENCE], "next_cursor": None})

    data: list[Difference]
    next_cursor: str | None


class ResolveDifference(Schema):
    """A decision, and why; both go to the audit log."""

    model_config = example({"action": "accept", "reason": "a test payment of the bank's"})

    action: Resolution
    reason: Annotated[str, text(500), Field(examples=["a test payment of the bank's"])]
