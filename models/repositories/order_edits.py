"""Edits of a confirmed order by staff: priced and held first, then paid for, then applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.allocation import Allocation, allocate
from core.domain.errors import (
    FieldError,
    InvalidRequestError,
    OutOfStockError,
    Shortage,
)
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id
from core.domain.money import Money
from core.domain.statuses import EditStatus, HoldStatus, OrderStatus, ReservationStatus
from models.orders import Order, OrderItem
from models.oversight import OrderEdit
from models.repositories import (
    holds,
    order_changes,
    order_units,
    orders,
    reservations,
    shipments,
    timeline,
)
from models.repositories.edit_pricing import (
    Addition,
    additions_of,
    difference_of,
    removals_of,
)
from models.repositories.parcel_cancellation import take_units
from models.stock import Hold, ReservationLine

LONGEST_EDIT = timedelta(days=30)
"""Its units are held while the bank is asked; whoever asks ends it long before."""

_COVERED = text("""
SELECT coalesce(sum(CASE WHEN status IN ('authorized', 'partially_captured')
    THEN authorized_amount ELSE captured_amount END - refunded_amount), 0)::bigint
FROM payments WHERE order_id = :order_id AND status NOT IN ('voided', 'failed')
    AND purpose <> 'exchange'
""")


async def prepare(
    session: AsyncSession,
    order: Order,
    wanted: Mapping[str, int],
    *,
    edit_id: str,
    actor: str,
    reason: str,
) -> tuple[OrderEdit, int]:
    """Price an edit of a locked order and hold the units that it adds. Once per id.

    Args:
        session: the transaction that holds the order's row.
        order: the locked order.
        wanted: the quantity that the order shall have, by SKU.
        edit_id: from the request's key.
        actor: who wants it.
        reason: why.

    Returns:
        The edit, and what has to be authorized for it first (minor units).

    Raises:
        InvalidRequestError: a SKU that is not for sale, or nothing would be left.
        InvalidStateError: the order has left, or is being canceled.
        OutOfStockError: fewer units than it adds.
    """
    edit = await session.get(OrderEdit, edit_id)
    if edit is None:
        order_changes.require_changeable(order, "an edit")
        items = list(await order_changes.items_of(session, order))
        additions = await additions_of(session, order, items, wanted, {})
        removed = removals_of(items, wanted)
        left = sum(item.quantity for item in items) - sum(removed.values())
        if left + sum(one.quantity for one in additions) < 1:
            detail = "nothing would be left: cancel the order"
            raise InvalidRequestError([FieldError(pointer="/changes", detail=detail)])
        edit = OrderEdit(
            id=edit_id,
            order_id=order.id,
            status=EditStatus.PENDING,
            changes=_changes(wanted, additions),
            difference_amount=difference_of(order, items, additions, removed),
            actor=actor,
            reason=reason,
        )
        await _hold(session, order, edit_id, additions)
        session.add(edit)
        await session.flush()
    covered = int((await session.scalar(_COVERED, {"order_id": order.id})) or 0)
    return edit, max(order.total_amount + edit.difference_amount - covered, 0)


async def apply(
    session: AsyncSession, order: Order, edit: OrderEdit, *, payment_id: str | None
) -> None:
    """Carry out a pending edit of a locked order.

    Raises:
        InvalidStateError: what it takes off has begun to leave meanwhile.
    """
    order_changes.require_changeable(order, "an edit")
    wanted = {one["sku"]: one["quantity"] for one in edit.changes}
    items = list(await order_changes.items_of(session, order))
    agreed = {one["sku"]: one["unit_price"] for one in edit.changes if "unit_price" in one}
    additions = await additions_of(session, order, items, wanted, agreed)
    by_id = {item.id: item for item in items}
    for item_id, units in removals_of(items, wanted).items():
        await order_units.remove(session, order, by_id[item_id], units)
        take_units(order, by_id[item_id], units)
    for addition in additions:
        _add(session, order, items, addition)
    await session.flush()
    await _take_over(session, order, edit.id)
    if order.status == OrderStatus.PROCESSING:
        await shipments.plan(session, order)
    await order_changes.settle_amounts(
        session, order, edit.id, actor=edit.actor, reason=edit.reason
    )
    edit.status, edit.payment_id, edit.ended_at = EditStatus.APPLIED, payment_id, orders.now()
    await order_changes.sum_up(session, order)
    await session.flush()
    words = ", ".join(f"{quantity} x {sku}" for sku, quantity in wanted.items())
    await _tell(
        session,
        order,
        edit,
        event=OrderEvent.EDITED,
        title=f"Order changed: now {words}",
        detail=edit.reason,
    )


async def refuse(session: AsyncSession, order: Order, edit: OrderEdit, why: str) -> None:
    """Undo what ``prepare`` did; the order stays as it is."""
    if edit.status != EditStatus.PENDING:
        return
    edit.status, edit.ended_at = EditStatus.REFUSED, orders.now()
    hold = await holds.lock(session, _hold_id(edit.id))
    if hold is not None:
        hold.status = HoldStatus.RELEASED
        await session.flush()
        await reservations.release_hold(session, hold.id, ReservationStatus.RELEASED)
    await session.flush()
    await _tell(
        session,
        order,
        edit,
        event=OrderEvent.EDIT_REFUSED,
        title="Change of the order refused",
        detail=why,
    )


def _add(session: AsyncSession, order: Order, items: list[OrderItem], addition: Addition) -> None:
    item = next((one for one in items if one.sku == addition.sku), None)
    if item is None:
        assert addition.offered is not None  # noqa: S101  # only what is known has no offer
        position = max(one.position for one in items) + 1
        item = OrderItem(
            order_id=order.id,
            position=position,
            id=derived_id(Prefix.ITEM, order.id, position),
            sku=addition.sku,
            variant_id=addition.offered["variant_id"],
            vendor_id=addition.offered["vendor_id"],
            name=addition.offered["name"],
            quantity=0,
            unit_price_amount=addition.unit_price,
            total_amount=0,
            tax_amount=0,
        )
        session.add(item)
        items.append(item)
    item.quantity += addition.quantity
    item.total_amount += addition.total
    item.tax_amount += addition.tax
    order.subtotal_amount += addition.total
    order.tax_amount += addition.tax
    order.total_amount += addition.total + (0 if order.tax_included else addition.tax)


async def _hold(
    session: AsyncSession, order: Order, edit_id: str, additions: Sequence[Addition]
) -> None:
    wanted = {one.sku: one.quantity for one in additions}
    if not wanted:
        return
    plan = allocate(wanted, await reservations.lock_levels(session, list(wanted)))
    shortages = [one for one in plan if isinstance(one, Shortage)]
    if shortages:
        raise OutOfStockError(shortages)
    expires_at = datetime.now(UTC) + LONGEST_EDIT
    hold = Hold(
        id=_hold_id(edit_id),
        owner_id=order.customer_id,
        status=HoldStatus.ACTIVE,
        expires_at=expires_at,
    )
    session.add(hold)
    await session.flush()
    lines = [one for one in plan if isinstance(one, Allocation)]
    await reservations.hold(session, hold_id=hold.id, plan=lines, expires_at=expires_at)


async def _take_over(session: AsyncSession, order: Order, edit_id: str) -> None:
    """The order owns what the edit held; units of a shelf that it has a line of join that line."""
    hold = await holds.lock(session, _hold_id(edit_id))
    if hold is None:
        return
    hold.status, hold.order_id = HoldStatus.CONSUMED, order.id
    own = {(line.warehouse_id, line.sku): line for line in await _loose_lines(session, order)}
    statement = select(ReservationLine).where(
        ReservationLine.hold_id == hold.id, ReservationLine.status == ReservationStatus.HELD
    )
    for line in (await session.scalars(statement)).all():
        line.expires_at = None
        known = own.get((line.warehouse_id, line.sku))
        if known is None:
            line.order_id, line.status = order.id, ReservationStatus.COMMITTED
            continue
        line.status = ReservationStatus.RELEASED
        present = known.quantity if known.status == ReservationStatus.COMMITTED else 0
        known.status, known.quantity = ReservationStatus.COMMITTED, present + line.quantity
    await session.flush()


async def _loose_lines(session: AsyncSession, order: Order) -> Sequence[ReservationLine]:
    """The order's lines that are in no parcel: one for each shelf."""
    statement = select(ReservationLine).where(
        ReservationLine.order_id == order.id, col(ReservationLine.shipment_id).is_(None)
    )
    return (await session.scalars(statement)).all()


async def _tell(
    session: AsyncSession,
    order: Order,
    edit: OrderEdit,
    *,
    event: OrderEvent,
    title: str,
    detail: str,
) -> None:
    if edit.difference_amount:
        amount = Money(amount=edit.difference_amount, currency=order.currency)
        title = f"{title} ({amount})"
    entry = TimelineEntry(type=event, title=title, detail=detail, actor=edit.actor)
    await timeline.append(session, order.id, [entry])


def _changes(wanted: Mapping[str, int], additions: Sequence[Addition]) -> list[dict[str, Any]]:
    """What the row keeps: with the price of what is added, which holds until it is applied."""
    prices = {one.sku: {"unit_price": one.unit_price} for one in additions}
    return [{"sku": sku, "quantity": n, **prices.get(sku, {})} for sku, n in wanted.items()]


def _hold_id(edit_id: str) -> str:
    return derived_id(Prefix.HOLD, edit_id)
