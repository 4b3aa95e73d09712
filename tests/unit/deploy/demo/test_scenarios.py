from __future__ import annotations

import pytest

from deploy.demo.scenarios import SCENARIOS, SOLD_OUT_SKU, Errand, plan_errands

SKUS = ["TEE", "MUG", "PEN", "BAG"]


def skus_of(errand: Errand) -> list[str]:
    items = errand.checkout["items"]
    assert isinstance(items, list)
    return [item["sku"] for item in items]


def test_same_seed_draws_the_same_orders() -> None:
    assert plan_errands(50, skus=SKUS, seed=7) == plan_errands(50, skus=SKUS, seed=7)
    assert plan_errands(50, skus=SKUS, seed=7) != plan_errands(50, skus=SKUS, seed=8)


@pytest.mark.parametrize("orders", [12, 13, 200])
def test_run_of_a_dozen_or_more_has_every_scenario(orders: int) -> None:
    errands = plan_errands(orders, skus=SKUS, seed=1)

    assert [errand.number for errand in errands] == list(range(1, orders + 1))
    assert {errand.scenario for errand in errands} == set(SCENARIOS)


def test_single_order_is_one_order() -> None:
    assert len(plan_errands(1, skus=SKUS, seed=1)) == 1


def test_real_provider_gets_no_challenge_that_nobody_can_answer() -> None:
    errands = plan_errands(300, skus=SKUS, seed=1, challenges=False)

    assert [errand for errand in errands if errand.scenario.challenge] == []


def test_sold_out_sku_is_in_exactly_the_carts_that_shall_be_refused() -> None:
    for errand in plan_errands(300, skus=SKUS, seed=1):
        skus = skus_of(errand)
        assert (SOLD_OUT_SKU in skus) == errand.scenario.sold_out
        assert 1 <= len(skus) <= 3
        assert len(set(skus)) == len(skus)


def test_shop_with_one_sku_sells_it() -> None:
    for errand in plan_errands(20, skus=["TEE"], seed=1):
        assert skus_of(errand) == ([SOLD_OUT_SKU] if errand.scenario.sold_out else ["TEE"])
