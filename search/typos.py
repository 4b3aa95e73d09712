"""How far a word is from the one that was meant."""

from __future__ import annotations

ONE_TYPO_FROM = 5
TWO_TYPOS_FROM = 9
"""Letters of a word that may have one or two typos, as with Meilisearch; shorter ones have none."""


def allowed(word: str) -> int:
    """Return how many typos a word may have; what has a digit in it is meant as it is written."""
    if any(letter.isdigit() for letter in word) or len(word) < ONE_TYPO_FROM:
        return 0
    return 1 if len(word) < TWO_TYPOS_FROM else 2


def distance(written: str, meant: str) -> int:
    """Return the letters to add, drop, replace, or swap with their neighbour.

    It is the optimal string alignment distance; another first letter counts twice, because people
    seldom miss that one.
    """
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(written, 1):
        two_before, before, row = before, row, [i]
        for j, other in enumerate(meant, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and written[i - 2] == other:
                best = min(best, two_before[j - 2] + 1)
            row.append(best)
    swapped = written[:2] == meant[1::-1]
    return row[-1] + (row[-1] > 0 and written[:1] != meant[:1] and not swapped)


def distance_to_beginning(written: str, meant: str) -> int:
    """Return the distance to that beginning of a longer word that is nearest."""
    lengths = range(max(1, len(written) - 1), min(len(meant), len(written) + 1) + 1)
    return min((distance(written, meant[:length]) for length in lengths), default=len(written))
