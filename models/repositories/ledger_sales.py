"""How captures and refunds of an order are divided, read from what is sold and posted so far.

The order's row is locked by the caller, so nothing is posted for it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.amounts import LineAmounts
from core.domain.ledger import Account
from core.domain.sales import (
    SHIPPING,
    SHIPPING_TAX,
    Refunded,
    Slot,
    SoldLine,
    TakenItem,
    part_of,
    sale_of_parcel,
    taken_back,
)
from models.orders import ItemKind, Order
from models.payments import Refund
from models.repositories.commissions import RATE_OF_ITEM

_DIVIDED = text("""
SELECT p.key, p.kind, e.account, e.holder, e.item_id, -e.amount AS amount
FROM ledger_postings p JOIN ledger_entries e ON e.posting_key = p.key
WHERE p.order_id = :order_id AND p.kind IN ('capture', 'refund', 'refund_failed')
  AND e.account IN ('vendor_payable', 'commission', 'tax', 'shipping', 'refunds')
ORDER BY p.posted_at, p.key, e.position
""")

# A parcel in exchange stands for itself: what came back has paid for a part of its goods.
_SOLD = text(f"""
WITH parcel AS (
    SELECT id, number, purpose, capture_amount FROM shipments
    WHERE order_id = :order_id AND number = :number
), counted AS (
    SELECT id, number FROM parcel
    UNION ALL
    SELECT s.id, s.number FROM shipments s, parcel
    WHERE s.order_id = :order_id AND s.number <> :number AND s.status <> 'canceled'
      AND s.purpose = 'order' AND parcel.purpose = 'order' AND EXISTS (
        SELECT FROM captures c JOIN payments p ON p.id = c.payment_id
        WHERE p.order_id = :order_id AND c.number = s.number AND c.status = 'captured')
)
SELECT i.id AS item_id, i.vendor_id, i.quantity, i.total_amount, i.discount_amount, i.tax_amount,
    least(sum(si.quantity), i.quantity)::int AS units, coalesce(rule.basis_points, 0) AS rate,
    (SELECT capture_amount FROM parcel) AS parcel_amount,
    (SELECT array_agg(number) FROM counted WHERE number <> :number) AS others
FROM counted JOIN shipment_items si ON si.shipment_id = counted.id
JOIN order_items i ON i.id = si.item_id
LEFT JOIN {RATE_OF_ITEM} rule ON true
GROUP BY i.order_id, i.position, i.id, rule.basis_points
ORDER BY i.position
""")

# Units that a parcel was paid with, less what other refunds were for.
_TAKEN = text("""
WITH wanted AS (
    SELECT item ->> 'item_id' AS item_id, sum(CAST(item ->> 'quantity' AS int)) AS units
    FROM refunds, jsonb_array_elements(items) AS item WHERE id = :refund_id GROUP BY 1
)
SELECT i.id AS item_id, i.vendor_id, i.kind, wanted.units::int AS units, (
    SELECT coalesce(sum(si.quantity), 0)
    FROM shipments s JOIN shipment_items si ON si.shipment_id = s.id
    WHERE s.order_id = :order_id AND si.item_id = i.id AND EXISTS (
        SELECT FROM captures c JOIN payments p ON p.id = c.payment_id
        WHERE p.order_id = :order_id AND c.number = s.number AND c.status = 'captured')
)::int AS sold, (
    SELECT coalesce(sum(CAST(given.item ->> 'quantity' AS int)), 0)
    FROM refunds r CROSS JOIN LATERAL jsonb_array_elements(r.items) AS given (item)
    WHERE r.order_id = :order_id AND r.id <> :refund_id AND given.item ->> 'item_id' = i.id
      AND EXISTS (SELECT FROM refund_parts p WHERE p.refund_id = r.id AND p.status = 'succeeded')
)::int AS credited
FROM wanted JOIN order_items i ON i.id = wanted.item_id
WHERE wanted.units > 0 ORDER BY i.position
""")

_LEFT = text("""
SELECT coalesce(sum(captured_amount - disputed_amount), 0)::bigint - (
    SELECT coalesce(sum(p.amount), 0)
    FROM refund_parts p JOIN refunds r ON r.id = p.refund_id
    WHERE r.order_id = :order_id AND r.id <> :refund_id AND p.status = 'succeeded'
)::bigint AS amount,
    coalesce(sum(disputed_amount), 0)::bigint AS disputed
