from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import BASIS_POINTS, CurrencyMismatchError, Money, apply_rate
from core.domain.pricing import Line, Price, ShippingFee, price_cart, shipping_fee
from core.domain.promotions import Promotion, PromotionKind, PromotionScope, counted_customer


def usd(amount: int) -> Money:
    return Money(amount=amount, currency="USD")


def line(sku: str, quantity: int, price: int, *, product: str = "", category: str = "") -> Line:
    return Line(
        sku=sku,
        quantity=quantity,
        unit_price=usd(price),
        product_id=product,
        category_ids=[category] if category else [],
    )


def promotion(kind: PromotionKind, **changes: Any) -> Promotion:
    values: dict[str, Any] = {"id": "prm_1", "name": "Promotion", "code": None, **changes}
    return Promotion(kind=kind, **values)


lines = st.lists(
    st.builds(
        line,
        st.integers(min_value=0, max_value=10_000).map(lambda n: f"SKU-{n}"),
        st.integers(min_value=1, max_value=10_000),
        st.integers(min_value=0, max_value=10**8),
        product=st.sampled_from(["p1", "p2", "p3"]),
        category=st.sampled_from(["", "c1", "c2"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one.sku,
)
promotions = st.lists(
    st.builds(
        promotion,
        st.sampled_from(PromotionKind),
        id=st.uuids().map(str),
        scope=st.sampled_from(PromotionScope),
        targets=st.sets(st.sampled_from(["p1", "p2", "c1"])).map(frozenset),
        basis_points=st.integers(min_value=0, max_value=BASIS_POINTS),
        amounts=st.dictionaries(st.just("USD"), st.integers(min_value=0, max_value=10**9)),
        buy=st.integers(min_value=0, max_value=4),
        get=st.integers(min_value=1, max_value=3),
        minimums=st.dictionaries(
            st.sampled_from(["USD", "EUR"]), st.integers(min_value=0, max_value=10**9)
        ),
    ),
    max_size=5,
    unique_by=lambda one: one.id,
)
shippings = st.integers(min_value=0, max_value=10**6)
rates = st.integers(min_value=0, max_value=BASIS_POINTS)


def test_cart_is_priced_to_the_minor_unit() -> None:
    price = price_cart(
        [
            Line(sku="TEE", quantity=2, unit_price=usd(1999)),
            Line(sku="MUG", quantity=1, unit_price=usd(1800)),
        ],
        shipping=usd(500),
        tax_basis_points=1900,
    )

    assert price.subtotal == usd(5798)
    assert price.shipping == usd(500)
    assert price.discount == usd(0)
    assert price.tax == usd(1197)  # 6298 at 19 % is 1196.62
    assert price.total == usd(7495)
    assert [(line.sku, line.total.amount, line.tax.amount) for line in price.lines] == [
        ("TEE", 3998, 760),
        ("MUG", 1800, 342),
    ]


def test_cart_in_yen_has_no_fractions() -> None:
    tee = Line(sku="TEE", quantity=3, unit_price=Money(amount=2980, currency="JPY"))

    price = price_cart([tee], shipping=Money(amount=800, currency="JPY"), tax_basis_points=1000)

    assert price.total == Money(amount=10_714, currency="JPY")


@given(lines, promotions, shippings, rates, st.booleans())
def test_parts_of_a_price_add_up(
    cart: list[Line],
    rules: list[Promotion],
    shipping: int,
    basis_points: int,
    included: bool,  # noqa: FBT001  # drawn by hypothesis
) -> None:
    price = price_cart(
        cart,
        shipping=usd(shipping),
        tax_basis_points=basis_points,
        tax_included=included,
        promotions=rules,
    )

    assert price.subtotal.amount == sum(one.total.amount for one in price.lines)
    assert all(one.total == one.unit_price * one.quantity for one in price.lines)
    assert all(0 <= one.discount.amount <= one.total.amount for one in price.lines)
    assert 0 <= price.shipping_discount.amount <= shipping
    on_goods = sum(one.discount.amount for one in price.lines)
    assert price.discount.amount == on_goods + price.shipping_discount.amount
    assert price.discount.amount == sum(one.amount.amount for one in price.promotions)
    assert all(one.amount.amount > 0 for one in price.promotions)
    paid = price.subtotal - price.discount + price.shipping
    assert price.total == paid + price.added_tax
    assert price.tax == price.added_tax + price.included_tax
    assert price.tax.amount == price.shipping_tax.amount + sum(
        one.tax.amount for one in price.lines
    )
    assert min(price.shipping_tax.amount, *(one.tax.amount for one in price.lines)) >= 0
    if included:
        net = paid.amount - price.tax.amount
        assert abs(net * (BASIS_POINTS + basis_points) - paid.amount * BASIS_POINTS) * 2 <= (
            BASIS_POINTS + basis_points
        )
    else:
        assert price.tax.amount == apply_rate(paid.amount, basis_points)


@given(lines, promotions, shippings, rates, st.randoms(use_true_random=False))
def test_order_of_lines_and_promotions_decides_nothing(
    cart: list[Line], rules: list[Promotion], shipping: int, basis_points: int, random: Random
) -> None:
    def priced() -> Price:
        return price_cart(
            cart, shipping=usd(shipping), tax_basis_points=basis_points, promotions=rules
        )

    before = priced()
    random.shuffle(cart)
    random.shuffle(rules)
    after = priced()

    assert after.total == before.total
    assert after.promotions == before.promotions
    assert {one.sku: one for one in after.lines} == {one.sku: one for one in before.lines}


def test_percent_is_rounded_once_and_split_by_the_largest_remainder() -> None:
    ten = promotion(PromotionKind.PERCENT, basis_points=1000)

    price = price_cart(
        [line("A", 1, 1999), line("B", 1, 999), line("C", 1, 5)],
        shipping=usd(500),
        tax_basis_points=1000,
        promotions=[ten],
    )

    assert price.discount == usd(300)  # 10 % of 3003 is 300.3
    assert [one.discount.amount for one in price.lines] == [200, 100, 0]
    assert price.tax == usd(320)  # on 2703 of goods and 500 of shipping
    assert price.total == usd(3523)


def test_fixed_discount_takes_no_more_than_its_products_cost() -> None:
    fixed = promotion(
        PromotionKind.FIXED,
        scope=PromotionScope.PRODUCT,
        targets=frozenset({"p1"}),
        amounts={"USD": 5000, "JPY": 1},
    )

    price = price_cart(
        [line("A", 2, 1000, product="p1"), line("B", 1, 9000, product="p2")],
        shipping=usd(500),
        tax_basis_points=0,
        promotions=[fixed],
    )

    assert [one.discount.amount for one in price.lines] == [2000, 0]
    assert price.total == usd(9500)


def test_fixed_discount_without_an_amount_in_the_currency_does_not_apply() -> None:
    fixed = promotion(PromotionKind.FIXED, amounts={"EUR": 5000})

    price = price_cart(
        [line("A", 1, 1000)], shipping=usd(0), tax_basis_points=0, promotions=[fixed]
    )

    assert price.promotions == ()


def test_free_shipping_takes_the_fee_and_its_tax() -> None:
    free = promotion(PromotionKind.FREE_SHIPPING, minimums={"USD": 1000})

    price = price_cart(
        [line("A", 1, 1000)], shipping=usd(500), tax_basis_points=1000, promotions=[free]
    )

    assert (price.shipping, price.shipping_discount) == (usd(500), usd(500))
    assert (price.shipping_tax, price.tax, price.total) == (usd(0), usd(100), usd(1100))


def test_subtotal_below_the_minimum_gets_nothing() -> None:
    free = promotion(PromotionKind.FREE_SHIPPING, minimums={"USD": 1001})

    price = price_cart(
        [line("A", 1, 1000)], shipping=usd(500), tax_basis_points=0, promotions=[free]
    )

    assert price.total == usd(1500)


@pytest.mark.parametrize(
    ("quantities", "discounts"),
    [((2, 0), [0, 0]), ((2, 1), [0, 500]), ((5, 0), [1000, 0]), ((4, 2), [1000, 500])],
)
def test_of_each_three_covered_units_the_cheapest_is_free(
    quantities: tuple[int, int], discounts: list[int]
) -> None:
    three_for_two = promotion(
        PromotionKind.BUY_X_GET_Y,
        scope=PromotionScope.CATEGORY,
        targets=frozenset({"c1"}),
        buy=2,
        get=1,
    )
    cart = [
        line("DEAR", quantities[0], 1000, category="c1"),
        line("CHEAP", quantities[1], 500, category="c1"),
        line("OTHER", 9, 1, category="c2"),
    ]

    price = price_cart(cart, shipping=usd(0), tax_basis_points=0, promotions=[three_for_two])

    assert [one.discount.amount for one in price.lines] == [*discounts, 0]


def test_promotions_compound_on_what_is_left_the_best_first() -> None:
    half = promotion(PromotionKind.PERCENT, id="prm_b", basis_points=5000)
    fixed = promotion(PromotionKind.FIXED, id="prm_a", amounts={"USD": 800})

    price = price_cart(
        [line("A", 1, 2000)], shipping=usd(0), tax_basis_points=0, promotions=[fixed, half]
    )

    assert [(one.promotion.id, one.amount.amount) for one in price.promotions] == [
        ("prm_b", 1000),
        ("prm_a", 800),
    ]
    assert price.total == usd(200)


def test_equal_promotions_go_by_their_ids_and_never_below_zero() -> None:
    rules = [
        promotion(PromotionKind.FIXED, id=id_, amounts={"USD": 700}) for id_ in ("b", "a", "c")
    ]

    price = price_cart(
        [line("A", 1, 1000)], shipping=usd(0), tax_basis_points=2500, promotions=rules
    )

    assert [(one.promotion.id, one.amount.amount) for one in price.promotions] == [
        ("a", 700),
        ("b", 300),
    ]
    assert (price.tax, price.total) == (usd(0), usd(0))


def test_included_tax_is_taken_out_of_the_price_and_not_added() -> None:
    price = price_cart(
        [line("A", 1, 1000), line("B", 1, 205)],
        shipping=usd(500),
        tax_basis_points=2000,
        tax_included=True,
    )

    assert price.total == usd(1705)
    assert (price.added_tax, price.included_tax) == (usd(0), usd(284))  # 1705 / 6 is 284.17
    assert [one.tax.amount for one in price.lines] == [167, 34]
    assert price.shipping_tax == usd(83)


@pytest.mark.parametrize(
    ("currency", "grams", "fee"),
    [("USD", 0, 500), ("USD", 1999, 500), ("USD", 2000, 900), ("EUR", 0, None), ("EUR", 10, 400)],
)
def test_fee_is_that_of_the_heaviest_tier_reached(
    currency: str, grams: int, fee: int | None
) -> None:
    fees = [
        ShippingFee(currency="USD", from_grams=2000, amount=900),
        ShippingFee(currency="USD", from_grams=0, amount=500),
        ShippingFee(currency="EUR", from_grams=10, amount=400),
    ]

    assert shipping_fee(fees, currency=currency, grams=grams) == fee


def test_guest_is_counted_by_the_address_and_a_customer_by_the_account() -> None:
    assert counted_customer("usr_1", None) == "usr_1"
    assert counted_customer("a", "Ada@Shop.test") == counted_customer("b", "ada@shop.test")
    assert "ada" not in counted_customer("a", "ada@shop.test")


def test_empty_cart_has_no_price() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        price_cart([], shipping=usd(500), tax_basis_points=0)


def test_cart_of_two_currencies_has_no_price() -> None:
    with pytest.raises(CurrencyMismatchError):
        price_cart(
            [Line(sku="TEE", quantity=1, unit_price=usd(1999))],
            shipping=Money(amount=490, currency="EUR"),
            tax_basis_points=0,
        )
