"""What becomes of rows of the catalogue that are written many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    TAKEN = "taken"
    """The slug is another vendor's, the SKU another product's: nothing was written."""
    DELETED = "deleted"
    """The product is deleted: it has to be restored first, and nothing was written."""
    NEEDS_APPROVAL = "needs_approval"
    """A vendor may not publish it before staff have approved it: nothing was written."""

    @property
    def is_written(self) -> bool:
        return self in {Outcome.CREATED, Outcome.CHANGED, Outcome.UNCHANGED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The row under a slug or a SKU; ``id`` is None when somebody else's is there."""

    id: str | None
    outcome: Outcome


async def returned(
    session: AsyncSession, statement: TextClause, rows: Sequence[object], **more: object
) -> set[str]:
    """Run a statement on ``rows`` as JSON; return the keys that it returns."""
    if not rows:
        return set()
    parameters = {"rows": orjson.dumps(rows).decode(), **more}
    return set((await session.execute(statement, parameters)).scalars())


def outcomes(
    key: str,
    new: Sequence[Mapping[str, Any]],
    created: set[str],
    old: Sequence[Mapping[str, Any]],
    changed: set[str],
) -> dict[str, Written]:
    """Tell what became of each; what is not created was taken by somebody else in the meantime."""
    written: dict[str, Written] = {}
    for row in new:
        came = row[key] in created
        written[row[key]] = Written(
            id=row["id"] if came else None, outcome=Outcome.CREATED if came else Outcome.TAKEN
        )
    for row in old:
        outcome = Outcome.CHANGED if row[key] in changed else Outcome.UNCHANGED
        written[row[key]] = Written(id=row["id"], outcome=outcome)
    return written
