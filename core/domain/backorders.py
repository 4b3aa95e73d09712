"""Orders for more than there is: what is taken from stock, what waits, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.domain.allocation import Allocation, AllocationStrategy, StockLevel, allocate
from core.domain.errors import Shortage
from core.domain.places import Place


class BackorderPolicy(StrEnum):
    """What happens to an order for more units than there are."""

    DENY = "deny"
    BACKORDER = "backorder"
    PREORDER = "preorder"
    """Not for sale from stock before the promised date: sold now, sent from then on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackorderTerms:
    """What a variant allows; ``limit`` is the most units that may wait at once, None for any.

    ``waiting`` units wait already. ``promised_at`` is when a waiting unit is expected to leave.
    """

    policy: BackorderPolicy = BackorderPolicy.DENY
    limit: int | None = None
    waiting: int = 0
    promised_at: datetime | None = None

    def keeps_stock_back(self, now: datetime) -> bool:
        """Whether no unit leaves yet, however many there are: a pre-order before its date."""
        return self.policy is BackorderPolicy.PREORDER and (
            self.promised_at is None or self.promised_at > now
        )

    def room(self, wanted: int) -> int:
        """Return how many of ``wanted`` units may still wait."""
        if self.policy is BackorderPolicy.DENY:
            return 0
        return wanted if self.limit is None else min(wanted, max(0, self.limit - self.waiting))


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingUnits:
    """So many units of a SKU that no warehouse has yet."""

    sku: str
    quantity: int
    promised_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StockPlan:
    """Where an order's units come from; nothing is planned when anything is short."""

    allocations: Sequence[Allocation] = ()
    waiting: Sequence[WaitingUnits] = ()
    shortages: Sequence[Shortage] = ()


_DENY = BackorderTerms()


def sellable(
    levels: Iterable[StockLevel], terms: Mapping[str, BackorderTerms], now: datetime
) -> list[StockLevel]:
    """Return the levels with nothing available of what is only pre-ordered so far."""
    return [
        replace(level, available=0) if terms.get(level.sku, _DENY).keeps_stock_back(now) else level
        for level in levels
    ]


def plan_stock(
    wanted: Mapping[str, int],
    levels: Iterable[StockLevel],
    terms: Mapping[str, BackorderTerms],
    *,
    now: datetime,
    strategy: AllocationStrategy = AllocationStrategy.FEWEST_SHIPMENTS,
    destination: Place | None = None,
) -> StockPlan:
    """Take what stock has and let the rest wait where the variant allows it.

    A shortage's ``available`` counts what could be ordered: units in stock and room to wait.
    """
    for_sale = sellable(levels, terms, now)
    from_stock: dict[str, int] = {}
    waiting: list[WaitingUnits] = []
    shortages: list[Shortage] = []
    for sku, quantity in wanted.items():
        term = terms.get(sku, _DENY)
        there = sum(max(0, level.available) for level in for_sale if level.sku == sku)
        from_stock[sku] = min(quantity, there)
        missing = quantity - from_stock[sku]
        room = term.room(missing)
        if room < missing:
            shortages.append(Shortage(sku=sku, requested=quantity, available=there + room))
        elif missing:
            waiting.append(WaitingUnits(sku=sku, quantity=missing, promised_at=term.promised_at))
    if shortages:
        return StockPlan(shortages=shortages)
    taken = {sku: quantity for sku, quantity in from_stock.items() if quantity}
    plan = allocate(taken, for_sale, strategy=strategy, destination=destination)
    return StockPlan(
        allocations=[line for line in plan if isinstance(line, Allocation)], waiting=waiting
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiter:
    """A back-ordered part of an order: ``number`` tells it from other parts of the same SKU."""

    order_id: str
    sku: str
    number: int
    quantity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What a waiter gets from one warehouse; less than it waits for when ``left`` units wait on."""

    waiter: Waiter
    warehouse_id: str
    quantity: int
    left: int


def share_out(waiters: Iterable[Waiter], levels: Sequence[StockLevel]) -> list[Share]:
    """Give what is available to those who wait, in their order, all that there is."""
    left = {(level.warehouse_id, level.sku): level.available for level in levels}
    shares: list[Share] = []
    for waiter in waiters:
        missing = waiter.quantity
        for place in [place for place in left if place[1] == waiter.sku]:
            given = min(missing, left[place])
            if given <= 0:
                continue
            left[place] -= given
            missing -= given
            shares.append(Share(waiter=waiter, warehouse_id=place[0], quantity=given, left=missing))
    return shares
