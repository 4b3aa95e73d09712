from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.allocation import Allocation, StockLevel
from core.domain.backorders import (
    BackorderPolicy,
    BackorderTerms,
    Share,
    Waiter,
    WaitingUnits,
    plan_stock,
    share_out,
)
from core.domain.errors import Shortage

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LATER = NOW + timedelta(days=9)
SKUS = ("A", "B")
PLACES = st.tuples(st.sampled_from(("whs_1", "whs_2", "whs_3")), st.sampled_from(SKUS))

stock = st.dictionaries(PLACES, st.integers(0, 9))
wanted_items = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 20), min_size=1)
any_terms = st.dictionaries(
    st.sampled_from(SKUS),
    st.builds(
        BackorderTerms,
        policy=st.sampled_from(BackorderPolicy),
        limit=st.none() | st.integers(0, 12),
        waiting=st.integers(0, 12),
        promised_at=st.sampled_from((None, NOW, LATER)),
    ),
)


def levels_of(available: dict[tuple[str, str], int]) -> list[StockLevel]:
    return [
        StockLevel(warehouse_id=warehouse, sku=sku, available=units)
        for (warehouse, sku), units in available.items()
    ]


@given(wanted_items, stock, any_terms)
def test_stock_and_waiting_units_make_the_order_within_the_limits_or_it_is_short(
    wanted: dict[str, int],
    available: dict[tuple[str, str], int],
    terms: dict[str, BackorderTerms],
) -> None:
    plan = plan_stock(wanted, levels_of(available), terms, now=NOW)

    if plan.shortages:
        assert not plan.allocations
        assert not plan.waiting
        assert all(s.available < s.requested == wanted[s.sku] for s in plan.shortages)
        return
    units = Counter[str]()
    for line in plan.allocations:
        assert 0 < line.quantity <= available[line.warehouse_id, line.sku]
        assert not terms.get(line.sku, BackorderTerms()).keeps_stock_back(NOW)
        units[line.sku] += line.quantity
    for waiting in plan.waiting:
        term = terms[waiting.sku]
        assert term.policy is not BackorderPolicy.DENY
        assert term.limit is None or term.waiting + waiting.quantity <= term.limit
        units[waiting.sku] += waiting.quantity
    assert units == wanted


def test_backorder_takes_what_there_is_and_waits_for_the_rest() -> None:
    terms = BackorderTerms(policy=BackorderPolicy.BACKORDER, limit=5, waiting=2, promised_at=LATER)

    plan = plan_stock({"A": 5}, levels_of({("whs_1", "A"): 2}), {"A": terms}, now=NOW)

    assert plan.allocations == [Allocation(warehouse_id="whs_1", sku="A", quantity=2)]
    assert plan.waiting == [WaitingUnits(sku="A", quantity=3, promised_at=LATER)]


def test_backorder_beyond_the_limit_is_short_and_tells_what_could_be_had() -> None:
    terms = BackorderTerms(policy=BackorderPolicy.BACKORDER, limit=5, waiting=3)

    plan = plan_stock({"A": 5}, levels_of({("whs_1", "A"): 2}), {"A": terms}, now=NOW)

    assert plan.shortages == [Shortage(sku="A", requested=5, available=4)]


def test_preorder_leaves_the_stock_alone_until_its_date() -> None:
    available = levels_of({("whs_1", "A"): 9})
    before = BackorderTerms(policy=BackorderPolicy.PREORDER, promised_at=LATER)
    after = BackorderTerms(policy=BackorderPolicy.PREORDER, promised_at=NOW)

    assert plan_stock({"A": 5}, available, {"A": before}, now=NOW).waiting == [
        WaitingUnits(sku="A", quantity=5, promised_at=LATER)
    ]
    assert plan_stock({"A": 5}, available, {"A": after}, now=NOW).waiting == []


def test_variant_without_terms_is_denied() -> None:
    plan = plan_stock({"A": 5}, levels_of({("whs_1", "A"): 4}), {}, now=NOW)

    assert plan.shortages == [Shortage(sku="A", requested=5, available=4)]


waiters = st.lists(
    st.builds(
        Waiter,
        order_id=st.sampled_from(("ord_1", "ord_2", "ord_3")),
        sku=st.sampled_from(SKUS),
        number=st.integers(1, 3),
        quantity=st.integers(1, 9),
    ),
    unique_by=lambda waiter: (waiter.order_id, waiter.sku, waiter.number),
)


@given(waiters, stock)
def test_arrived_units_go_to_the_first_in_line_and_none_is_left_while_one_waits(
    line: list[Waiter], available: dict[tuple[str, str], int]
) -> None:
    shares = share_out(line, levels_of(available))

    taken = Counter[tuple[str, str]]()
    given_units = Counter[Waiter]()
    for share in shares:
        assert share.quantity > 0
        taken[share.warehouse_id, share.waiter.sku] += share.quantity
        given_units[share.waiter] += share.quantity
        assert share.left == share.waiter.quantity - given_units[share.waiter]
    assert all(taken[place] <= available[place] for place in taken)
    for sku in SKUS:
        mine = [waiter for waiter in line if waiter.sku == sku]
        there = sum(units for (_, one), units in available.items() if one == sku)
        for waiter in mine:
            expected = min(waiter.quantity, there)
            assert given_units[waiter] == expected
            there -= expected


def test_split_share_tells_what_still_waits() -> None:
    waiter = Waiter(order_id="ord_1", sku="A", number=1, quantity=5)

    assert share_out([waiter], levels_of({("whs_1", "A"): 3})) == [
        Share(waiter=waiter, warehouse_id="whs_1", quantity=3, left=2)
    ]
