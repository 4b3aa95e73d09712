"""What staff look at and decide."""

from __future__ import annotations

from typing import Any

from api.schemas.base import AT_EXAMPLE, Moment, Schema, example

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_AUDIT_ENTRY = {
    "id": f"aud_{_ID}",
    "at": AT_EXAMPLE,
    "actor": f"staff:usr_{_ID}",
    "action": "order.step_resolved",
    "target": f"ord_{_ID}",
    "reason": "the carrier is back",
    "before": {"what": "carrier booking", "attempts": 7},
    "after": {"action": "retry"},
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
