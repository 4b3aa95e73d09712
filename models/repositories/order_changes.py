"""Canceling a confirmed order, whole or unit by unit; the row lock of the order is the arbiter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id
from core.domain.progress import fulfillment_of
from core.domain.statuses import CANCELABLE, EditStatus, OrderStatus, ShipmentStatus
from models.orders import ItemKind, Order, OrderItem
from models.oversight import OrderEdit
from models.payments import Refund
from models.repositories import (
    backorders,
    order_units,
    orders,
    refunds,
    shares,
    shipments,
    timeline,
)
from models.repositories.parcel_cancellation import TakenUnits, take_units, waive_unsent
from models.shipments import Shipment, ShipmentPurpose

_NOT_GONE = frozenset({ShipmentStatus.PLANNED, ShipmentStatus.PACKED, ShipmentStatus.CANCELED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Canceled:
    """What a cancellation did; not ``new`` when an earlier one, or an earlier run, had done it."""

    whole: bool
    new: bool = True


async def items_of(session: AsyncSession, order: Order) -> Sequence[OrderItem]:
    """What was ordered, in its order; goods given in exchange are not among it."""
    statement = (
        select(OrderItem)
        .where(OrderItem.order_id == order.id, OrderItem.kind == ItemKind.ORDERED)
        .order_by(col(OrderItem.position))
    )
    return (await session.scalars(statement)).all()


async def parcels_of(session: AsyncSession, order: Order) -> list[Shipment]:
    """The order's own parcels that are not canceled."""
    return [
        one
        for one in await shipments.of_order(session, order.id)
        if one.purpose == ShipmentPurpose.ORDER and one.status != ShipmentStatus.CANCELED
    ]


def require_changeable(order: Order, wanted: str) -> None:
    """Refuse to change an order that is being canceled, has ended or has left.

    Raises:
        InvalidStateError: names the state and what is possible.
    """
    if order.status not in {OrderStatus.CONFIRMED, OrderStatus.PROCESSING}:
        raise InvalidStateError(present=order.status, wanted=wanted, allowed=_allowed_of(order))
    if order.cancel_requested_at is not None:
        raise InvalidStateError(present="being canceled", wanted=wanted)


async def begin_cancellation(
    session: AsyncSession, order: Order, *, actor: str, reason: str
) -> Canceled:
    """Cancel all open parcels of a locked order, so that none of them leaves any more.

    The second of two does nothing: the first one's cancellation is under way. Stock and money
    follow when the parcels can no longer be sent.

    Raises:
        InvalidStateError: the order has ended, or a parcel has begun to leave.
    """
    if order.cancel_requested_at is not None or order.status == OrderStatus.CANCELED:
        return Canceled(whole=True, new=False)
    if order.status not in CANCELABLE:
        raise InvalidStateError(
            present=order.status, wanted=OrderStatus.CANCELED, allowed=_allowed_of(order)
        )
    parcels = await parcels_of(session, order)
    if gone := [one for one in parcels if not shares.is_open(one)]:
        numbers = ", ".join(str(one.number) for one in gone)
        raise InvalidStateError(
            present=f"{order.status}, shipment {numbers} on its way",
            wanted=OrderStatus.CANCELED,
            allowed=["cancel items"] if len(gone) < len(parcels) else ["return"],
        )
    order.cancel_requested_at = orders.now()
    for parcel in parcels:
        parcel.status = ShipmentStatus.CANCELED
        parcel.updated_at = orders.now()
    await session.flush()
    entry = TimelineEntry(
        type=OrderEvent.CANCEL_REQUESTED, title="Cancellation requested", detail=reason, actor=actor
    )
    await timeline.append(session, order.id, [entry])
    return Canceled(whole=True)


