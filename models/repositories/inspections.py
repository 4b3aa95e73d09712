"""What an inspection makes of a return: goods taken in, credit given, exchange or refund."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from core.domain.amounts import LineAmounts
from core.domain.errors import FieldError, InvalidRequestError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id
from core.domain.money import Money
from core.domain.returns import shipping_goes_back
from core.domain.statuses import FulfillmentStatus
from models.orders import Order, OrderItem
from models.repositories import exchanges, refunds, restocking, timeline
from models.repositories.exchanges import WantedExchange
from models.repositories.restocking import UnitsBack
from models.repositories.returns import credit_of, in_units, items_of
from models.returns import Return, ReturnItem
from models.shipments import Shipment


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """What came of one item, and what it is worth."""

    asked: ReturnItem
    item: OrderItem
    back: UnitsBack
    amounts: LineAmounts


async def take_stock_of(
    session: AsyncSession, returned: Return, units: Sequence[UnitsBack]
) -> list[tuple[ReturnItem, OrderItem, UnitsBack]]:
    """Write down what came.

    Raises:
        InvalidRequestError: an item that was not asked for, or more of it than was.
    """
    asked = {one.item_id: (one, item) for one, item in await items_of(session, returned.id)}
    found: list[tuple[ReturnItem, OrderItem, UnitsBack]] = []
    for n, back in enumerate(units):
        if back.item_id not in asked:
            pointer = f"/items/{n}/item_id"
            raise InvalidRequestError([FieldError(pointer=pointer, detail="not in this return")])
        one, item = asked[back.item_id]
        if back.units > one.quantity:
            detail = f"at most {one.quantity}, as the return says"
            raise InvalidRequestError([FieldError(pointer=f"/items/{n}/quantity", detail=detail)])
        one.sellable_quantity, one.damaged_quantity = back.sellable, back.damaged
        found.append((one, item, replace(back, sku=item.sku)))
    await session.flush()
    return found


async def credit(
    session: AsyncSession,
    order: Order,
    returned: Return,
    found: Sequence[tuple[ReturnItem, OrderItem, UnitsBack]],
    *,
    warehouse_id: str,
    actor: str,
) -> list[str]:
    """Take the goods in, reserve what is wanted for them, and request the refund of the rest.

    Returns:
        Other orders that waited for these goods and got them.
    """
    came = [
        Credit(asked=one, item=item, back=back, amounts=credit_of(order, item, back.units))
        for one, item, back in found
    ]
    wanted = _wanted(came)
    served = await restocking.take_back(
        session,
        returned,
        [one.back for one in came],
        warehouse_id=warehouse_id,
        actor=actor,
        wanted=[one.sku for one in wanted],
    )
    for one in came:
        one.item.returned_quantity += one.back.units
    await session.flush()
    exchange = await exchanges.plan(session, order, returned, wanted)
    worth = sum(one.amounts.due for one in came)
    worth += await shipping_back(session, order, returned)
    exchanges.ask_for(exchange, max(0, exchange.cost - worth))
    await session.flush()
    await timeline.append(
        session,
        order.id,
        [
            _inspected(order, came, actor),
            *(_not_exchanged(sku, why) for sku, why in exchange.refused.items()),
            *(_going_out(shipment.number) for shipment in exchange.shipments),
        ],
    )
    await request_refund(session, order, returned, worth - exchange.cost)
    return served


async def refund_instead(
    session: AsyncSession,
    order: Order,
    returned: Return,
    planned: Sequence[Shipment],
    reason: str,
) -> None:
    """Give an exchange up that was not paid for, and request the refund of all that came back."""
    unpaid = sum(one.capture_amount for one in planned)
    worth = await exchanges.drop(session, order, planned) - unpaid
    worth += await shipping_back(session, order, returned)
    entry = TimelineEntry(
        type=OrderEvent.SHIPMENT_CANCELED, title="No exchange: refunded instead", detail=reason
    )
    await timeline.append(session, order.id, [entry])
    await request_refund(session, order, returned, worth)


async def request_refund(
    session: AsyncSession, order: Order, returned: Return, amount: int
) -> None:
    """Request what the return is worth, as far as it was paid and not given back already."""
    possible = sum(left for _, left in await refunds.refundable(session, order.id))
    payable = min(amount, possible)
    if payable <= 0:
        return
    refund = await refunds.request(
        session,
        order,
        refund_id=derived_id(Prefix.REFUND, returned.id, 1),
        amount=payable,
        reason="goods returned",
        actor="system",
        return_id=returned.id,
        items=[
            {"item_id": one.item_id, "quantity": one.sellable_quantity + one.damaged_quantity}
            for one, _ in await items_of(session, returned.id)
            if one.sellable_quantity + one.damaged_quantity
        ],
    )
    returned.refund_id, returned.refund_amount = refund.id, refund.amount
    await session.flush()


async def shipping_back(session: AsyncSession, order: Order, returned: Return) -> int:
    """The fee that goes back with the last unit of an order, if the shop was wrong."""
    statement = select(OrderItem).where(OrderItem.order_id == order.id)
    items = (await session.scalars(statement)).all()
    kept = sum(item.quantity - item.returned_quantity for item in items)
    if kept == 0:
        order.fulfillment_status = FulfillmentStatus.RETURNED
    reasons = [one.reason for one, _ in await items_of(session, returned.id)]
    returned.refund_shipping = shipping_goes_back(reasons, units_kept=kept)
    if not returned.refund_shipping:
        return 0
    tax = 0 if order.tax_included else order.shipping_tax_amount
    return order.shipping_amount - order.shipping_discount_amount + tax


def _wanted(came: Sequence[Credit]) -> list[WantedExchange]:
    by_sku: dict[str, WantedExchange] = {}
    for one in came:
        sku = one.asked.exchange_sku
        if sku is not None and one.back.units:
            by_sku.setdefault(sku, WantedExchange(sku=sku)).credits.append(one.amounts)
    return [by_sku[sku] for sku in sorted(by_sku)]


def _inspected(order: Order, came: Sequence[Credit], actor: str) -> TimelineEntry:
    worth = Money(amount=sum(one.amounts.due for one in came), currency=order.currency)
    sellable = sum(one.back.sellable for one in came)
    damaged = sum(one.back.damaged for one in came)
    return TimelineEntry(
        type=OrderEvent.RETURN_INSPECTED,
        title=f"Returned goods inspected: worth {worth}",
        detail=f"{in_units(sellable)} can be sold again, {in_units(damaged)} damaged",
        actor=actor,
    )


def _not_exchanged(sku: str, why: str) -> TimelineEntry:
    return TimelineEntry(
        type=OrderEvent.RETURN_INSPECTED,
        title=f"No exchange for {sku}: refunded instead",
        detail=why,
    )


def _going_out(number: int) -> TimelineEntry:
    return TimelineEntry(
        type=OrderEvent.SHIPMENT_PLANNED,
        title=f"Parcel {number} planned in exchange for the return",
    )
