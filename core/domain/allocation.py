"""Which warehouse gives which units of an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.domain.errors import Shortage


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocation:
    """So many units of a SKU from one warehouse."""

    warehouse_id: str
    sku: str
    quantity: int


def allocate(
    wanted: Mapping[str, int], levels: Iterable[StockLevel]
) -> list[Allocation] | list[Shortage]:
    """Plan the fewest warehouses by priority, or name every SKU that is short.

    A warehouse that has the whole order gives it all; otherwise each SKU is taken from the
    warehouses in priority order and split where one has not enough. The plan is sorted by
    warehouse and SKU, the order in which row locks are taken.
    """
    by_sku: dict[str, list[StockLevel]] = {sku: [] for sku in wanted}
    for level in sorted(levels, key=lambda level: (level.priority, level.warehouse_id)):
        if level.sku in by_sku and level.available > 0:
            by_sku[level.sku].append(level)
    shortages = _shortages(wanted, by_sku)
    if shortages:
        return shortages
    plan = _from_one_warehouse(wanted, by_sku) or _split(wanted, by_sku)
    return sorted(plan, key=lambda a: (a.warehouse_id, a.sku))


def _shortages(
    wanted: Mapping[str, int], by_sku: Mapping[str, Sequence[StockLevel]]
) -> list[Shortage]:
    available = {sku: sum(level.available for level in levels) for sku, levels in by_sku.items()}
    return [
        Shortage(sku=sku, requested=quantity, available=available[sku])
        for sku, quantity in wanted.items()
        if available[sku] < quantity
    ]


def _from_one_warehouse(
    wanted: Mapping[str, int], by_sku: Mapping[str, Sequence[StockLevel]]
) -> list[Allocation]:
    first = next(iter(wanted), None)
    for candidate in by_sku[first] if first else ():
        warehouse_id = candidate.warehouse_id
        has_all = all(
            any(
                level.warehouse_id == warehouse_id and level.available >= quantity
                for level in by_sku[sku]
            )
            for sku, quantity in wanted.items()
        )
        if has_all:
            return [
                Allocation(warehouse_id=warehouse_id, sku=sku, quantity=quantity)
                for sku, quantity in wanted.items()
            ]
    return []


def _split(
    wanted: Mapping[str, int], by_sku: Mapping[str, Sequence[StockLevel]]
) -> list[Allocation]:
    plan: list[Allocation] = []
    for sku, quantity in wanted.items():
        missing = quantity
        for level in by_sku[sku]:
            taken = min(missing, level.available)
            if taken:
                plan.append(Allocation(warehouse_id=level.warehouse_id, sku=sku, quantity=taken))
            missing -= taken
    return plan
