"""What the parcels of an order add up to, and what that makes of the order."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.statuses import ORDER_MOVES, FulfillmentStatus, OrderStatus, ShipmentStatus

_HANDED_OVER = frozenset(
    {
        ShipmentStatus.HANDED_OVER,
        ShipmentStatus.IN_TRANSIT,
        ShipmentStatus.DELIVERED,
        ShipmentStatus.DELIVERY_FAILED,
        ShipmentStatus.RETURNING,
        ShipmentStatus.RETURNED,
    }
)


def fulfillment_of(shipments: Iterable[ShipmentStatus]) -> FulfillmentStatus:
    """Sum up the shipments of an order; canceled ones do not count."""
    statuses = [status for status in shipments if status is not ShipmentStatus.CANCELED]
    gone = [status for status in statuses if status in _HANDED_OVER]
    if not gone:
        return FulfillmentStatus.UNFULFILLED
    if len(gone) < len(statuses):
        return FulfillmentStatus.PARTIALLY_SHIPPED
    if all(status is ShipmentStatus.RETURNED for status in statuses):
        return FulfillmentStatus.RETURNED
    ended = {ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED}
    if all(status in ended for status in statuses):
        return FulfillmentStatus.DELIVERED
    return FulfillmentStatus.SHIPPED


def as_counted(status: ShipmentStatus, *, made_good: bool) -> ShipmentStatus:
    """Return what a parcel counts as in its order: one that was made good is waited for no more.

    A parcel that came back stays returned, whether or not it was made good.
    """
    nowhere = {ShipmentStatus.DELIVERY_FAILED, ShipmentStatus.RETURNING}
    return ShipmentStatus.DELIVERED if made_good and status in nowhere else status


def order_status_for(
    fulfillment: FulfillmentStatus, present: OrderStatus, *, made_good: bool = False
) -> OrderStatus:
    """Return the order status that a fulfilment status asks for; never a step back.

    An order that has ended stays as it ended, whatever a late event says of its parcels.

    Args:
        fulfillment: the sum of the order's parcels.
        present: the order's status now.
        made_good: every parcel that did not arrive was replaced or refunded, so that an order
            whose parcels all came back goes on as if they had arrived.
    """
    wanted = {
        FulfillmentStatus.SHIPPED: OrderStatus.SHIPPED,
        FulfillmentStatus.DELIVERED: OrderStatus.DELIVERED,
        FulfillmentStatus.RETURNED: OrderStatus.DELIVERED if made_good else OrderStatus.SHIPPED,
    }.get(fulfillment)
    if wanted is None or present is OrderStatus.DELIVERED or not ORDER_MOVES[present]:
        return present
    return wanted
