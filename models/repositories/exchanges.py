"""Goods in exchange for a return: reserved at its inspection, given up if not paid for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import RowMapping, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.allocation import Allocation, allocate
from core.domain.amounts import LineAmounts
from core.domain.ids import Prefix, derived_id
from core.domain.money import split
from core.domain.returns import exchanged
from core.domain.statuses import ShipmentStatus
from models.orders import ItemKind, Order, OrderItem
from models.repositories import reservations, shipments
from models.repositories.offers import ON_SALE, price_in
from models.returns import Return
from models.shipments import Shipment, ShipmentItem, ShipmentPurpose

_OFFERS = text(f"""
SELECT v.sku, v.id AS variant_id, p.vendor_id, offer.amount AS price,
    CASE WHEN v.title IN ('', p.name) THEN p.name ELSE p.name || ' - ' || v.title END AS name
FROM variants v JOIN products p ON p.id = v.product_id
JOIN LATERAL {price_in(":currency")} offer ON true
WHERE v.sku = ANY(:skus) AND {ON_SALE}
""")

_RESERVE = text("""
WITH plan AS (
    SELECT * FROM unnest(
        CAST(:shipment_ids AS text[]), CAST(:warehouse_ids AS text[]), CAST(:skus AS text[]),
        CAST(:quantities AS int[])
    ) AS plan (shipment_id, warehouse_id, sku, quantity)
), reserved AS (
    UPDATE stock s SET reserved = s.reserved + plan.quantity FROM plan
    WHERE s.warehouse_id = plan.warehouse_id AND s.sku = plan.sku
)
INSERT INTO reservation_lines (order_id, shipment_id, warehouse_id, sku, quantity, status)
SELECT :order_id, shipment_id, warehouse_id, sku, quantity, 'committed' FROM plan
""")


@dataclass(kw_only=True, slots=True)
class WantedExchange:
    """Units of one SKU that are wanted for what came back; ``credits`` is what that is worth."""

    sku: str
    credits: list[LineAmounts] = field(default_factory=list)

    @property
    def units(self) -> int:
        return sum(credit.quantity for credit in self.credits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """What goes out, what it costs (minor units), and the SKUs that cannot, with why."""

    cost: int
    shipments: Sequence[Shipment]
    worth: Sequence[int]
    """What each parcel's goods cost at their price, minor units."""
    refused: dict[str, str]


async def offers(
    session: AsyncSession, skus: Sequence[str], currency: str
) -> dict[str, RowMapping]:
    """What is sold today of these SKUs, by SKU."""
    rows = await session.execute(_OFFERS, {"skus": list(skus), "currency": currency})
    return {row["sku"]: row for row in rows.mappings()}


async def plan(
    session: AsyncSession, order: Order, of: Return, wanted: Sequence[WantedExchange]
) -> Exchange:
    """Reserve what there is of each SKU, whole or not at all, and plan parcels that carry it.

    The order's row and the SKUs' stock rows are locked by the caller.
    """
    offered = await offers(session, [one.sku for one in wanted], order.currency)
    levels = await reservations.lock_levels(session, [one.sku for one in wanted])
    refused: dict[str, str] = {}
    items: list[OrderItem] = []
    parcels: dict[tuple[str, str], list[tuple[OrderItem, int]]] = {}
    position = await _next_position(session, order)
    for one in wanted:
        offer = offered.get(one.sku)
        if offer is None:
            refused[one.sku] = "not sold any more"
            continue
        allocations = allocate({one.sku: one.units}, levels)
        found = [line for line in allocations if isinstance(line, Allocation)]
        if not found:
            refused[one.sku] = "out of stock"
            continue
        item = _item(order, of, one, offer, position + len(items))
        items.append(item)
        for line in found:
            parcel = parcels.setdefault((item.vendor_id, line.warehouse_id), [])
            parcel.append((item, line.quantity))
    session.add_all(items)
    await session.flush()
    planned = await _parcels(session, order, of, parcels)
    cost = sum(_due(order, item) for item in items)
    worth = [
        sum(item.unit_price_amount * units for item, units in parcels[key])
        for key in sorted(parcels)
    ]
    return Exchange(cost=cost, shipments=planned, worth=worth, refused=refused)


