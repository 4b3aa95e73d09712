"""Parcels as those see them who send them: each view is one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, text

from core.database import Database
from core.domain.statuses import ShipmentStatus

_VIEW = """
SELECT s.id, s.order_id, s.number, s.vendor_id, s.warehouse_id, s.status, s.purpose, s.carrier,
    s.tracking_number, s.label_url, s.failure, s.accepted_at, s.booking_at, s.dispatching_at,
    s.created_at, s.updated_at, v.fulfillment = 'manual' AS manual, o.shipping_method,
    o.shipping_address::text AS shipping_address,
    EXISTS (SELECT FROM order_waits w WHERE w.workflow_id = 'shipment/' || s.id
            AND w.what = 'stock for parcel ' || s.number) AS rejected,
    (SELECT coalesce(json_agg(json_build_object(
        'item_id', i.item_id, 'sku', i.sku, 'name', oi.name, 'quantity', i.quantity)
        ORDER BY oi.position), '[]'::json)
     FROM shipment_items i JOIN order_items oi ON oi.id = i.item_id
     WHERE i.shipment_id = s.id)::text AS items
FROM shipments s JOIN orders o ON o.id = s.order_id JOIN vendors v ON v.id = s.vendor_id
"""
_ONE = text(f"""{_VIEW}
WHERE s.id = :id AND (CAST(:vendor_id AS text) IS NULL OR s.vendor_id = :vendor_id)
""")
_MANY = text(f"""{_VIEW}
WHERE s.vendor_id = :vendor_id AND (CAST(:before AS text) IS NULL OR s.id < :before)
  AND (CAST(:status AS text) IS NULL OR s.status = :status)
ORDER BY s.id DESC LIMIT :limit
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class ParcelView:
    """A parcel with its contents; where it goes is None until its vendor has accepted it."""

    id: str
    order_id: str
    number: int
    vendor_id: str
    warehouse_id: str
    status: ShipmentStatus
    purpose: str
    carrier: str | None
    tracking_number: str | None
    label_url: str | None
    failure: str | None
    accepted_at: datetime | None
    booking_at: datetime | None
    dispatching_at: datetime | None
    created_at: datetime
    updated_at: datetime
    manual: bool
    rejected: bool
    """Its vendor will not send it, and nobody else can yet."""
    shipping_method: str
    shipping_address: Mapping[str, Any] | None
    items: Sequence[Mapping[str, Any]]

    @property
    def moves(self) -> list[str]:
        """What its vendor can do with it now."""
        if not self.manual or self.rejected or self.dispatching_at is not None:
            return []
        if self.status is ShipmentStatus.PACKED:
            return ["hand_over"]
        if self.status is ShipmentStatus.PLANNED and self.booking_at is None:
            return ["pack" if self.accepted_at else "accept", "reject"]
        return []


async def find(
    database: Database, shipment_id: str, *, vendor_id: str | None = None
) -> ParcelView | None:
    """Return a parcel; None when it is not there, or not of that vendor."""
    rows = await database.statement(_ONE, {"id": shipment_id, "vendor_id": vendor_id})
    return _view(rows[0]) if rows else None


async def list_of_vendor(
    database: Database, vendor_id: str, *, limit: int, before: str | None, status: str | None
) -> list[ParcelView]:
    """Return a vendor's parcels, the newest first, from after the id ``before``."""
    wanted = {"vendor_id": vendor_id, "limit": limit, "before": before, "status": status}
    return [_view(row) for row in await database.statement(_MANY, wanted)]


def _view(row: RowMapping) -> ParcelView:
    known = row["accepted_at"] is not None or row["booking_at"] is not None
    values = dict(row) | {
        "status": ShipmentStatus(row["status"]),
        "items": orjson.loads(row["items"]),
        "shipping_address": orjson.loads(row["shipping_address"]) if known else None,
    }
    return ParcelView(**values)
