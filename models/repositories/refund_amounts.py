"""What units of an order are worth when their money goes back."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.amounts import LineAmounts
from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError
from models.orders import Order
from models.repositories import refunds

_ITEMS = text("""
SELECT i.id, i.sku, i.quantity, i.total_amount, i.discount_amount, i.tax_amount,
    greatest(i.returned_quantity, (
        SELECT coalesce(sum(CAST(given.item ->> 'quantity' AS int)), 0)
        FROM refunds r CROSS JOIN LATERAL jsonb_array_elements(r.items) AS given (item)
        WHERE r.order_id = i.order_id AND r.status <> 'failed'
          AND given.item ->> 'item_id' = i.id
    )) AS credited,
    (
        SELECT coalesce(sum(si.quantity), 0)
        FROM shipment_items si JOIN shipments s ON s.id = si.shipment_id
        WHERE si.item_id = i.id AND s.status <> 'canceled' AND s.purpose = 'order' AND EXISTS (
            SELECT FROM captures c JOIN payments p ON p.id = c.payment_id
            WHERE p.order_id = s.order_id AND c.number = s.number AND c.status = 'captured')
    ) AS paid
FROM order_items i WHERE i.order_id = :order_id AND i.kind = 'ordered'
""")


async def value_of(session: AsyncSession, order: Order, units: Mapping[str, int]) -> int:
    """Return what units of a locked order's items were paid with (minor units), tax included.

    Only units that were paid for count, and none that was credited before: what is given back for
    an item never adds up to more than the item.

    Raises:
        InvalidRequestError: the order has no such item.
        InvalidStateError: more units than are paid for and not credited yet.
    """
    rows = (await session.execute(_ITEMS, {"order_id": order.id})).mappings().all()
    items = {row["id"]: row for row in rows}
    unknown = [
        FieldError(pointer=f"/items/{number}/item_id", detail="not an item of this order")
        for number, item_id in enumerate(units)
        if item_id not in items
    ]
    if unknown:
        raise InvalidRequestError(unknown)
    return sum(_value(order, items[item_id], quantity) for item_id, quantity in units.items())


async def left(session: AsyncSession, order: Order) -> int:
    """What of a locked order was captured and is neither refunded nor about to be, minor units."""
    return sum(amount for _, amount in await refunds.refundable(session, order.id))


def _value(order: Order, item: RowMapping, quantity: int) -> int:
    start = int(item["credited"])
    possible = max(min(int(item["paid"]), int(item["quantity"])) - start, 0)
    if quantity > possible:
        raise InvalidStateError(
            present=f"{possible} units of {item['sku']} are paid for and not credited",
            wanted=f"a refund of {quantity}",
            allowed=[f"refund up to {possible} units"] if possible else [],
        )
    line = LineAmounts(
        quantity=item["quantity"],
        total=item["total_amount"],
        discount=item["discount_amount"],
        tax=item["tax_amount"],
        tax_included=order.tax_included,
    )
    return line.slice(start, start + quantity).due
