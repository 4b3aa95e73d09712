"""What a promise about the rows is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """A promise about the rows; ``sql`` returns those that break it."""

    name: str
    number: int
    promise: str
    sql: str
