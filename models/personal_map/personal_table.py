"""What is said of a table with personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalTable:
    """One table with personal data.

    Args:
        name: the table's.
        of_person: the SQL condition of a person's rows.
        handed_out: what the person gets of them, in this order; empty for what serves only us.
        erased: the SQL expression of what takes the place of a column's value.
        kept: the columns that stay as they are, and why.
        deleted: the rows go, with all that is in them.
    """

    name: str
    of_person: str
    handed_out: Sequence[str] = ()
    erased: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False
