"""Returns: requested within what was delivered, and moved under their order's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.amounts import LineAmounts
from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError, NotFoundError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.statuses import ORDER_MOVES, OrderStatus, ReturnStatus
from models.orders import Order, OrderItem
from models.repositories import timeline
from models.returns import Return, ReturnItem

# A unit that came back counts once: as returned when it was inspected, as asked for before that.
_RETURNABLE = text("""
SELECT i.id AS item_id, i.sku, i.name,
    greatest(0, least(coalesce(d.units, 0) - coalesce(r.credited, 0),
                      i.quantity - i.returned_quantity) - coalesce(r.asked, 0)) AS units,
    coalesce(d.units, 0) AS delivered,
    coalesce(d.at + make_interval(secs => :window_seconds) >= now(), false) AS in_time
FROM order_items i LEFT JOIN (
    SELECT si.item_id, sum(si.quantity) AS units,
        max(coalesce(s.delivered_at, s.updated_at)) AS at
    FROM shipment_items si JOIN shipments s ON s.id = si.shipment_id
    WHERE s.order_id = :order_id AND s.status = 'delivered' GROUP BY si.item_id
) d ON d.item_id = i.id LEFT JOIN (
    SELECT ri.item_id,
        sum(ri.quantity) FILTER (
            WHERE r.status IN ('requested', 'approved', 'in_transit')) AS asked,
        sum(ri.sellable_quantity + ri.damaged_quantity) FILTER (
            WHERE r.status IN ('inspected', 'refunded')) AS credited
    FROM return_items ri JOIN returns r ON r.id = ri.return_id
    WHERE r.order_id = :order_id GROUP BY ri.item_id
) r ON r.item_id = i.id
WHERE i.order_id = :order_id
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedReturn:
    """Units of one item that the customer sends back; ``exchange_sku`` is wanted for them."""

    item_id: str
    quantity: int
    reason: str
    exchange_sku: str | None = None


class NotReturnableError(InvalidStateError):
    """The order is, or was delivered, such that these units cannot be returned."""

    def __init__(
        self, *, present: str, allowed: Sequence[str], errors: Sequence[FieldError]
    ) -> None:
        super().__init__(present=present, wanted="this return", allowed=allowed)
        self.errors = tuple(errors)

    def extra(self) -> Mapping[str, object]:
        errors = [{"pointer": e.pointer, "detail": e.detail} for e in self.errors]
        return {**super().extra(), "errors": errors}


async def request(
    session: AsyncSession,
    order: Order,
    *,
    return_id: str,
    wanted: Sequence[WantedReturn],
    actor: str,
    window_seconds: int,
) -> Return:
    """Write a return of a locked order. Once per id.

    Args:
        session: the transaction that holds the order's row.
        order: the locked order.
        return_id: the same id gives the return that it gave before.
        wanted: one entry for each item.
        actor: who asks.
        window_seconds: how long after its delivery an item can be returned.

    Raises:
        InvalidRequestError: an item that is not of this order.
        NotReturnableError: more than was delivered and is not returned or about to be, or late.
    """
    existing = await session.get(Return, return_id)
    if existing is not None:
        return existing
    await _require_returnable(session, order, wanted, window_seconds)
    created = Return(
        id=return_id,
        order_id=order.id,
        customer_id=order.customer_id,
        status=ReturnStatus.REQUESTED,
    )
    session.add(created)
    await session.flush()
    session.add_all(
        ReturnItem(
            return_id=return_id,
            item_id=one.item_id,
            quantity=one.quantity,
            reason=one.reason,
            exchange_sku=one.exchange_sku,
        )
        for one in wanted
    )
    await session.flush()
    units = sum(one.quantity for one in wanted)
    entry = TimelineEntry(
        type=OrderEvent.RETURN_REQUESTED,
        title=f"Return of {in_units(units)} requested",
        detail="; ".join(dict.fromkeys(one.reason for one in wanted)),
        actor=actor,
    )
    await timeline.append(session, order.id, [entry])
    return created


async def _require_returnable(
    session: AsyncSession, order: Order, wanted: Sequence[WantedReturn], window_seconds: int
) -> None:
    rows = await session.execute(
        _RETURNABLE, {"order_id": order.id, "window_seconds": window_seconds}
    )
    by_item = {row["item_id"]: row for row in rows.mappings()}
    unknown = [
        FieldError(pointer=f"/items/{n}/item_id", detail="not an item of this order")
        for n, one in enumerate(wanted)
        if one.item_id not in by_item
    ]
    if unknown:
        raise InvalidRequestError(unknown)
    problems: list[FieldError] = []
    for n, one in enumerate(wanted):
        row = by_item[one.item_id]
        if one.quantity > row["units"]:
            problems.append(
                FieldError(
                    pointer=f"/items/{n}/quantity",
                    detail=f"{row['units']} of {row['delivered']} delivered can be returned",
                )
            )
        elif not row["in_time"]:
            problems.append(
                FieldError(pointer=f"/items/{n}/item_id", detail="its return window is over")
            )
    if problems:
        left = [row for row in by_item.values() if row["units"] and row["in_time"]]
        moves = sorted(str(move) for move in ORDER_MOVES[OrderStatus(order.status)])
        possible = [f"return up to {row['units']} of {row['item_id']}" for row in left]
        raise NotReturnableError(present=order.status, allowed=possible or moves, errors=problems)


async def find(session: AsyncSession, return_id: str) -> Return:
    """Return the row; its order's row is locked by the caller.

    Raises:
        NotFoundError: there is no such return.
    """
    found = await session.get(Return, return_id, populate_existing=True)
    if found is None:
        raise NotFoundError(f"no return {return_id}")
    return found


async def items_of(session: AsyncSession, return_id: str) -> list[tuple[ReturnItem, OrderItem]]:
    """What was asked for, with the items of the order, in their order."""
    statement = (
        select(ReturnItem, OrderItem)
        .join(OrderItem, col(OrderItem.id) == ReturnItem.item_id)
        .where(ReturnItem.return_id == return_id)
        .order_by(col(OrderItem.position))
    )
    rows: Any = (await session.execute(statement)).all()
    return [(row[0], row[1]) for row in rows]


def line_of(order: Order, item: OrderItem) -> LineAmounts:
    """The amounts of an item as its order has it."""
    return LineAmounts(
        quantity=item.quantity,
        total=item.total_amount,
        discount=item.discount_amount,
        tax=item.tax_amount,
        tax_included=order.tax_included,
    )


def credit_of(order: Order, item: OrderItem, units: int) -> LineAmounts:
    """What the next ``units`` of an item are worth when they come back."""
    start = item.returned_quantity
    return line_of(order, item).slice(start, min(item.quantity, start + units))


def in_units(count: int) -> str:
    """So many units, in words."""
    return "1 unit" if count == 1 else f"{count} units"
