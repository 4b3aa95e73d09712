from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import BASIS_POINTS, CurrencyMismatchError, Money, apply_rate
from core.domain.pricing import Line, price_cart


def usd(amount: int) -> Money:
    return Money(amount=amount, currency="USD")


lines = st.lists(
    st.builds(
        lambda sku, quantity, price: Line(sku=f"SKU-{sku}", quantity=quantity, unit_price=price),
        st.integers(min_value=0, max_value=99),
        st.integers(min_value=1, max_value=10_000),
        st.builds(usd, st.integers(min_value=0, max_value=10**8)),
    ),
    min_size=1,
    max_size=30,
)


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


@given(
    lines,
    st.integers(min_value=0, max_value=10**6),
    st.integers(min_value=0, max_value=BASIS_POINTS),
)
def test_parts_of_a_price_add_up(cart: list[Line], shipping: int, basis_points: int) -> None:
    price = price_cart(cart, shipping=usd(shipping), tax_basis_points=basis_points)

    assert price.subtotal.amount == sum(line.total.amount for line in price.lines)
    assert all(line.total == line.unit_price * line.quantity for line in price.lines)
    assert price.total == price.subtotal - price.discount + price.shipping + price.tax
    assert price.tax.amount == apply_rate(price.subtotal.amount + shipping, basis_points)
    shared = sum(line.tax.amount for line in price.lines)
    assert 0 <= shared <= price.tax.amount
    if shipping == 0 and price.subtotal.amount > 0:
        assert shared == price.tax.amount


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
