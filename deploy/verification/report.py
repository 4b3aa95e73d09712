"""What a verification found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One promise and the rows that break it.

    ``in_flight`` has rows that differ only because their order is still being worked on.
    ``skipped`` says why there was nothing to compare with.
    """

    name: str
    promise: str
    broken: Sequence[Row] = ()
    in_flight: Sequence[Row] = ()
    skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    checks: Sequence[Check]

    @property
    def is_clean(self) -> bool:
        """Nothing is broken; what is in flight does not count."""
        return not any(check.broken for check in self.checks)

    def to_document(self) -> dict[str, Any]:
        """The answer of ``perdure verify --json``."""
        return {
            "clean": self.is_clean,
            "broken": sum(len(check.broken) for check in self.checks),
            "in_flight": sum(len(check.in_flight) for check in self.checks),
            "checks": [
                {
                    "name": check.name,
                    "promise": check.promise,
                    "broken": [dict(row) for row in check.broken],
                    "in_flight": [dict(row) for row in check.in_flight],
                    "skipped": check.skipped or None,
                }
                for check in self.checks
            ],
        }
