"""Where an order goes: changed under its row's lock, until a carrier is asked for a parcel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.database import Database
from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.statuses import OrderStatus, ShipmentStatus
from models.orders import Order
from models.repositories import orders, shipments, timeline

_MOVABLE = frozenset({OrderStatus.REQUIRES_ACTION, OrderStatus.CONFIRMED, OrderStatus.PROCESSING})


async def put_address(
    database: Database,
    order_id: str,
    address: Mapping[str, Any],
    *,
    customer_id: str | None,
    actor: str,
) -> None:
    """Change the address of a customer's order; nothing happens when it is the same.

    The timeline tells that it was changed, never to what.

    Raises:
        NotFoundError: there is no such order of the customer's.
        InvalidStateError: a carrier knows of a parcel, the order is being canceled or has ended, or
            the taxes and the fee of the new address would be others.
    """
    async with database.transaction() as session:
        order = await orders.lock_if_opened(session, order_id)
        if order is None or customer_id not in {None, order.customer_id}:
            raise NotFoundError("there is no such order")
        if dict(address) == order.shipping_address:
            return
        booked = any(
            one.booking_at is not None or one.status != ShipmentStatus.PLANNED
            for one in await shipments.of_order(session, order_id)
            if one.status != ShipmentStatus.CANCELED
        )
        _require_movable(order, address, booked=booked)
        order.shipping_address = dict(address)
        order.updated_at = orders.now()
        await session.flush()
        entry = TimelineEntry(
            type=OrderEvent.ADDRESS_CHANGED, title="Shipping address changed", actor=actor
        )
        await timeline.append(session, order_id, [entry])


def _require_movable(order: Order, address: Mapping[str, Any], *, booked: bool) -> None:
    wanted = "another address"
    if order.status not in _MOVABLE:
        raise InvalidStateError(present=order.status, wanted=wanted)
    if order.cancel_requested_at is not None:
        raise InvalidStateError(present="being canceled", wanted=wanted)
    if booked:
        raise InvalidStateError(present="a parcel is booked", wanted=wanted, allowed=["return"])
    place = [order.shipping_address.get(name) for name in ("country", "region")]
    if [address.get(name) for name in ("country", "region")] != place:
        known = " ".join(str(part) for part in place if part)
        raise InvalidStateError(
            present=f"taxed and priced for {known}",
            wanted="an address in another country or region",
            allowed=["another address in the same country and region", "cancel"],
        )
