from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.allocation import Allocation, AllocationStrategy, StockLevel, allocate
from core.domain.errors import Shortage
from core.domain.places import Place, Position

SKUS = ("A", "B", "C")
WAREHOUSES = ("whs_1", "whs_2", "whs_3", "whs_4")
STRATEGIES = st.sampled_from(AllocationStrategy)
HERE = Place(country="US", region="CA")

wanted_items = st.dictionaries(
    st.sampled_from(SKUS), st.integers(min_value=1, max_value=30), min_size=1
)
stock = st.dictionaries(
    st.tuples(st.sampled_from(WAREHOUSES), st.sampled_from(SKUS)),
    st.integers(min_value=0, max_value=20),
)
priorities = st.fixed_dictionaries({name: st.integers(0, 2) for name in WAREHOUSES})


def level(warehouse_id: str, sku: str, available: int, priority: int = 0) -> StockLevel:
    return StockLevel(warehouse_id=warehouse_id, sku=sku, available=available, priority=priority)


def units(warehouse_id: str, sku: str, quantity: int) -> Allocation:
    return Allocation(warehouse_id=warehouse_id, sku=sku, quantity=quantity)


@given(wanted_items, stock, priorities, STRATEGIES)
def test_plan_is_exact_within_stock_and_sorted_or_names_every_shortage(
    wanted: dict[str, int],
    available: dict[tuple[str, str], int],
    rank: dict[str, int],
    strategy: AllocationStrategy,
) -> None:
    levels = [level(w, sku, units, rank[w]) for (w, sku), units in available.items()]
    total = Counter[str]()
    for (_, sku), count in available.items():
        total[sku] += count
    short = [
        Shortage(sku=sku, requested=quantity, available=total[sku])
        for sku, quantity in wanted.items()
        if total[sku] < quantity
    ]

    plan = allocate(wanted, levels, strategy=strategy, destination=HERE)

    if short:
        assert plan == short
        return
    taken = [allocation for allocation in plan if isinstance(allocation, Allocation)]
    assert len(taken) == len(plan)
    given_units = Counter[str]()
    for allocation in taken:
        given_units[allocation.sku] += allocation.quantity
        here = available[allocation.warehouse_id, allocation.sku]
        assert 0 < allocation.quantity <= here
    assert given_units == wanted
    places = [(allocation.warehouse_id, allocation.sku) for allocation in taken]
    assert places == sorted(set(places))


@given(wanted_items, stock, priorities, STRATEGIES)
def test_order_of_the_levels_does_not_matter(
    wanted: dict[str, int],
    available: dict[tuple[str, str], int],
    rank: dict[str, int],
    strategy: AllocationStrategy,
) -> None:
    levels = [level(w, sku, units, rank[w]) for (w, sku), units in available.items()]

    assert allocate(wanted, levels, strategy=strategy, destination=HERE) == allocate(
        wanted, levels[::-1], strategy=strategy, destination=HERE
    )


@given(wanted_items, stock, priorities)
def test_fewest_shipments_uses_no_more_warehouses_than_any_other_plan(
    wanted: dict[str, int], available: dict[tuple[str, str], int], rank: dict[str, int]
) -> None:
    levels = [level(w, sku, units, rank[w]) for (w, sku), units in available.items()]
    enough = [
        len(chosen)
        for size in range(1, len(WAREHOUSES) + 1)
        for chosen in combinations(WAREHOUSES, size)
        if all(
            sum(available.get((name, sku), 0) for name in chosen) >= quantity
            for sku, quantity in wanted.items()
        )
    ]

    plan = allocate(wanted, levels)

    if enough:
        assert len({one.warehouse_id for one in plan if isinstance(one, Allocation)}) == min(enough)


@given(stock, priorities, st.integers(1, 60))
def test_by_priority_a_warehouse_gives_only_when_those_before_are_empty(
    available: dict[tuple[str, str], int], rank: dict[str, int], wanted: int
) -> None:
    levels = [level(w, sku, units, rank[w]) for (w, sku), units in available.items()]

    plan = allocate({"A": wanted}, levels, strategy=AllocationStrategy.PRIORITY)

    given_units = {one.warehouse_id: one.quantity for one in plan if isinstance(one, Allocation)}
    last = max(given_units, key=lambda name: (rank[name], name), default="")
    for name in given_units.keys() - {last}:
        assert given_units[name] == available[name, "A"]
    for name in WAREHOUSES:
        if given_units and (rank[name], name) < (rank[last], last):
            assert given_units.get(name, 0) == available.get((name, "A"), 0)


