from __future__ import annotations

import io

import pytest
from rich.console import Console

from deploy.demo.figures import percentile, print_figures
from deploy.demo.journey import Journey
from deploy.demo.scenarios import Outcome, plan_errands


@pytest.mark.parametrize(
    ("values", "percent", "value"),
    [
        ([5.0], 50, 5.0),
        ([5.0], 99, 5.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 50, 50.0),
        ([float(n) for n in range(1, 101)], 95, 95.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
    ],
)
def test_percentile_is_one_of_the_values(values: list[float], percent: int, value: float) -> None:
    assert percentile(values, percent) == value


def test_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_impossible_outcome_is_told_with_its_order() -> None:
    (errand,) = (
        errand
        for errand in plan_errands(12, skus=["TEE"], seed=1)
        if errand.scenario.name == "sold out"
    )
    journey = Journey(
        errand=errand, outcome=Outcome.DELIVERED, answer_seconds=0.1, order_id="ord_1"
    )
    output = io.StringIO()

    print_figures([journey], placing_seconds=1.0, console=Console(file=output, width=200))

    assert not journey.is_possible
    assert "Not possible: sold out ended as delivered (ord_1)" in output.getvalue()
