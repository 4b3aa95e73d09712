"""How a text becomes words, for what is indexed and for what is asked alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_WORDS = 10
"""Of a query; what follows is not looked for, as with Meilisearch."""
MAX_WORD_LENGTH = 64
"""A longer run of letters is nobody's word, and would cost like many."""

STOP_WORDS = frozenset(
    {
        "a",
        "an",
        "and",
        "at",
        "by",
        "for",
        "from",
        "in",
        "into",
        "of",
        "on",
        "or",
        "per",
        "the",
        "to",
        "with",
    }
)
"""Too common to be looked for, unless nothing else is asked."""

IRREGULAR_PLURALS = {
    "calves": "calf",
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "halves": "half",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "men": "man",
    "mice": "mouse",
    "scarves": "scarf",
    "shelves": "shelf",
    "bookshelves": "bookshelf",
    "teeth": "tooth",
    "women": "woman",
    "wolves": "wolf",
}
"""Plurals that no stemmer brings to their singular; both forms are one to who searches."""

_SHORTEST_PLURAL = 3
_WORD = re.compile(r"[^\W_]+")
_JOINED = re.compile(r"[^\W_]+(?:[-'\u2019.&][^\W_]+)*")
_WHOLE_LETTERS = str.maketrans(
    {
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "ħ": "h",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
    }
)
"""Letters with a stroke and ligatures: Unicode does not take them apart."""


def fold(text: str) -> str:
    """Return the text in lower case, without accents, in compatible characters (NFKD)."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return plain.translate(_WHOLE_LETTERS)


def words(text: str) -> Sequence[str]:
    """Return the words of a text in their order, folded; cut at ``MAX_WORD_LENGTH``."""
    return [word[:MAX_WORD_LENGTH] for word in _WORD.findall(fold(text))]


def other_forms(text: str) -> Sequence[str]:
    """Return what a text may be found by beside its words.

    Words that a hyphen or an apostrophe holds together are one word too (``tshirt``, ``mens``), and
    irregular plurals are there in the singular.
    """
    # The pattern takes single words too: one that had to find a hyphen would look for it from every
    # letter of a long run.
    parts = [_WORD.findall(run) for run in _JOINED.findall(fold(text))]
    joined = ["".join(run)[:MAX_WORD_LENGTH] for run in parts if len(run) > 1]
    return [*joined, *(IRREGULAR_PLURALS[w] for w in words(text) if w in IRREGULAR_PLURALS)]


def singular(word: str) -> str:
    """Return an English word without the ending of a plural; ``glass`` and ``bus`` stay."""
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    if len(word) <= _SHORTEST_PLURAL or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word.removesuffix("s")