def _item(
    order: Order, of: Return, wanted: WantedExchange, offer: RowMapping, position: int
) -> OrderItem:
    amounts = [exchanged(credit, offer["price"]) for credit in wanted.credits]
    return OrderItem(
        order_id=order.id,
        position=position,
        id=derived_id(Prefix.ITEM, of.id, wanted.sku),
        sku=wanted.sku,
        variant_id=offer["variant_id"],
        vendor_id=offer["vendor_id"],
        name=offer["name"],
        quantity=wanted.units,
        unit_price_amount=offer["price"],
        total_amount=sum(one.total for one in amounts),
        discount_amount=sum(one.discount for one in amounts),
        tax_amount=sum(one.tax for one in amounts),
        kind=ItemKind.EXCHANGE,
    )


def _due(order: Order, item: OrderItem) -> int:
    tax = 0 if order.tax_included else item.tax_amount
    return item.total_amount - item.discount_amount + tax


async def _next_position(session: AsyncSession, order: Order) -> int:
    last = select(func.max(OrderItem.position)).where(OrderItem.order_id == order.id)
    return int((await session.scalars(last)).one()) + 1


async def _parcels(
    session: AsyncSession,
    order: Order,
    of: Return,
    parcels: dict[tuple[str, str], list[tuple[OrderItem, int]]],
) -> list[Shipment]:
    number = len(await shipments.of_order(session, order.id))
    planned: list[Shipment] = []
    contents: list[ShipmentItem] = []
    for (vendor_id, warehouse_id), lines in sorted(parcels.items()):
        number += 1
        shipment = Shipment(
            id=derived_id(Prefix.SHIPMENT, order.id, number),
            order_id=order.id,
            number=number,
            vendor_id=vendor_id,
            warehouse_id=warehouse_id,
            status=ShipmentStatus.PLANNED,
            capture_amount=0,
            purpose=ShipmentPurpose.EXCHANGE,
            replaces_id=of.id,
        )
        planned.append(shipment)
        contents += [
            ShipmentItem(shipment_id=shipment.id, item_id=item.id, sku=item.sku, quantity=units)
            for item, units in lines
        ]
    session.add_all(planned)
    await session.flush()
    session.add_all(contents)
    await session.flush()
    await _reserve(session, order, planned, contents)
    return planned


async def _reserve(
    session: AsyncSession,
    order: Order,
    planned: Sequence[Shipment],
    contents: Sequence[ShipmentItem],
) -> None:
    warehouses = {shipment.id: shipment.warehouse_id for shipment in planned}
    await session.execute(
        _RESERVE,
        {
            "order_id": order.id,
            "shipment_ids": [one.shipment_id for one in contents],
            "warehouse_ids": [warehouses[one.shipment_id] for one in contents],
            "skus": [one.sku for one in contents],
            "quantities": [one.quantity for one in contents],
        },
    )


async def shipments_of(session: AsyncSession, return_id: str) -> list[Shipment]:
    """The parcels that go out in exchange for a return and are not given up."""
    statement = (
        select(Shipment)
        .where(
            Shipment.replaces_id == return_id,
            Shipment.purpose == ShipmentPurpose.EXCHANGE,
            Shipment.status != ShipmentStatus.CANCELED,
        )
        .order_by(col(Shipment.number))
    )
    return list((await session.scalars(statement)).all())


def ask_for(exchange: Exchange, amount: int) -> None:
    """Let the parcels take ``amount`` (minor units) between them, by the price of their goods."""
    if exchange.shipments:
        parts = split(amount, exchange.worth)
        for shipment, part in zip(exchange.shipments, parts, strict=True):
            shipment.capture_amount = part


async def drop(session: AsyncSession, order: Order, planned: Sequence[Shipment]) -> int:
    """Give the exchange up: its goods are free again; return what it would have cost."""
    cost = 0
    for shipment in planned:
        await reservations.release_shipment(session, shipment.id)
        shipment.status = ShipmentStatus.CANCELED
        statement = (
            select(OrderItem)
            .join(ShipmentItem, col(ShipmentItem.item_id) == OrderItem.id)
            .where(ShipmentItem.shipment_id == shipment.id)
        )
        for item in (await session.scalars(statement)).all():
            cost += _due(order, item)
            item.canceled_quantity += item.quantity
            item.quantity = item.total_amount = item.discount_amount = item.tax_amount = 0
    await session.flush()
    return cost
