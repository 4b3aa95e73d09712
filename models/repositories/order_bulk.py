"""Orders that are asked for the same thing."""

from __future__ import annotations

from sqlalchemy import text

from core.database import Database
from core.domain.statuses import OrderStatus
from models.repositories.order_filters import Filters, condition_of

_STATUS = text("SELECT status FROM orders WHERE id = :id")


async def fitting(database: Database, filters: Filters, *, limit: int) -> list[str]:
    """Return the orders that fit now, the newest first."""
    condition, values = condition_of(filters)
    statement = text(f"SELECT o.id FROM orders o WHERE {condition} ORDER BY o.id DESC LIMIT :limit")
    rows = await database.statement(statement, {**values, "limit": limit})
    return [row["id"] for row in rows]


async def status_of(database: Database, order_id: str) -> OrderStatus | None:
    """Return the state of an order, None when there is no such order."""
    rows = await database.statement(_STATUS, {"id": order_id})
    return OrderStatus(rows[0]["status"]) if rows else None
