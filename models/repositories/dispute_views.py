"""Disputes as staff and vendors see them: each view is one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, text

from core.database import Database
from core.domain.statuses import DisputeStatus

_COLUMNS = """
SELECT d.id, d.order_id, d.payment_id, d.provider, d.provider_dispute_id, d.status, d.reason,
    d.currency, d.amount, d.withdrawn, d.inquiry, d.held::text AS held,
    d.evidence::text AS evidence,
    d.evidence_due_at, d.evidence_submitted_at, d.submitted_by, d.opened_at, d.closed_at,
    d.version, d.created_at, d.updated_at
FROM disputes d
"""
_ONE = text(f"{_COLUMNS} WHERE d.id = :id")
_OF_ORDER = text(f"{_COLUMNS} WHERE d.order_id = :order_id ORDER BY d.opened_at, d.id")
_MANY = text(f"""{_COLUMNS}
WHERE (CAST(:before AS text) IS NULL OR d.id < :before)
  AND (CAST(:status AS text) IS NULL OR d.status = :status)
  AND (CAST(:order_id AS text) IS NULL OR d.order_id = :order_id)
  AND (CAST(:due_before AS timestamptz) IS NULL
       OR d.status = 'needs_response' AND d.evidence_submitted_at IS NULL
          AND d.evidence_due_at < :due_before)
  AND (CAST(:vendor_id AS text) IS NULL OR EXISTS (
       SELECT FROM order_items i WHERE i.order_id = d.order_id AND i.vendor_id = :vendor_id))
ORDER BY d.id DESC LIMIT :limit
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeView:
    """A dispute; amounts in minor units of ``currency``."""

    id: str
    order_id: str
    payment_id: str
    provider: str
    provider_dispute_id: str
    status: DisputeStatus
    reason: str
    currency: str
    amount: int
    withdrawn: bool
    inquiry: bool
    held: Sequence[Mapping[str, Any]]
    evidence: Mapping[str, Any] | None
    """``submitted`` and ``drafts``."""
    evidence_due_at: datetime | None
    evidence_submitted_at: datetime | None
    submitted_by: str | None
    opened_at: datetime
    closed_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    def share_of(self, vendor_id: str) -> int:
        """What is, or was, held back from a vendor, minor units."""
        return sum(one["amount"] for one in self.held if one["vendor_id"] == vendor_id)

    def has_submitted(self, submission_id: str) -> bool:
        """Whether the bank was told what this submission says."""
        submitted = (self.evidence or {}).get("submitted") or {}
        return bool(submitted.get("submission_id") == submission_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeFilters:
    """Which disputes are wanted; ``due_before``: those whose evidence is missing by then (UTC)."""

    status: str | None = None
    order_id: str | None = None
    due_before: datetime | None = None
    vendor_id: str | None = None


async def find_dispute(database: Database, dispute_id: str) -> DisputeView | None:
    rows = await database.statement(_ONE, {"id": dispute_id})
    return _view(rows[0]) if rows else None


async def disputes_of(database: Database, order_id: str) -> list[DisputeView]:
    """Return those of an order, the oldest first."""
    return [_view(row) for row in await database.statement(_OF_ORDER, {"order_id": order_id})]


async def list_disputes(
    database: Database, filters: DisputeFilters, *, limit: int, before: str | None = None
) -> list[DisputeView]:
    """Return disputes, those of the newest orders first, from after the id ``before``."""
    wanted = {name: getattr(filters, name) for name in DisputeFilters.__slots__}
    rows = await database.statement(_MANY, {**wanted, "before": before, "limit": limit})
    return [_view(row) for row in rows]


def _view(row: RowMapping) -> DisputeView:
    evidence = row["evidence"]
    return DisputeView(
        **{
            **row,
            "status": DisputeStatus(row["status"]),
            "held": orjson.loads(row["held"]),
            "evidence": orjson.loads(evidence) if evidence else None,
        }
    )