@given(
    st.permutations([(47.0, 13.0), (35.0, 105.0), (48.0, 3.0), (-27.0, 133.0)]), st.integers(1, 4)
)
def test_nearest_warehouses_by_great_circle_give_first(
    positions: list[tuple[float, float]], wanted: int
) -> None:
    paris = Place(country="FR", position=Position(latitude=48.86, longitude=2.35))
    levels = [
        placed(name, "XX", latitude=latitude, longitude=longitude)
        for name, (latitude, longitude) in zip(WAREHOUSES, positions, strict=True)
    ]
    by_distance = [(48.0, 3.0), (47.0, 13.0), (35.0, 105.0), (-27.0, 133.0)]

    plan = allocate(
        {"A": wanted},
        levels,
        strategy=AllocationStrategy.NEAREST_WAREHOUSE,
        destination=paris,
    )

    nearest = sorted(WAREHOUSES[positions.index(one)] for one in by_distance[:wanted])
    assert plan == [units(name, "A", 1) for name in nearest]


def placed(
    warehouse_id: str,
    country: str,
    region: str | None = None,
    *,
    latitude: float | None = None,
    longitude: float = 0,
) -> StockLevel:
    position = None
    if latitude is not None:
        position = Position(latitude=latitude, longitude=longitude)
    place = Place(country=country, region=region, position=position)
    return StockLevel(warehouse_id=warehouse_id, sku="A", available=1, place=place)


NEARER = [
    (placed("whs_2", "US", "CA"), placed("whs_1", "US", "NY")),
    (placed("whs_2", "US"), placed("whs_1", "CA")),
    (placed("whs_2", "CA"), placed("whs_1", "DE")),
    (placed("whs_2", "DE"), placed("whs_1", "ZZ")),
    (placed("whs_2", "ZZ"), StockLevel(warehouse_id="whs_1", sku="A", available=1)),
    (placed("whs_1", "ZZ"), placed("whs_2", "ZZ")),
]


@pytest.mark.parametrize(("near", "far"), NEARER)
def test_address_without_position_prefers_region_then_country_then_distance(
    near: StockLevel, far: StockLevel
) -> None:
    plan = allocate(
        {"A": 1}, [far, near], strategy=AllocationStrategy.NEAREST_WAREHOUSE, destination=HERE
    )

    assert plan == [units(near.warehouse_id, "A", 1)]


def test_hundred_warehouses_with_a_unit_each_are_planned_without_trying_every_set() -> None:
    levels = [level(f"whs_{number:03}", "A", 1) for number in range(100)]

    assert len(allocate({"A": 60}, levels)) == 60


@given(wanted_items, stock, priorities)
def test_warehouse_that_has_everything_gives_everything(
    wanted: dict[str, int], available: dict[tuple[str, str], int], rank: dict[str, int]
) -> None:
    complete = [
        name
        for name in WAREHOUSES
        if all(available.get((name, sku), 0) >= quantity for sku, quantity in wanted.items())
    ]
    levels = [level(w, sku, units, rank[w]) for (w, sku), units in available.items()]

    plan = allocate(wanted, levels)

    if complete:
        best = min(complete, key=lambda name: (rank[name], name))
        assert plan == [units(best, sku, quantity) for sku, quantity in sorted(wanted.items())]


def test_lower_priority_number_is_asked_first() -> None:
    levels = [level("whs_1", "A", 5, priority=1), level("whs_2", "A", 5, priority=0)]

    assert allocate({"A": 5}, levels) == [units("whs_2", "A", 5)]


def test_complete_warehouse_of_lower_rank_spares_a_second_parcel() -> None:
    levels = [
        level("whs_1", "A", 5, priority=0),
        level("whs_2", "A", 5, priority=1),
        level("whs_2", "B", 5, priority=1),
    ]

    assert allocate({"A": 2, "B": 1}, levels) == [units("whs_2", "A", 2), units("whs_2", "B", 1)]


def test_sku_that_no_warehouse_has_alone_is_split_by_priority() -> None:
    levels = [level("whs_1", "A", 3, priority=1), level("whs_2", "A", 4, priority=0)]

    assert allocate({"A": 6}, levels) == [units("whs_1", "A", 2), units("whs_2", "A", 4)]


def test_unknown_sku_is_short_of_every_unit() -> None:
    assert allocate({"X": 2}, []) == [Shortage(sku="X", requested=2, available=0)]


def test_nothing_wanted_needs_nothing() -> None:
    assert allocate({}, [level("whs_1", "A", 5)]) == []
