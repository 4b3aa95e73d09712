from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.typos import allowed, distance, distance_to_beginning

WORDS = st.text(alphabet="abc", max_size=6)


@pytest.mark.parametrize(
    ("written", "meant", "typos"),
    [
        ("lamp", "lamp", 0),
        ("lmap", "lamp", 1),
        ("lam", "lamp", 1),
        ("lammp", "lamp", 1),
        ("lomp", "lamp", 1),
        ("headfones", "headphones", 2),
        ("shrit", "shirt", 1),
        ("vamp", "lamp", 2),
        ("alpm", "lamp", 2),
        ("hsirt", "shirt", 1),
        ("", "lamp", 5),
    ],
)
def test_distance_counts_slips_and_the_first_letter_twice(
    written: str, meant: str, typos: int
) -> None:
    assert distance(written, meant) == typos


@pytest.mark.parametrize(
    ("written", "meant", "typos"),
    [("hedph", "headphones", 1), ("headphones", "headphones", 0), ("espreso", "espresso", 1)],
)
def test_distance_to_a_beginning_forgives_what_is_not_typed_yet(
    written: str, meant: str, typos: int
) -> None:
    assert distance_to_beginning(written, meant) == typos


@pytest.mark.parametrize(
    ("word", "typos"),
    [("lamp", 0), ("lamps", 1), ("trousers", 1), ("headphone", 2), ("12345", 0), ("mp3player", 0)],
)
def test_longer_words_may_have_more_typos(word: str, typos: int) -> None:
    assert allowed(word) == typos


@given(WORDS, WORDS)
def test_distance_is_zero_only_for_the_same_word(one: str, other: str) -> None:
    assert (distance(one, other) == 0) == (one == other)
    assert distance(one, other) <= max(len(one), len(other)) + 1
