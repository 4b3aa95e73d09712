"""Which warehouse gives which units of an order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import combinations, islice
from math import inf

from core.domain.errors import Shortage
from core.domain.places import Place, distance_km, position_of


class AllocationStrategy(StrEnum):
    """What an order's warehouses are chosen for."""

    FEWEST_SHIPMENTS = "fewest_shipments"
    NEAREST_WAREHOUSE = "nearest_warehouse"
    PRIORITY = "priority"


@dataclass(frozen=True, kw_only=True, slots=True)
class StockLevel:
    """The available units of a SKU in one warehouse; a lower priority number is asked first."""

    warehouse_id: str
    sku: str
    available: int
    priority: int = 0
    place: Place | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocation:
    """So many units of a SKU from one warehouse."""

    warehouse_id: str
    sku: str
    quantity: int


_Levels = Mapping[str, Sequence[StockLevel]]
"""By SKU, the warehouse that is asked first in front; every level has units."""

_Rank = tuple[int, float, int, str]

_MOST_SETS = 512
"""Sets of warehouses that are tried for an exact answer: every set of nine, every pair of thirty.
Beyond that the warehouse that has most of what is missing is taken, one after the other."""


def allocate(
    wanted: Mapping[str, int],
    levels: Iterable[StockLevel],
    *,
    strategy: AllocationStrategy = AllocationStrategy.FEWEST_SHIPMENTS,
    destination: Place | None = None,
) -> list[Allocation] | list[Shortage]:
    """Plan where every unit comes from, or name every SKU that is short.

    ``fewest_shipments`` uses as few warehouses as possible, and among those the first by priority.
    ``priority`` empties the warehouses in the order of their priority numbers.
    ``nearest_warehouse`` empties the nearest to ``destination`` first: by great-circle distance
    where the exact positions are known, else those of its region, of its country, and the others
    by the distance from the middle of the country; without any of it, by priority.

    The plan is sorted by warehouse and SKU, the order in which row locks are taken.
    """
    rank: Callable[[StockLevel], _Rank] = _by_priority
    if strategy is AllocationStrategy.NEAREST_WAREHOUSE and destination is not None:
        rank = partial(_by_distance, destination)
    by_sku: dict[str, list[StockLevel]] = {sku: [] for sku in wanted}
    for level in sorted(levels, key=rank):
        if level.sku in by_sku and level.available > 0:
            by_sku[level.sku].append(level)
    shortages = _shortages(wanted, by_sku)
    if shortages:
        return shortages
    usable: _Levels = by_sku
    if strategy is AllocationStrategy.FEWEST_SHIPMENTS:
        chosen = _fewest(wanted, by_sku)
        usable = {
            sku: [level for level in found if level.warehouse_id in chosen]
            for sku, found in by_sku.items()
        }
    return sorted(_take(wanted, usable), key=lambda a: (a.warehouse_id, a.sku))


def _by_priority(level: StockLevel) -> _Rank:
    return 0, 0.0, level.priority, level.warehouse_id


def _by_distance(destination: Place, level: StockLevel) -> _Rank:
    return *_farness(destination, level.place), level.priority, level.warehouse_id


def _farness(destination: Place, place: Place | None) -> tuple[int, float]:
    """Return a class and a distance in it; within one class without distances nothing is nearer."""
    if place is None:
        return 3, inf
    here, there = position_of(destination), position_of(place)
    distance = distance_km(here, there) if here and there else inf
    if destination.position and place.position:
        return 0, distance
    if place.country == destination.country:
        same_region = destination.region is not None and place.region == destination.region
        return (0 if same_region else 1), 0.0
    return 2, distance


def _shortages(wanted: Mapping[str, int], by_sku: _Levels) -> list[Shortage]:
    available = {sku: sum(level.available for level in levels) for sku, levels in by_sku.items()}
    return [
        Shortage(sku=sku, requested=quantity, available=available[sku])
        for sku, quantity in wanted.items()
        if available[sku] < quantity
    ]


def _fewest(wanted: Mapping[str, int], by_sku: _Levels) -> set[str]:
    """Return the smallest set of warehouses that has everything; there is one."""
    stock: dict[str, dict[str, int]] = {}
    for level in sorted((one for found in by_sku.values() for one in found), key=_by_priority):
        stock.setdefault(level.warehouse_id, {})[level.sku] = level.available
    sets = (chosen for size in range(len(stock) + 1) for chosen in combinations(stock, size))
    for chosen in islice(sets, _MOST_SETS):
        if not _missing(wanted, stock, chosen):
            return set(chosen)
    return _few(wanted, stock)


def _few(wanted: Mapping[str, int], stock: Mapping[str, Mapping[str, int]]) -> set[str]:
    chosen: list[str] = []
    while missing := _missing(wanted, stock, chosen):
        rest = [warehouse for warehouse in stock if warehouse not in chosen]
        chosen.append(max(rest, key=lambda one: _covered(missing, stock[one])))
    return set(chosen)


def _missing(
    wanted: Mapping[str, int], stock: Mapping[str, Mapping[str, int]], chosen: Sequence[str]
) -> dict[str, int]:
    left = {
        sku: quantity - sum(stock[warehouse].get(sku, 0) for warehouse in chosen)
        for sku, quantity in wanted.items()
    }
    return {sku: quantity for sku, quantity in left.items() if quantity > 0}


def _covered(missing: Mapping[str, int], units: Mapping[str, int]) -> int:
    return sum(min(quantity, units.get(sku, 0)) for sku, quantity in missing.items())


def _take(wanted: Mapping[str, int], by_sku: _Levels) -> list[Allocation]:
    plan: list[Allocation] = []
    for sku, quantity in wanted.items():
        missing = quantity
        for level in by_sku[sku]:
            taken = min(missing, level.available)
            if taken:
                plan.append(Allocation(warehouse_id=level.warehouse_id, sku=sku, quantity=taken))
            missing -= taken
    return plan
