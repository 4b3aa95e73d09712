"""A block that one caller of all processes is in at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.database import Database
from core.domain.errors import ProviderError, UnavailableError
from core.settings import Settings


@pytest.fixture
async def databases(settings: Settings) -> AsyncIterator[tuple[Database, Database]]:
    """Those of two processes that wait for nothing long."""
    impatient = settings.postgres.model_copy(update={"statement_timeout_seconds": 0.2})
    opened = (Database.open(impatient), Database.open(impatient))
    yield opened
    for database in opened:
        await database.close()


async def test_turn_that_does_not_come_is_given_up_and_tried_later(
    databases: tuple[Database, Database],
) -> None:
    one, other = databases
    entered = []
    async with one.one_at_a_time("test:1"):
        with pytest.raises(UnavailableError):
            async with other.one_at_a_time("test:1"):
                entered.append("test:1")
        async with other.one_at_a_time("test:2"):
            entered.append("test:2")
    assert entered == ["test:2"]

    with pytest.raises(ProviderError):
        async with one.one_at_a_time("test:1"):
            raise ProviderError("no answer")
    async with other.one_at_a_time("test:1"):
        entered.append("test:1")
    assert entered == ["test:2", "test:1"]
