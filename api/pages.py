"""Pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from api.cursors import Cursors

_Row = TypeVar("_Row")


def page(
    rows: Sequence[_Row],
    *,
    limit: int,
    cursors: Cursors,
    scope: Mapping[str, object],
    id_of: Callable[[_Row], str],
    render: Callable[[_Row], Any],
) -> dict[str, Any]:
    """Return a page of ``limit`` rows; one row more than that means that there is another page."""
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "data": [render(row) for row in shown],
        "next_cursor": cursors.seal(id_of(shown[-1]), scope=scope) if more else None,
    }
