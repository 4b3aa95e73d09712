"""Money back for a parcel that is canceled after it was paid for, or that never arrived."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.ids import Prefix, derived_id
from core.domain.statuses import ShipmentStatus
from models.orders import Order, OrderItem
from models.payments import Refund
from models.repositories import parcel_states, refunds, shipments, timeline
from models.repositories.parcel_cancellation import amounts_of, cancel_parcel
from models.shipments import Shipment, ShipmentPurpose

_DROP_PLANNED = text("""
DELETE FROM captures c USING payments p
WHERE p.id = c.payment_id AND p.order_id = :order_id AND c.number = :number
  AND c.status = 'planned'
""")
_CAPTURED = text("""
SELECT coalesce(sum(c.amount), 0)::bigint FROM captures c JOIN payments p ON p.id = c.payment_id
WHERE p.order_id = :order_id AND c.number = :number AND c.status = 'captured'
""")


async def cancel_and_refund(
    session: AsyncSession, order: Order, shipment: Shipment, *, actor: str, reason: str
) -> str | None:
    """Cancel a parcel that has not left; return the refund of what was taken for it, if anything.

    One that makes another good was for nothing: its goods are given back what they had cost.

    Raises:
        InvalidStateError: the parcel has left.
    """
    if shipment.purpose == ShipmentPurpose.REPLACEMENT:
        await cancel_parcel(session, order, shipment, actor=actor, reason=reason)
        return await refund_contents(session, order, shipment, actor=actor, reason=reason)
    refund_id = derived_id(Prefix.REFUND, shipment.id, "canceled")
    if shipment.status == ShipmentStatus.CANCELED:
        return refund_id if await session.get(Refund, refund_id) else None
    capture = {"order_id": order.id, "number": shipment.number}
    await session.execute(_DROP_PLANNED, capture)
    captured = int(await session.scalar(_CAPTURED, capture) or 0)
    canceled = await cancel_parcel(session, order, shipment, actor=actor, reason=reason)
    owed = captured + canceled.overpaid
    if shipment.purpose == ShipmentPurpose.EXCHANGE:
        # What came back for them has paid for the rest of their price.
        owed += sum(one.due for one in canceled.items) - shipment.capture_amount
    if not owed:
        return None
    await refunds.request(
        session,
        order,
        refund_id=refund_id,
        amount=owed,
        reason=reason,
        actor=actor,
        shipment_id=shipment.id,
        items=[{"item_id": one.item_id, "quantity": one.quantity} for one in canceled.items],
    )
    return refund_id


async def refund_contents(
    session: AsyncSession, order: Order, shipment: Shipment, *, actor: str, reason: str
) -> str | None:
    """Ask for the price of a parcel's goods back, and count them as returned. Once per parcel.

    None when they cost nothing, or when everything was given back before. What was canceled is the
    worth of the parcel that it was to make good.
    """
    refund_id = derived_id(Prefix.REFUND, shipment.id, "not-arrived")
    if await session.get(Refund, refund_id):
        return refund_id
    contents = {one.item_id: one.quantity for one in await shipments.items_of(session, shipment.id)}
    statement = (
        select(OrderItem)
        .where(OrderItem.order_id == order.id, col(OrderItem.id).in_(contents))
        .order_by(col(OrderItem.position))
    )
    worth = 0
    credited: list[dict[str, object]] = []
    for item in (await session.scalars(statement)).all():
        until = min(item.returned_quantity + contents[item.id], item.quantity)
        worth += amounts_of(order, item).slice(item.returned_quantity, until).due
        credited.append({"item_id": item.id, "quantity": until - item.returned_quantity})
        item.returned_quantity = until
    left = sum(amount for _, amount in await refunds.refundable(session, order.id))
    if not min(worth, left):
        return None
    await refunds.request(
        session,
        order,
        refund_id=refund_id,
        amount=min(worth, left),
        reason=reason or f"parcel {shipment.number} did not arrive",
        actor=actor,
        shipment_id=(
            shipment.replaces_id if shipment.status == ShipmentStatus.CANCELED else shipment.id
        ),
        items=credited,
    )
    entries = await parcel_states.sum_up(session, order)
    await session.flush()
    await timeline.append(session, order.id, entries)
    return refund_id
