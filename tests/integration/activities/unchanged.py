"""Run an activity twice: the second run returns the first result and changes no row anywhere."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from core.database import Database

_TABLES = text("""
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1
""")


class RunTwice:
    """On a database that nobody else writes to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, activity: Any, step: Any) -> Any:
        first = await ActivityEnvironment().run(activity, step)
        before = await self.rows()
        again = await ActivityEnvironment().run(activity, step)
        assert again == first, (first, again)
        after = await self.rows()
        changed = {name for name in after if after[name] != before[name]}
        assert changed == set(), changed
        return first

    async def rows(self) -> dict[str, str]:
        """A digest of the rows of each table."""
        tables = [row["table_name"] for row in await self._database.statement(_TABLES, {})]
        digests = ", ".join(
            f"(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t) AS {name}"  # noqa: S608  # names of our tables
            for name in tables
        )
        return dict((await self._database.statement(text(f"SELECT {digests}"), {}))[0])
