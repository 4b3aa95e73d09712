from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.card_numbers import BLANK, blank_card_numbers, holds_card_number


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242_4242_4242_4242",
        "378282246310005",
        "30569309025904",
        "6304000000000000000",
        "Visa 4000 0566 5566 5556, 12/30",
        "number=5555555555554444&cvc=123",
    ],
)
def test_card_number_is_seen_in_every_grouping(text: str) -> None:
    assert holds_card_number(text)
    assert BLANK in blank_card_numbers(text)
    assert not holds_card_number(blank_card_numbers(text))


@pytest.mark.parametrize(
    "text",
    [
        "pm_card_visa",
        "pm_1N3T00LkdIwHu7ix4242424242424242",
        "AUTH_72btv547",
        "ord_01jd7x9k2me8kv1qzr5t0w3y4b",
        "4242424242424241",
        "42424242424",
        "00000000000000000",
        "424242424242424242424242",
        "2026-11-23T04:30:00Z",
        "",
    ],
)
def test_what_is_no_card_number_is_left_as_it_is(text: str) -> None:
    assert not holds_card_number(text)
    assert blank_card_numbers(text) == text


@given(digits=st.text("0123456789", min_size=11, max_size=18))
def test_every_number_has_one_check_digit_that_makes_it_a_card(digits: str) -> None:
    cards = [digit for digit in "0123456789" if holds_card_number(digits + digit)]
    assert len(cards) == (1 if digits.strip("0") else 0)
