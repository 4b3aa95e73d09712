"""Whether a question to a provider was answered that was put after somebody wanted it put."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class Asks:
    """Counts the questions of a run: one that is under way may be older than the news."""

    begun: int = 0
    answered: int = 0

    @property
    def next(self) -> int:
        """The number of the question that begins after now."""
        return self.begun + 1

    def begin(self) -> int:
        """A question begins; return its number."""
        self.begun += 1
        return self.begun

    def end(self, number: int) -> None:
        """Its answer is known."""
        self.answered = number

    def is_answered(self, number: int) -> bool:
        return self.answered >= number
