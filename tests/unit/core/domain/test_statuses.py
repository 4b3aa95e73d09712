from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

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
    OrderStatus,
    PaymentStatus,
    ReservationStatus,
    ShipmentStatus,
    can_move,
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
