"""What staff look at and decide."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.schemas.base import AT_EXAMPLE, Moment, Schema, example, text
from api.schemas.disputes import DISPUTE_EXAMPLE, Dispute
from api.schemas.orders import ENTRY_EXAMPLE, ORDER_EXAMPLE, Order, TimelineEntry
from core.domain.statuses import FulfillmentStatus, OrderStatus, PaymentStatus
from workflows.messages import Action

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_AUDIT_ENTRY = {
    "id": f"aud_{_ID}",
    "at": AT_EXAMPLE,
    "actor": f"staff:usr_{_ID}",
    "action": "order.step_retry",
    "target": f"ord_{_ID}",
    "reason": "the carrier is back",
    "before": {"waiting_for": "carrier booking", "attempts": 7},
    "after": {"decision": "retry"},
}
_URL = f"http://127.0.0.1:18233/namespaces/default/workflows/shipment%2Fshp_{_ID}"
_WAIT = {
    "what": "carrier booking",
    "since": AT_EXAMPLE,
    "attempts": 7,
    "last_error": "the carrier does not answer (unavailable)",
    "next_attempt_at": AT_EXAMPLE,
    "actions": ["retry"],
    "workflow_id": f"shipment/shp_{_ID}",
    "temporal_url": _URL,
}
_STAFF_ORDER = {
    **ORDER_EXAMPLE,
    "status": "processing",
    "customer_id": f"usr_{_ID}",
    "waits": [_WAIT],
}
_REASON = "waits for carrier booking: the carrier does not answer (unavailable)"
_STUCK = {
    "id": f"ord_{_ID}",
    "number": "P-100042",
    "customer_id": f"usr_{_ID}",
    "status": "processing",
    "payment_status": "authorized",
    "fulfillment_status": "unfulfilled",
    "reason": _REASON,
    "since": AT_EXAMPLE,
    "attempts": 7,
    "last_error": "the carrier does not answer (unavailable)",
    "next_attempt_at": AT_EXAMPLE,
    "actions": ["retry"],
    "causes": [
        {
            "kind": "parked",
            "reason": _REASON,
            "since": AT_EXAMPLE,
            "workflow_id": f"shipment/shp_{_ID}",
            "temporal_url": _URL,
        }
    ],
    "waits": [_WAIT],
    "workflows": [{"workflow_id": f"shipment/shp_{_ID}", "temporal_url": _URL}],
}


class AuditEntry(Schema):
    """Who did what to which, and why; never edited."""

    id: str
    at: Moment
    actor: str
    action: str
    target: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditPage(Schema):
    model_config = example({"data": [_AUDIT_ENTRY], "next_cursor": None})

    data: list[AuditEntry]
    next_cursor: str | None


class WaitingStep(Schema):
    """A step that could not go on, and how it can be resolved."""

    what: str
    since: Moment
    attempts: int
    last_error: str
    next_attempt_at: Moment | None
    actions: list[Action]
    workflow_id: str
    temporal_url: str


class StaffOrder(Order):
    """Any customer's order, with every step that waits, the longest first."""

    model_config = example(_STAFF_ORDER)

    customer_id: str
    waits: list[WaitingStep]


class StaffOrderDetail(StaffOrder):
    model_config = example(
        {**_STAFF_ORDER, "timeline": [ENTRY_EXAMPLE], "disputes": [DISPUTE_EXAMPLE]}
    )

    timeline: list[TimelineEntry]
    disputes: list[Dispute]


class StaffOrderPage(Schema):
    model_config = example({"data": [_STAFF_ORDER], "next_cursor": None})

    data: list[StaffOrder]
    next_cursor: str | None


class StuckCause(Schema):
    kind: str
    reason: str
    since: Moment
    workflow_id: str
    temporal_url: str


class WorkflowLink(Schema):
    workflow_id: str
    temporal_url: str


class StuckOrder(Schema):
    """An order that does not go on: the worst cause in words, and all of them."""

    id: str
    number: str
    customer_id: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfillment_status: FulfillmentStatus
    reason: str
    since: Moment
    attempts: int
    last_error: str | None
    next_attempt_at: Moment | None
    actions: list[Action]
    causes: list[StuckCause]
    waits: list[WaitingStep]
    workflows: list[WorkflowLink]


class StuckPage(Schema):
    """The newest first; a page may be short, or empty, and still have a next one."""

    model_config = example({"data": [_STUCK], "next_cursor": None})

    data: list[StuckOrder]
    next_cursor: str | None


class RetryRequest(Schema):
    model_config = example({"reason": "the carrier is back"})

    reason: Annotated[str, text(500)] | None = None


class ResolveRequest(Schema):
    """What becomes of a parked step; ``what`` names it when several wait."""

    model_config = example(
        {"action": "retry", "what": "carrier booking", "reason": "the carrier is back"}
    )

    action: Annotated[
        Action,
        Field(
            description="`retry` tries it now; `skip` goes on as if it were done; `cancel` gives up"
            " what it is for, and undoes it; `refund` gives the money for it back"
        ),
    ]
    what: Annotated[str, text(200)] | None = None
    reason: Annotated[str, text(500)]
