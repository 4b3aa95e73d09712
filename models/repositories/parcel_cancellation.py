"""Taking goods off an order: its amounts, its stock and its parcels change in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.amounts import LineAmounts
from core.domain.errors import InvalidStateError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.money import split
from core.domain.statuses import SHIPMENT_MOVES, ShipmentStatus, require_move
from models.orders import ItemKind, Order, OrderItem
from models.repositories import orders, parcel_states, reservations, shares, shipments, timeline
from models.shipments import Shipment, ShipmentPurpose


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenUnits:
    """Units of an item that are no longer ordered; ``due`` is what they cost, minor units."""

    item_id: str
    sku: str
    quantity: int
    due: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CanceledParcel:
    """What the cancellation of a parcel did to its order; amounts in minor units."""

    items: Sequence[TakenUnits]
    waived: int = 0
    """Shipping that nobody is asked for any more, because nothing is left to send."""
    overpaid: int = 0
    """What parcels that are sent took more than the order costs now: a matter of rounding."""


async def cancel_parcel(
    session: AsyncSession, order: Order, shipment: Shipment, *, actor: str, reason: str
) -> CanceledParcel:
    """Cancel a parcel that has not left, and take its goods off the order. Once per parcel.

    The caller holds the locks of order and parcel, has made sure that nobody sends the parcel, and
    sees to the money that was taken for it and to the carrier's booking.

    Raises:
        InvalidStateError: the parcel has left.
    """
    if shipment.status == ShipmentStatus.CANCELED:
        return CanceledParcel(items=())
    await withdraw_parcel(session, shipment)
    taken = await _take_contents(session, order, shipment)
    rest = await shares.reshare(session, order)
    waived = await waive_unsent(session, order, rest)
    entry = TimelineEntry(
        type=OrderEvent.SHIPMENT_CANCELED,
        title=f"Parcel {shipment.number} canceled",
        detail=reason,
        actor=actor,
    )
    entries = [entry, *await parcel_states.sum_up(session, order)]
    await session.flush()
    await timeline.append(session, order.id, entries)
    return CanceledParcel(items=taken, waived=waived, overpaid=max(-rest, 0))


async def withdraw_parcel(session: AsyncSession, shipment: Shipment) -> None:
    """Mark a parcel canceled and give its units back to the stock; the order keeps its items.

    Raises:
        InvalidStateError: the parcel has left.
    """
    require_move(SHIPMENT_MOVES, ShipmentStatus(shipment.status), ShipmentStatus.CANCELED)
    shipment.status = ShipmentStatus.CANCELED
    shipment.updated_at = orders.now()
    await session.flush()
    await reservations.release_shipment(session, shipment.id)


def take_units(order: Order, item: OrderItem, units: int) -> TakenUnits:
    """Take units off an item and their amounts off the order, exactly.

    Raises:
        InvalidStateError: more than the item has, or than have not come back.
    """
    if not 0 < units <= item.quantity - item.returned_quantity:
        raise InvalidStateError(
            present=f"{item.quantity} ordered, {item.returned_quantity} returned",
            wanted=f"{units} fewer",
        )
    taken, left = amounts_of(order, item).take(units)
    item.quantity = left.quantity
    item.canceled_quantity += units
    item.total_amount, item.discount_amount, item.tax_amount = left.total, left.discount, left.tax
    if item.kind == ItemKind.ORDERED:
        order.subtotal_amount -= taken.total
        order.discount_amount -= taken.discount
        order.tax_amount -= taken.tax
        order.total_amount -= taken.due
    return TakenUnits(item_id=item.id, sku=item.sku, quantity=units, due=taken.due)


def amounts_of(order: Order, item: OrderItem) -> LineAmounts:
    """What an item costs."""
    return LineAmounts(
        quantity=item.quantity,
        total=item.total_amount,
        discount=item.discount_amount,
        tax=item.tax_amount,
        tax_included=order.tax_included,
    )


async def waive_unsent(session: AsyncSession, order: Order, rest: int) -> int:
    """Take the shipping that no parcel will ask for off the order, when nothing is left to send.

    Args:
        session: the transaction that holds the order's row.
        order: the locked order.
        rest: what ``shares.reshare`` returned, minor units.

    Returns:
        What was waived, minor units.
    """
    if rest <= 0 or await shares.has_more_to_send(session, order):
        return 0
    shipping = LineAmounts(
        quantity=1,
        total=order.shipping_amount,
        discount=order.shipping_discount_amount,
        tax=order.shipping_tax_amount,
        tax_included=order.tax_included,
    )
    waived = min(rest, shipping.due)
    if not waived:
        return 0
    discount, _ = split(shipping.discount, [waived, shipping.due - waived])
    tax, _ = split(shipping.tax, [waived, shipping.due - waived])
    fee = waived + discount - (0 if order.tax_included else tax)
    order.shipping_amount -= fee
    order.shipping_discount_amount -= discount
    order.discount_amount -= discount
    order.shipping_tax_amount -= tax
    order.tax_amount -= tax
    order.total_amount -= waived
    await session.flush()
    return waived


async def _take_contents(
    session: AsyncSession, order: Order, shipment: Shipment
) -> list[TakenUnits]:
    if shipment.purpose == ShipmentPurpose.REPLACEMENT:
        return []
    contents = {one.item_id: one.quantity for one in await shipments.items_of(session, shipment.id)}
    statement = (
        select(OrderItem)
        .where(OrderItem.order_id == order.id, col(OrderItem.id).in_(contents))
        .order_by(col(OrderItem.position))
    )
    items = (await session.scalars(statement)).all()
    return [take_units(order, item, contents[item.id]) for item in items]
