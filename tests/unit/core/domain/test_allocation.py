from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.domain.allocation import Allocation, StockLevel, allocate
from core.domain.errors import Shortage

SKUS = ("A", "B", "C")
WAREHOUSES = ("whs_1", "whs_2", "whs_3")

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


@given(wanted_items, stock, priorities)
def test_plan_is_exact_within_stock_and_sorted_or_names_every_shortage(
    wanted: dict[str, int], available: dict[tuple[str, str], int], rank: dict[str, int]
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

    plan = allocate(wanted, levels)

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


@given(wanted_items, stock, priorities)
def test_order_of_the_levels_does_not_matter(
    wanted: dict[str, int], available: dict[tuple[str, str], int], rank: dict[str, int]
) -> None:
    levels = [level(w, sku, units, rank[w]) for (w, sku), units in available.items()]

    assert allocate(wanted, levels) == allocate(wanted, levels[::-1])


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
