from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.progress import as_counted, fulfillment_of, order_status_for
from core.domain.statuses import ORDER_MOVES, FulfillmentStatus, OrderStatus, ShipmentStatus

S = ShipmentStatus


@pytest.mark.parametrize(
    ("shipments", "summed_up"),
    [
        ([], FulfillmentStatus.UNFULFILLED),
        ([S.PLANNED], FulfillmentStatus.UNFULFILLED),
        ([S.PACKED, S.PLANNED], FulfillmentStatus.UNFULFILLED),
        ([S.HANDED_OVER], FulfillmentStatus.SHIPPED),
        ([S.HANDED_OVER, S.PACKED], FulfillmentStatus.PARTIALLY_SHIPPED),
        ([S.DELIVERED, S.PLANNED], FulfillmentStatus.PARTIALLY_SHIPPED),
        ([S.DELIVERED, S.IN_TRANSIT], FulfillmentStatus.SHIPPED),
        ([S.DELIVERED, S.DELIVERY_FAILED], FulfillmentStatus.SHIPPED),
        ([S.RETURNING], FulfillmentStatus.SHIPPED),
        ([S.DELIVERED], FulfillmentStatus.DELIVERED),
        ([S.DELIVERED, S.RETURNED], FulfillmentStatus.DELIVERED),
        ([S.RETURNED, S.RETURNED], FulfillmentStatus.RETURNED),
        ([S.CANCELED], FulfillmentStatus.UNFULFILLED),
        ([S.CANCELED, S.DELIVERED], FulfillmentStatus.DELIVERED),
    ],
)
def test_shipments_sum_up_to_a_fulfillment_status(
    shipments: list[ShipmentStatus], summed_up: FulfillmentStatus
) -> None:
    assert fulfillment_of(shipments) is summed_up


@given(st.lists(st.sampled_from(ShipmentStatus)), st.randoms())
def test_sum_depends_on_neither_order_nor_canceled_shipments(
    shipments: list[ShipmentStatus], random: Any
) -> None:
    shuffled = [*shipments, S.CANCELED]
    random.shuffle(shuffled)

    assert fulfillment_of(shuffled) is fulfillment_of(shipments)


@pytest.mark.parametrize(
    ("fulfillment", "present", "wanted"),
    [
        (FulfillmentStatus.UNFULFILLED, OrderStatus.PROCESSING, OrderStatus.PROCESSING),
        (FulfillmentStatus.PARTIALLY_SHIPPED, OrderStatus.PROCESSING, OrderStatus.PROCESSING),
        (FulfillmentStatus.SHIPPED, OrderStatus.PROCESSING, OrderStatus.SHIPPED),
        (FulfillmentStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.DELIVERED),
        (FulfillmentStatus.DELIVERED, OrderStatus.SHIPPED, OrderStatus.DELIVERED),
        (FulfillmentStatus.DELIVERED, OrderStatus.COMPLETED, OrderStatus.COMPLETED),
        (FulfillmentStatus.RETURNED, OrderStatus.SHIPPED, OrderStatus.SHIPPED),
    ],
)
def test_fulfillment_moves_its_order_forward(
    fulfillment: FulfillmentStatus, present: OrderStatus, wanted: OrderStatus
) -> None:
    assert order_status_for(fulfillment, present) is wanted


@pytest.mark.parametrize("fulfillment", FulfillmentStatus)
@pytest.mark.parametrize("present", [status for status in OrderStatus if not ORDER_MOVES[status]])
def test_late_news_of_a_parcel_never_wakes_an_ended_order(
    fulfillment: FulfillmentStatus, present: OrderStatus
) -> None:
    assert order_status_for(fulfillment, present) is present


@pytest.mark.parametrize(
    ("status", "made_good", "counted"),
    [
        (S.DELIVERY_FAILED, False, S.DELIVERY_FAILED),
        (S.DELIVERY_FAILED, True, S.DELIVERED),
        (S.RETURNING, True, S.DELIVERED),
        (S.RETURNED, True, S.RETURNED),
        (S.IN_TRANSIT, True, S.IN_TRANSIT),
    ],
)
def test_parcel_that_was_made_good_is_waited_for_no_more(
    *, status: ShipmentStatus, made_good: bool, counted: ShipmentStatus
) -> None:
    assert as_counted(status, made_good=made_good) is counted


def test_order_whose_parcels_came_back_goes_on_once_they_are_made_good() -> None:
    returned = FulfillmentStatus.RETURNED

    assert order_status_for(returned, OrderStatus.SHIPPED) is OrderStatus.SHIPPED
    assert order_status_for(returned, OrderStatus.SHIPPED, made_good=True) is OrderStatus.DELIVERED
