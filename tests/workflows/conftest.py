"""Whole lives of orders on real parts.

- ``outside``: the sandbox's switches; its webhooks are lost and its parcels stand still unless a
  test moves them. Put back as it was at the end.
- ``skipping``: all pools on a time-skipping server. Each test has its own server (0.3 s), because
  its clock only goes forward while that of the provider does not.
- ``platform``: all pools on the development server.

Each test has a database of its own, and at its end every invariant is asked of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from core.settings import Settings
from tests.workflows.outside import TRANSIT_MS, Outside
from tests.workflows.platform import (
    Platform,
    SkippingPlatform,
    running_platform,
    skipping_platform,
    tuned,
)


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    """Those of the session, on a private database."""
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    return settings.model_copy(update={"postgres": postgres})


@pytest.fixture
async def outside(sandbox_url: str) -> AsyncIterator[Outside]:
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control", timeout=30) as http:
        outside = Outside(http=http)
        await outside.webhooks("drop")
        await outside.move_parcels_in(None)
        yield outside
        await outside.clear_faults()
        await outside.move_parcels_in(TRANSIT_MS)
        await outside.webhooks("normal")


@pytest.fixture
async def skipping(settings: Settings, outside: Outside) -> AsyncIterator[SkippingPlatform]:
    async with skipping_platform(tuned(settings), outside) as platform:
        yield platform
        assert await platform.broken_promises() == {}


@pytest.fixture
async def platform(settings: Settings, outside: Outside) -> AsyncIterator[Platform]:
    async with running_platform(tuned(settings), outside) as platform:
        yield platform
        assert await platform.broken_promises() == {}
