from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import (
    BASIS_POINTS,
    MAX_AMOUNT,
    CurrencyMismatchError,
    Money,
    apply_rate,
    decimals_of,
    split,
)

amounts = st.integers(min_value=-MAX_AMOUNT, max_value=MAX_AMOUNT)
weights = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=40)
rates = st.integers(min_value=0, max_value=BASIS_POINTS)


@pytest.mark.parametrize(
    ("amount", "shares", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (10, [1, 2], [3, 7]),
        (1, [1, 1], [1, 0]),
        (5, [0, 0], [3, 2]),
        (7, [0, 1], [0, 7]),
        (0, [3, 4], [0, 0]),
        (999, [3998, 500], [888, 111]),
    ],
)
def test_split_gives_the_largest_remainder_first(
    amount: int, shares: list[int], parts: list[int]
) -> None:
    assert split(amount, shares) == parts


@pytest.mark.parametrize("shares", [[], [1, -1]])
def test_split_without_weights_or_with_a_negative_one_is_refused(shares: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split(10, shares)


@given(amounts, weights)
def test_split_parts_add_up_to_the_whole(amount: int, shares: list[int]) -> None:
    parts = split(amount, shares)

    assert len(parts) == len(shares)
    assert sum(parts) == amount


@given(amounts, weights)
def test_split_parts_are_within_one_of_their_exact_share(amount: int, shares: list[int]) -> None:
    whole = sum(shares)
    fair = [
        Fraction(amount * share, whole) if whole else Fraction(amount, len(shares))
        for share in shares
    ]

    assert all(
        abs(part - exact) < 1 for part, exact in zip(split(amount, shares), fair, strict=True)
    )


@given(amounts, weights)
def test_split_of_the_opposite_amount_is_the_opposite(amount: int, shares: list[int]) -> None:
    assert split(-amount, shares) == [-part for part in split(amount, shares)]


@pytest.mark.parametrize(
    ("amount", "basis_points", "share"),
    [
        (4498, 1900, 855),
        (50, 100, 1),
        (49, 100, 0),
        (-50, 100, -1),
        (-49, 100, 0),
        (1999, 0, 0),
        (1999, BASIS_POINTS, 1999),
        (MAX_AMOUNT, BASIS_POINTS, MAX_AMOUNT),
    ],
)
def test_rate_is_rounded_half_away_from_zero(amount: int, basis_points: int, share: int) -> None:
    assert apply_rate(amount, basis_points) == share


@given(amounts, rates)
def test_rate_is_within_half_a_unit_of_the_exact_share(amount: int, basis_points: int) -> None:
    exact = Fraction(amount * basis_points, BASIS_POINTS)

    assert abs(apply_rate(amount, basis_points) - exact) <= Fraction(1, 2)
    assert apply_rate(-amount, basis_points) == -apply_rate(amount, basis_points)


@pytest.mark.parametrize(
    ("money", "words"),
    [
        (Money(amount=1999, currency="USD"), "19.99 USD"),
        (Money(amount=-5, currency="USD"), "-0.05 USD"),
        (Money(amount=2980, currency="JPY"), "2980 JPY"),
        (Money(amount=6150, currency="KWD"), "6.150 KWD"),
        (Money(amount=-1, currency="KWD"), "-0.001 KWD"),
    ],
)
def test_money_is_written_with_the_decimals_of_its_currency(money: Money, words: str) -> None:
    assert str(money) == words


@pytest.mark.parametrize(("currency", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_currency_has_the_decimals_of_iso_4217(currency: str, decimals: int) -> None:
    assert decimals_of(currency) == decimals


@pytest.mark.parametrize("currency", ["usd", "US", "USDX", "U$D", "", "USD\n"])
def test_currency_that_is_no_code_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(amount=1, currency=currency)


def test_amounts_of_one_currency_are_added_subtracted_and_multiplied() -> None:
    a, b = Money(amount=1999, currency="USD"), Money(amount=500, currency="USD")

    assert a + b == Money(amount=2499, currency="USD")
    assert a - b == Money(amount=1499, currency="USD")
    assert a * 3 == Money(amount=5997, currency="USD")


def test_amounts_of_two_currencies_do_not_mix() -> None:
    dollars, euros = Money(amount=1, currency="USD"), Money(amount=1, currency="EUR")

    with pytest.raises(CurrencyMismatchError, match="USD and EUR"):
        dollars + euros
    with pytest.raises(CurrencyMismatchError, match="USD and EUR"):
        dollars - euros
