"""From what somebody typed to what PostgreSQL looks for.

In two steps with a look into the vocabulary between them: ``look_up`` says which words are asked
for, ``Vocabulary`` is what the index knows of them, and ``understand`` makes the queries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search import synonyms, typos
from search.words import IRREGULAR_PLURALS, MAX_WORDS, STOP_WORDS, fold, singular, words

_SKU = re.compile(r"[a-z0-9][a-z0-9._-]{2,63}")
_SHORTEST_PART = 2
_SHORTEST_TO_SPLIT = 5
_MOST_CORRECTIONS = 8


def _key(term: str) -> tuple[str, ...]:
    return tuple(singular(word) for word in words(term))


_SYNONYMS = {_key(term): others for term, others in synonyms.expansions().items()}
_LONGEST_TERM = max(len(key) for key in _SYNONYMS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was typed, in words; ``spans`` are runs of words that may mean one thing as a whole."""

    words: Sequence[str]
    key: str
    """The text as it would be the whole name of a product."""
    spans: Sequence[tuple[range, str]] = ()
    """Which words, and a term in their place: the words written as one, or a synonym."""
    codes: Sequence[tuple[range, str]] = ()
    """Which words, and what may be the beginning of a SKU."""

    def to_look_up(self) -> Sequence[str]:
        found = set(self.words)
        for _, term in self.spans:
            found.update(words(term))
        for word in self.words:
            found.update(part for split in splits(word) for part in split)
        return sorted(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """What the index knows of the words that were looked up."""

    lexemes: Mapping[str, str] = field(default_factory=dict)
    """By word, of those that are in some product."""
    documents: Mapping[str, int] = field(default_factory=dict)
    """How many products have it, by word."""
    completions: Sequence[str] = ()
    """Lexemes of words that begin with the last one that was typed."""
    similar: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """By typed word: words that look like it, each with its lexeme, likeliest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What to look for, as texts of ``tsquery``."""

    every: str
    """Products with all words, in any of their ways; nothing when a word is known in no way."""
    named: str
    """Those that have them all in the name, or as a SKU."""
    exact: str
    """Those that have them all as they were written."""
    wanted: str
    """Any of the words: what relevance is measured by."""
    each: Sequence[str]
    """One query for each word that is known in some way."""
    rarity: Sequence[int]
    """For each of them how many of the others are in more products: it tells more than they do."""


def ask(text: str) -> Asked:
    """Take a text apart; every text is fine, and one without words asks for nothing."""
    typed = list(words(text))
    key = " ".join(typed)
    telling = [word for word in typed if word not in STOP_WORDS] or typed
    asked = telling[:MAX_WORDS]
    return Asked(words=asked, key=key, spans=_spans(asked), codes=_codes(text, asked))


def understand(asked: Asked, vocabulary: Vocabulary) -> Meaning:
    """Make the queries; ``asked`` has at least one word."""
    ways = [_Ways() for _ in asked.words]
    for place, word in enumerate(asked.words):
        if word in vocabulary.lexemes:
            ways[place].exact.append([vocabulary.lexemes[word]])
    for where, term in asked.spans:
        lexemes = [vocabulary.lexemes.get(word) for word in words(term)]
        if all(lexemes):
            for place in where:
                ways[place].meant.append([lexeme for lexeme in lexemes if lexeme])
    if vocabulary.completions:
        ways[-1].meant.extend([lexeme] for lexeme in vocabulary.completions)
    for place, word in enumerate(asked.words):
        last = place == len(asked.words) - 1
        _mend(ways[place], word, vocabulary, last=last)
    for where, code in asked.codes:
        for place in where:
            ways[place].codes.append(code)
    common = [vocabulary.documents.get(word, 0) for word in asked.words]
    return _meaning(ways, common)


def splits(word: str) -> Sequence[tuple[str, str]]:
    """Return the ways to read a word as two: ``deskl amp`` is asked for rarely, ``desklamp`` is."""
    if len(word) < _SHORTEST_TO_SPLIT:
        return ()
    places = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    return [(word[:place], word[place:]) for place in places]


@dataclass(kw_only=True, slots=True)
class _Ways:
    """The ways in which one word may be meant, each as the lexemes that stand side by side."""

    exact: list[list[str]] = field(default_factory=list)
    meant: list[list[str]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def all(self) -> list[list[str]]:
        return self.exact + self.meant


def _mend(ways: _Ways, word: str, vocabulary: Vocabulary, *, last: bool) -> None:
    """Add what the word may mean if it is misspelled; the vocabulary proposes only if it may be."""
    if not ways.all():
        for split in splits(word):
            lexemes = [vocabulary.lexemes.get(part) for part in split]
            if all(lexemes):
                ways.meant.append([lexeme for lexeme in lexemes if lexeme])
    near: dict[int, list[str]] = {}
    for similar, lexeme in vocabulary.similar.get(word, ()):
        near.setdefault(_typos(word, similar, last=last), []).append(lexeme)
    corrections = [
        lexeme
        for typed_wrong in range(typos.allowed(word) + 1)
        for lexeme in dict.fromkeys(near.get(typed_wrong, ()))
    ]
    ways.meant.extend([lexeme] for lexeme in corrections[:_MOST_CORRECTIONS])


def _typos(word: str, similar: str, *, last: bool) -> int:
    """Return how many typos make one of the other; the ending of a plural is none."""
    found = min(typos.distance(word, similar), typos.distance(singular(word), singular(similar)))
    return min(found, typos.distance_to_beginning(word, similar)) if last else found


def _meaning(ways: Sequence[_Ways], common: Sequence[int]) -> Meaning:
    each = [_any([_phrase(way) for way in w.all()] + _code_queries(w)) for w in ways]
    named = [_any([_phrase(way, "A") for way in w.all()] + _code_queries(w)) for w in ways]
    exact = [_any([_phrase(way) for way in w.exact] + _code_queries(w)) for w in ways]
    wanted = [_phrase(way) for w in ways for way in w.all()[: len(w.exact) or 3]]
    known = [(way, documents) for way, documents in zip(each, common, strict=True) if way]
    return Meaning(
        every=_all(each),
        named=_all(named),
        exact=_all(exact),
        wanted=_any(wanted),
        each=[way for way, _ in known],
        rarity=[sum(other > documents for _, other in known) for _, documents in known],
    )


def _code_queries(ways: _Ways) -> list[str]:
    return [f"{_quoted(code)}:*" for code in ways.codes]


def _phrase(lexemes: Sequence[str], weight: str = "") -> str:
    labeled = [f"{_quoted(lexeme)}:{weight}" if weight else _quoted(lexeme) for lexeme in lexemes]
    return labeled[0] if len(labeled) == 1 else f"({' & '.join(labeled)})"


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _any(queries: Sequence[str]) -> str:
    return f"({' | '.join(dict.fromkeys(queries))})" if queries else ""


def _all(queries: Sequence[str]) -> str:
    """Return the conjunction; of a part that nothing meets there is none."""
    return " & ".join(queries) if all(queries) else ""


def _spans(asked: Sequence[str]) -> Sequence[tuple[range, str]]:
    found = [
        (range(place, place + 2), asked[place] + asked[place + 1])
        for place in range(len(asked) - 1)
    ]
    found.extend(
        (range(place, place + 1), IRREGULAR_PLURALS[word])
        for place, word in enumerate(asked)
        if word in IRREGULAR_PLURALS
    )
    singulars = [singular(word) for word in asked]
    for place in range(len(asked)):
        for end in range(place + 1, min(place + _LONGEST_TERM, len(asked)) + 1):
            others = _SYNONYMS.get(tuple(singulars[place:end]), ())
            found.extend((range(place, end), other) for other in others)
    return found


def _codes(text: str, asked: Sequence[str]) -> Sequence[tuple[range, str]]:
    """Return what looks like a SKU or its beginning: with a digit, a hyphen, a dot or a line."""
    found: list[tuple[range, str]] = []
    for token in fold(text).split():
        parts = words(token)
        if not _SKU.fullmatch(token) or (token.isalpha() and token.isascii()):
            continue
        places = [
            place
            for place in range(len(asked) - len(parts) + 1)
            if asked[place : place + len(parts)] == parts
        ]
        found.extend((range(place, place + len(parts)), token) for place in places[:1])
    return found
