from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.amounts import LineAmounts
from core.domain.returns import approved_at_once, exchanged, shipping_goes_back

LINE = LineAmounts(quantity=2, total=4000, discount=400, tax=288)


@pytest.mark.parametrize(
    ("reasons", "value", "expected"),
    [
        (["damaged"], 5000, True),
        (["damaged", "wrong_item"], 5000, True),
        (["damaged"], 5001, False),
        (["damaged", "changed_mind"], 10, False),
    ],
)
def test_small_return_for_a_listed_reason_needs_nobody(
    *, reasons: list[str], value: int, expected: bool
) -> None:
    listed = ("damaged", "wrong_item")

    assert approved_at_once(reasons, value, of=listed, up_to=5000) is expected


@pytest.mark.parametrize(
    ("reasons", "units_kept", "expected"),
    [
        (["damaged", "wrong_item"], 0, True),
        (["damaged"], 1, False),
        (["changed_mind"], 0, False),
        (["damaged", "changed_mind"], 0, False),
    ],
)
def test_shipping_goes_back_when_all_came_back_and_the_shop_was_wrong(
    *, reasons: list[str], units_kept: int, expected: bool
) -> None:
    assert shipping_goes_back(reasons, units_kept=units_kept) is expected


@pytest.mark.parametrize(
    ("unit_price", "due"),
    [(2000, 3888), (2500, 4968), (1000, 1728), (100, 0)],
    ids=["same", "dearer", "cheaper", "below the discount"],
)
def test_exchange_keeps_the_discount_and_the_rate_of_tax(unit_price: int, due: int) -> None:
    wanted = exchanged(LINE, unit_price)

    assert wanted.due == due
    assert wanted.total == 2 * unit_price


def test_exchange_of_goods_that_cost_nothing_has_no_tax() -> None:
    free = LineAmounts(quantity=1, total=500, discount=500, tax=0)

    assert exchanged(free, 800) == LineAmounts(quantity=1, total=800, discount=500, tax=0)


@given(
    units=st.integers(1, 50),
    price=st.integers(1, 10**6),
    rate=st.integers(0, 3000),
    included=st.booleans(),
)
def test_exchange_at_the_same_price_costs_what_came_back(
    *, units: int, price: int, rate: int, included: bool
) -> None:
    total = units * price
    line = LineAmounts(
        quantity=units,
        total=total,
        discount=total // 3,
        tax=(total - total // 3) * rate // 10_000,
        tax_included=included,
    )

    assert exchanged(line, price) == line
