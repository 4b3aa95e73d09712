from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.amounts import LineAmounts

LINES = st.builds(
    LineAmounts,
    quantity=st.integers(1, 50),
    total=st.integers(0, 10**7),
    discount=st.integers(0, 10**4),
    tax=st.integers(0, 10**6),
    tax_included=st.booleans(),
)


def test_a_part_and_the_rest_add_up_to_the_line() -> None:
    line = LineAmounts(quantity=3, total=1000, discount=100, tax=77)

    taken, left = line.take(2)

    assert taken == LineAmounts(quantity=2, total=667, discount=67, tax=51)
    assert left == LineAmounts(quantity=1, total=333, discount=33, tax=26)
    assert taken.due + left.due == line.due == 977


def test_included_tax_is_not_added_to_what_is_due() -> None:
    assert LineAmounts(quantity=1, total=1000, discount=100, tax=77, tax_included=True).due == 900


@pytest.mark.parametrize("units", [-1, 4])
def test_taking_units_that_are_not_there_is_refused(units: int) -> None:
    with pytest.raises(ValueError, match="units"):
        LineAmounts(quantity=3, total=3, discount=0, tax=0).take(units)


@given(line=LINES, data=st.data())
def test_slices_that_follow_each_other_add_up_to_the_line(
    line: LineAmounts, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, line.quantity))

    first, second = line.slice(0, cut), line.slice(cut, line.quantity)

    assert first.due + second.due == line.due
    assert (first.quantity, second.quantity) == (cut, line.quantity - cut)
    assert min(first.total, second.total, first.tax, second.tax) >= 0
