"""What an edit of an order adds and takes off, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.errors import FieldError, InvalidRequestError
from models.orders import Order, OrderItem
from models.repositories.offers import ON_SALE, price_in
from models.repositories.parcel_cancellation import amounts_of

_OFFERED = text(f"""
SELECT v.sku, v.id AS variant_id, p.vendor_id, p.name || ' - ' || v.title AS name,
    offer.amount AS price
FROM variants v JOIN products p ON p.id = v.product_id
JOIN LATERAL {price_in(":currency")} offer ON true
WHERE v.sku = ANY(CAST(:skus AS text[])) AND {ON_SALE}
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """Units that an edit adds, at one price; amounts in minor units of the order's currency."""

    sku: str
    quantity: int
    unit_price: int
    tax: int
    offered: Mapping[str, Any] | None
    """The variant, when the order has none of it yet."""

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


async def additions_of(
    session: AsyncSession,
    order: Order,
    items: Sequence[OrderItem],
    wanted: Mapping[str, int],
    agreed: Mapping[str, int],
) -> list[Addition]:
    """What is added, at the price of the line that the order has, or at today's.

    ``agreed`` are the unit prices (by SKU) that were told before; they hold.

    Raises:
        InvalidRequestError: a SKU that the order does not have, and that is not for sale.
    """
    added = {sku: quantity - _ordered(items, sku) for sku, quantity in wanted.items()}
    added = {sku: quantity for sku, quantity in added.items() if quantity > 0}
    known = {item.sku: item.unit_price_amount for item in items}
    new = [sku for sku in added if sku not in known]
    rows = await session.execute(_OFFERED, {"skus": new, "currency": order.currency})
    offered = {row["sku"]: row for row in rows.mappings()}
    if missing := sorted(set(new) - set(offered)):
        raise InvalidRequestError(
            [FieldError(pointer="/changes", detail=f"{sku} is not for sale") for sku in missing]
        )
    prices = {**known, **{sku: row["price"] for sku, row in offered.items()}, **agreed}
    return [
        Addition(
            sku=sku,
            quantity=quantity,
            unit_price=prices[sku],
            tax=_tax_on(order, prices[sku] * quantity),
            offered=dict(offered[sku]) if sku in offered else None,
        )
        for sku, quantity in added.items()
    ]


def removals_of(items: Sequence[OrderItem], wanted: Mapping[str, int]) -> dict[str, int]:
    """Units to take off, by item id."""
    removed: dict[str, int] = {}
    for sku, quantity in wanted.items():
        too_many = _ordered(items, sku) - quantity
        for item in reversed([one for one in items if one.sku == sku]):
            part = min(item.quantity, max(too_many, 0))
            if part:
                removed[item.id] = part
                too_many -= part
    return removed


def _ordered(items: Sequence[OrderItem], sku: str) -> int:
    return sum(item.quantity for item in items if item.sku == sku)


def _tax_on(order: Order, amount: int) -> int:
    """The order has one rate: what is added is taxed as the rest of it is, half a unit up."""
    taxed = order.subtotal_amount - order.discount_amount + order.shipping_amount
    return (2 * amount * order.tax_amount + taxed) // (2 * taxed) if taxed else 0


def difference_of(
    order: Order,
    items: Sequence[OrderItem],
    additions: Sequence[Addition],
    removed: Mapping[str, int],
) -> int:
    more = sum(one.total + (0 if order.tax_included else one.tax) for one in additions)
    by_id = {item.id: item for item in items}
    less = sum(
        amounts_of(order, by_id[item_id]).take(units)[0].due for item_id, units in removed.items()
    )
    return more - less