async def cancel_units(
    session: AsyncSession,
    order: Order,
    wanted: Mapping[str, int],
    *,
    change_id: str,
    actor: str,
    reason: str,
) -> Canceled:
    """Take units (by item id) off a locked order, once per ``change_id``.

    Taking the last unit off cancels the order.

    Raises:
        InvalidRequestError: an item that the order does not have, or no units.
        InvalidStateError: more than the order has, or they are on their way.
    """
    known = await session.get(OrderEdit, change_id)
    if known is not None:
        return Canceled(whole=order.cancel_requested_at is not None, new=False)
    require_changeable(order, "canceling items")
    items = {item.id: item for item in await items_of(session, order)}
    _require_units(items, wanted)
    edit = _edit_of(order, items, wanted, change_id=change_id, actor=actor, reason=reason)
    if all(item.quantity == wanted.get(item.id, 0) for item in items.values()):
        canceled = await begin_cancellation(session, order, actor=actor, reason=reason)
        session.add(edit)
        return canceled
    before = order.total_amount
    for item_id, units in wanted.items():
        await order_units.remove(session, order, items[item_id], units)
    taken = [take_units(order, items[item_id], units) for item_id, units in wanted.items()]
    await settle_amounts(session, order, change_id, actor=actor, reason=reason)
    edit.difference_amount = order.total_amount - before
    session.add(edit)
    await sum_up(session, order)
    await session.flush()
    entry = TimelineEntry(
        type=OrderEvent.ITEMS_CANCELED,
        title=_words_of(taken),
        detail=reason,
        actor=actor,
    )
    await timeline.append(session, order.id, [entry])
    return Canceled(whole=False)


async def settle_amounts(
    session: AsyncSession, order: Order, change_id: str, *, actor: str, reason: str
) -> None:
    """Share the new total out; what was taken beyond it is asked back."""
    rest = await shares.reshare(session, order)
    await waive_unsent(session, order, rest)
    possible = sum(left for _, left in await refunds.refundable(session, order.id))
    overpaid = min(max(-rest, 0), possible)
    if overpaid:
        await refunds.request(
            session,
            order,
            refund_id=derived_id(Prefix.REFUND, order.id, change_id),
            amount=overpaid,
            reason=reason,
            actor=actor,
        )


async def to_be_told(
    session: AsyncSession, order: Order, change_id: str
) -> tuple[list[str], str | None]:
    """Return who has to look again after a change, the same after a second run of it.

    The shipments that have not left, canceled ones too, and the refund that the change asked for.
    """
    parcels = [
        one.id
        for one in await shipments.of_order(session, order.id)
        if one.purpose == ShipmentPurpose.ORDER and one.status in _NOT_GONE
    ]
    refund = await session.get(Refund, derived_id(Prefix.REFUND, order.id, change_id))
    return parcels, refund.id if refund else None


async def sum_up(session: AsyncSession, order: Order) -> None:
    """Let ``fulfillment_status`` follow the parcels that are left."""
    parcels = await parcels_of(session, order)
    counted = [ShipmentStatus(one.status) for one in parcels]
    if await backorders.any_unsent(session, order.id):
        counted.append(ShipmentStatus.PLANNED)
    order.fulfillment_status = fulfillment_of(counted)


def _require_units(items: Mapping[str, OrderItem], wanted: Mapping[str, int]) -> None:
    errors = [
        FieldError(pointer="/items", detail=f"the order has no item {item_id}")
        for item_id in wanted
        if item_id not in items
    ]
    errors += [
        FieldError(pointer="/items", detail="more than none")
        for quantity in wanted.values()
        if quantity < 1
    ]
    if errors or not wanted:
        raise InvalidRequestError(errors or [FieldError(pointer="/items", detail="one or more")])
    for item_id, units in wanted.items():
        present = items[item_id].quantity
        if units > present:
            raise InvalidStateError(
                present=f"{present} of {item_id} ordered",
                wanted=f"{units} canceled",
                allowed=[f"cancel up to {present}"] if present else [],
            )


def _edit_of(
    order: Order,
    items: Mapping[str, OrderItem],
    wanted: Mapping[str, int],
    *,
    change_id: str,
    actor: str,
    reason: str,
) -> OrderEdit:
    """The record of a cancellation by item: an edit that only takes off."""
    return OrderEdit(
        id=change_id,
        order_id=order.id,
        status=EditStatus.APPLIED,
        changes=[
            {"sku": items[item_id].sku, "quantity": items[item_id].quantity - units}
            for item_id, units in wanted.items()
        ],
        difference_amount=0,
        actor=actor,
        reason=reason,
        ended_at=orders.now(),
    )


def _words_of(taken: Sequence[TakenUnits]) -> str:
    return "Canceled: " + ", ".join(f"{one.quantity} x {one.sku}" for one in taken)


def _allowed_of(order: Order) -> list[str]:
    """What its customer or staff can still do with an order that cannot be changed."""
    delivered = {OrderStatus.SHIPPED, OrderStatus.DELIVERED}
    return ["return"] if order.status in delivered else []
