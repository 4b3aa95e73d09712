from __future__ import annotations

import pytest

from core.domain.places import Place, Position, distance_km, position_of

PARIS = Position(latitude=48.8566, longitude=2.3522)
NEW_YORK = Position(latitude=40.7128, longitude=-74.0060)


def test_known_distance_is_met() -> None:
    assert distance_km(PARIS, NEW_YORK) == pytest.approx(5837, abs=2)
    assert distance_km(NEW_YORK, PARIS) == distance_km(PARIS, NEW_YORK)


def test_other_side_of_the_globe_is_half_the_way_around() -> None:
    north = Position(latitude=90, longitude=0)
    south = Position(latitude=-90, longitude=0)

    assert distance_km(north, south) == pytest.approx(20015.1, abs=0.1)


def test_date_line_is_no_obstacle() -> None:
    west = Position(latitude=0, longitude=179.5)
    east = Position(latitude=0, longitude=-179.5)

    assert distance_km(west, east) == pytest.approx(111.2, abs=0.1)


def test_exact_position_goes_before_the_middle_of_the_country() -> None:
    assert position_of(Place(country="FR", position=PARIS)) == PARIS
    assert position_of(Place(country="FR")) == Position(latitude=46, longitude=2)
    assert position_of(Place(country="ZZ")) is None