FROM payments WHERE order_id = :order_id
""")


async def sale_of(
    session: AsyncSession, order: Order, *, number: int, amount: int
) -> dict[Slot, int]:
    """Divide ``amount`` (minor units) that was just taken for parcel ``number`` of a locked order.

    All that is taken for a parcel adds up to the division of what the parcel costs.
    """
    rows = await _divided(session, order)
    sold = (await session.execute(_SOLD, {"order_id": order.id, "number": number})).mappings().all()
    others = set(sold[0]["others"] or ()) if sold else set()
    posted = _sum(row for row in rows if _parcel_of(row) in others)
    own = _sum(row for row in rows if _parcel_of(row) == number)
    until = sum(own.values()) + amount
    whole = max(until, sold[0]["parcel_amount"] if sold else 0)
    full = sale_of_parcel(whole, [_line(order, row) for row in sold], shipping_of(order), posted)
    return part_of(full, until, own)


async def take_back(
    session: AsyncSession, order: Order, refund: Refund, *, amount: int
) -> dict[Slot, int]:
    """Divide ``amount`` (minor units), which one payment of a locked order has just given back.

    All that is given back with one refund adds up to the division of the whole refund.
    """
    rows = await _divided(session, order)
    own = _sum(row for row in rows if row["key"].startswith(f"{refund.id}:"))
    left = _sum(row for row in rows if not row["key"].startswith(f"{refund.id}:"))
    which = {"order_id": order.id, "refund_id": refund.id}
    taken = (await session.execute(_TAKEN, which)).mappings().all()
    money = (await session.execute(_LEFT, which)).one()
    shipped = left.get(SHIPPING, 0) + left.get(SHIPPING_TAX, 0)
    whole = taken_back(
        Refunded(
            amount=refund.amount,
            items=[_taken(row) for row in taken],
            leaves_nothing=money.amount == refund.amount and not money.disputed,
            overtaken_shipping=max(shipped - shipping_of(order).due, 0),
        ),
        left,
    )
    posted = {slot: -credit for slot, credit in own.items()}
    return part_of(whole, sum(posted.values()) + amount, posted)


def shipping_of(order: Order) -> LineAmounts:
    """What the shipping of an order costs now."""
    return LineAmounts(
        quantity=1,
        total=order.shipping_amount,
        discount=order.shipping_discount_amount,
        tax=order.shipping_tax_amount,
        tax_included=order.tax_included,
    )


async def _divided(session: AsyncSession, order: Order) -> list[RowMapping]:
    return list((await session.execute(_DIVIDED, {"order_id": order.id})).mappings())


def _sum(rows: Iterable[RowMapping]) -> dict[Slot, int]:
    total: dict[Slot, int] = {}
    for row in rows:
        slot = Slot(Account(row["account"]), row["holder"], row["item_id"])
        total[slot] = total.get(slot, 0) + row["amount"]
    return total


def _parcel_of(row: RowMapping) -> int | None:
    """The number of the parcel that a capture was posted for."""
    if row["kind"] != "capture":
        return None
    return int(row["key"].rpartition(":")[2])


def _line(order: Order, row: RowMapping) -> SoldLine:
    whole = LineAmounts(
        quantity=row["quantity"],
        total=row["total_amount"],
        discount=row["discount_amount"],
        tax=row["tax_amount"],
        tax_included=order.tax_included,
    )
    return SoldLine(
        item_id=row["item_id"],
        vendor_id=row["vendor_id"],
        amounts=whole.slice(0, row["units"]),
        basis_points=row["rate"],
    )


def _taken(row: RowMapping) -> TakenItem:
    return TakenItem(
        item_id=row["item_id"],
        vendor_id=row["vendor_id"],
        units=row["units"],
        left=max(row["sold"] - row["credited"], row["units"]),
        in_exchange=row["kind"] == ItemKind.EXCHANGE,
    )
