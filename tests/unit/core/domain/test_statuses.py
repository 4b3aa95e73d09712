from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.disputes import DISPUTE_MOVES
from core.domain.errors import InvalidStateError
from core.domain.statuses import (
    CANCELABLE,
    OPEN_RESERVATION,
    ORDER_MOVES,
    PAYMENT_MOVES,
    RESERVATION_MOVES,
    SHIPMENT_MOVES,
    DisputeStatus,
    FulfillmentStatus,
    OrderStatus,
    PaymentStatus,
    ReservationStatus,
    ShipmentStatus,
    as_counted,
    can_move,
    fulfillment_of,
    order_status_for,
    require_move,
)

AXES: list[tuple[type[StrEnum], Mapping[Any, frozenset[Any]], set[StrEnum]]] = [
    (
        OrderStatus,
        ORDER_MOVES,
        {OrderStatus.COMPLETED, OrderStatus.FAILED, OrderStatus.CANCELED},
    ),
    (
        PaymentStatus,
        PAYMENT_MOVES,
        {PaymentStatus.VOIDED, PaymentStatus.FAILED},
    ),
    (
        ReservationStatus,
        RESERVATION_MOVES,
        {ReservationStatus.CONSUMED, ReservationStatus.RELEASED, ReservationStatus.EXPIRED},
    ),
    (
        ShipmentStatus,
        SHIPMENT_MOVES,
        {ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED, ShipmentStatus.CANCELED},
    ),
    (DisputeStatus, DISPUTE_MOVES, {DisputeStatus.WON, DisputeStatus.LOST}),
]
S = ShipmentStatus


@pytest.mark.parametrize(("axis", "moves", "terminal"), AXES)
def test_table_knows_every_state_and_no_way_out_of_the_terminal_ones(
    axis: type[StrEnum], moves: Mapping[Any, frozenset[Any]], terminal: set[StrEnum]
) -> None:
    assert set(moves) == set(axis)
    assert {state for state, onward in moves.items() if not onward} == terminal
    assert all(state not in onward for state, onward in moves.items())


@pytest.mark.parametrize(("axis", "moves", "terminal"), AXES)
def test_every_state_leads_to_a_terminal_one(
    axis: type[StrEnum], moves: Mapping[Any, frozenset[Any]], terminal: set[StrEnum]
) -> None:
    for state in axis:
        reached, frontier = {state}, [state]
        while frontier:
            onward = moves[frontier.pop()] - reached
            reached |= onward
            frontier.extend(onward)
        assert reached & terminal


@pytest.mark.parametrize(("axis", "moves", "terminal"), AXES)
def test_move_is_possible_exactly_when_the_table_has_it(
    axis: type[StrEnum], moves: Mapping[Any, frozenset[Any]], terminal: set[StrEnum]
) -> None:
    for present in axis:
        for wanted in axis:
            if wanted in moves[present]:
                require_move(moves, present, wanted)
                assert can_move(moves, present, wanted)
            else:
                assert not can_move(moves, present, wanted)
                with pytest.raises(InvalidStateError) as refused:
                    require_move(moves, present, wanted)
                assert refused.value.extra() == {
                    "state": present,
                    "allowed": sorted(moves[present]),
                }


def test_order_never_goes_back_on_its_way() -> None:
    way = [
        OrderStatus.PENDING,
        OrderStatus.REQUIRES_ACTION,
        OrderStatus.CONFIRMED,
        OrderStatus.PROCESSING,
        OrderStatus.SHIPPED,
        OrderStatus.DELIVERED,
        OrderStatus.COMPLETED,
    ]

    for n, later in enumerate(way):
        assert ORDER_MOVES[later].isdisjoint(way[: n + 1])


def test_order_can_be_canceled_exactly_where_the_table_says_so() -> None:
    assert {
        state for state, onward in ORDER_MOVES.items() if OrderStatus.CANCELED in onward
    } == CANCELABLE


def test_open_lines_are_those_that_still_move() -> None:
    assert {state for state, onward in RESERVATION_MOVES.items() if onward} == set(OPEN_RESERVATION)


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
